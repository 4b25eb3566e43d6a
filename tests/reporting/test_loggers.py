import dataclasses
import gc
import logging
import time
import weakref

import lightning.pytorch.loggers
import matplotlib.pyplot as plt
import numpy as np
import pytest
import pytorch_lightning.loggers
from lightning_fabric.loggers.logger import _DummyExperiment
from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lightning_infomem.records.metric_names import metric_name
from lightning_infomem.reporting.loggers import log_pictures
from lightning_infomem.reporting.pictures import Pictures
from lightning_infomem.reporting.run_figures import run_figures
from lightning_infomem.runs.run_course import RunCourse
from tests.reporting.reports import FIGURE, HISTOGRAMS, REPORT, STEP, log


class CometLogger:
    """By name a logger that shows histograms; its experiment counts the calls, or fails."""

    def __init__(self, fault=None):
        self.experiment, self.fault, self.calls = self, fault, []

    def log_histogram_3d(self, values, name, step):
        if self.fault:
            raise self.fault
        self.calls.append(name)

    def log_figure(self, figure_name, figure, step):
        self.calls.append(figure_name)


class Inherited(CometLogger):
    pass


class Unheard:
    pass


@pytest.mark.parametrize("loggers", [pytorch_lightning.loggers, lightning.pytorch.loggers])
def test_tensorboard_of_either_package_or_inherited_gets_histograms_and_the_figure(tmp_path, loggers):
    class Own(loggers.TensorBoardLogger):
        pass

    logger = Own(tmp_path)
    log(logger)
    logger.experiment.flush()
    events = EventAccumulator(logger.log_dir, size_guidance={"histograms": 0})
    events.Reload()
    assert set(events.Tags()["histograms"]) == set(HISTOGRAMS)
    assert events.Tags()["images"] == [FIGURE]
    assert [event.step for event in events.Histograms("infomem/plain/mi")] == [STEP]
    assert events.Histograms("infomem/plain/mi")[0].histogram_value.num == HISTOGRAMS["infomem/plain/mi"]


def test_histograms_in_tensorboard_have_bins_of_equal_width(tmp_path):
    logger = pytorch_lightning.loggers.TensorBoardLogger(tmp_path)
    log(logger)
    logger.experiment.flush()
    events = EventAccumulator(logger.log_dir, size_guidance={"histograms": 0})
    events.Reload()
    histogram = events.Histograms("infomem/plain/entropy")[0].histogram_value
    edges, counts = np.array(histogram.bucket_limit), np.array(histogram.bucket)
    assert counts.sum() == 4
    assert np.diff(edges)[1:] == pytest.approx(2 / 64, rel=1e-6)  # 1 to 3 nats


def test_every_logger_without_histograms_is_named_in_one_warning():
    csv = type("CSVLogger", (), {})
    with pytest.warns(UserWarning, match="histograms and figures of infomem") as caught:
        log(csv(), Unheard(), Unheard())
    log(csv(), Unheard())  # a second warning would be an error
    assert [str(warning.message).split(":")[0] for warning in caught] == ["CSVLogger", "Unheard"]
    assert "TensorBoardLogger, WandbLogger, MLFlowLogger, CometLogger only" in str(caught[0].message)


def test_a_logger_that_fails_is_named_in_the_log_and_the_others_go_on(caplog):
    class Unreachable(CometLogger):
        def __init__(self):
            pass

        @property
        def experiment(self):
            raise ConnectionError("no server")

    last = Inherited()
    with caplog.at_level(logging.WARNING, logger="lightning_infomem"):
        log(CometLogger(OSError("disk full")), Unreachable(), last)
    assert [record.getMessage() for record in caplog.records] == [
        "CometLogger did not take the histograms and figures of infomem: disk full",
        "Unreachable did not take the histograms and figures of infomem: no server",
    ]
    assert last.calls == [*HISTOGRAMS, FIGURE]


def test_a_figure_that_cannot_be_drawn_costs_no_histogram(caplog):
    def failing():
        raise ValueError("no ink")

    logger = CometLogger()
    with caplog.at_level(logging.WARNING, logger="lightning_infomem"):
        log(logger, figure=failing)
    assert caplog.messages == ["the figure infomem/layers could not be drawn: no ink"]
    assert logger.calls == list(HISTOGRAMS)


def test_a_figure_that_cannot_be_drawn_costs_no_other(caplog):
    def failing():
        raise ValueError("no ink")

    logger = CometLogger()
    with caplog.at_level(logging.WARNING, logger="lightning_infomem"):
        log_pictures([logger], Pictures({"one": failing, "other": Figure}, STEP, "infomem", REPORT))
    assert caplog.messages == ["the figure infomem/one could not be drawn: no ink"]
    assert logger.calls == [*HISTOGRAMS, "infomem/other"]


def test_the_time_of_drawing_is_returned_and_is_zero_if_no_logger_shows_figures():
    assert log(CometLogger(), figure=lambda: time.sleep(0.05) or Figure()) >= 0.05
    with pytest.warns(UserWarning, match="Unheard"):
        assert log(Unheard(), figure=lambda: time.sleep(9)) < 1


def test_many_figures_leave_none_behind_and_no_window(tmp_path):
    logger = pytorch_lightning.loggers.TensorBoardLogger(tmp_path)
    windows = plt.get_fignums()
    drawn = []

    def draw():
        figure = Figure((2, 2))
        figure.subplots().plot([1, 2])
        drawn.append(weakref.ref(figure))
        return figure

    for step in range(20):
        log(logger, figure=draw, step=step)
    gc.collect()
    assert len(drawn) == 20
    assert not any(figure() for figure in drawn)
    assert plt.get_fignums() == windows


def test_figures_of_a_report_and_a_run_leave_none_behind_and_no_window(tmp_path):
    logger = pytorch_lightning.loggers.TensorBoardLogger(tmp_path)
    windows = plt.get_fignums()
    course, report = RunCourse("infomem"), dataclasses.replace(REPORT, layers=REPORT.layers[:2])
    gc.collect()
    before = sum(issubclass(type(each), Figure) for each in gc.get_objects())
    for step in range(3):
        values = course.add(report, epoch=step, step=step)
        log_pictures([logger], Pictures(run_figures(course, report), step, "infomem", report, values))
    gc.collect()
    assert sum(issubclass(type(each), Figure) for each in gc.get_objects()) == before
    assert plt.get_fignums() == windows


def test_the_figure_is_drawn_once_for_all_and_never_for_nobody():
    drawn = []
    log(CometLogger(), CometLogger(), figure=lambda: drawn.append(metric_name("infomem", "layers")))
    assert drawn == [FIGURE]
    other_rank = CometLogger()
    other_rank.experiment = _DummyExperiment()  # as Lightning gives it there
    with pytest.warns(UserWarning, match="Unheard"):
        log(other_rank, Unheard(), figure=lambda: drawn.append("again"))
    assert drawn == [FIGURE]
