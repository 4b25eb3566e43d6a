import json
import zipfile

import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.reporting.reports import FIGURE, HISTOGRAMS, STEP, log


class Recorder:
    """An experiment of Comet that keeps what it is given."""

    def __init__(self):
        self.histograms, self.figures = {}, {}

    def log_histogram_3d(self, values, name, step):
        self.histograms[name, step] = values

    def log_figure(self, figure_name, figure, step):
        self.figures[figure_name, step] = figure


class CometLogger:
    def __init__(self, experiment):
        self.experiment = experiment


def test_comet_gets_histograms_and_the_figure_at_the_step():
    recorder = Recorder()
    log(CometLogger(recorder))
    assert {name: len(values) for (name, _), values in recorder.histograms.items()} == HISTOGRAMS
    assert {step for _, step in [*recorder.histograms, *recorder.figures]} == {STEP}
    np.testing.assert_array_equal(recorder.histograms["infomem/plain/entropy", STEP], [1.0, 2.0, 2.5, 3.0])
    assert list(recorder.figures) == [(FIGURE, STEP)]
    assert isinstance(recorder.figures[FIGURE, STEP], Figure)


@pytest.mark.usefixtures("offline")
def test_comet_itself_takes_them(tmp_path):
    comet_ml = pytest.importorskip("comet_ml")

    # Lightning's CometLogger(online=False) asks for an experiment that is disabled: this one is only offline.
    quiet = ("log_code", "log_graph", "log_env_details", "log_git_metadata", "log_git_patch", "parse_args")
    automatic = ("auto_param_logging", "auto_metric_logging", "auto_output_logging")
    experiment = comet_ml.OfflineExperiment(
        offline_directory=str(tmp_path), display_summary_level=0, **dict.fromkeys((*quiet, *automatic), False)
    )
    log(CometLogger(experiment))
    experiment.end()

    (path,) = tmp_path.glob("*.zip")
    with zipfile.ZipFile(path) as archive:
        messages = [json.loads(line) for line in archive.read("messages.json").splitlines()]
        stored = [message["payload"] for message in messages if message["type"] == "file_upload"]
        for payload in stored:
            about = payload["additional_params"]
            assert about["step"] == STEP
            content = archive.read(payload["file_path"])
            if payload["upload_type"] == "histogram3d":
                counts = [count for _, count in json.loads(content)["index_values"]]
                assert sum(counts) == HISTOGRAMS[about["fileName"]]
            else:
                assert about["figName"] == FIGURE
                assert b"<svg" in content
    assert len(stored) == len(HISTOGRAMS) + 1
