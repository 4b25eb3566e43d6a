import inspect
import logging
import re
from types import SimpleNamespace

import lightning.pytorch
import pytest
import pytorch_lightning
import torch
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups

from lightning_infomem.callbacks import MemorizationMonitor
from lightning_infomem.reporting.meaning import LIMITS, MEANING
from lightning_infomem.reporting.tensorboard_setup import _is_written
from tests.networks import Classifier, UnifiedClassifier, dense, loader, mlp, trainer

LAYOUT = "custom_scalars__config__"
TEXT = " Memorization/what the numbers mean"
OWN_LAYOUT = {"mine": {"losses": ["Multiline", ["val_loss"]]}}


@pytest.fixture(autouse=True)
def without_figures(monkeypatch):
    """They have tests of their own, and take longer than the training."""
    monkeypatch.setattr("lightning_infomem.callbacks.run_monitor.run_figures", lambda *_, **__: {})


class Tuned(Classifier):
    """With hyperparameters of every kind."""

    def __init__(self, width=10, nested=None, odd=None):
        super().__init__(mlp())
        self.save_hyperparameters()


class UnifiedTuned(UnifiedClassifier):
    def __init__(self, width=10, nested=None):
        super().__init__(mlp())
        self.save_hyperparameters()


class Data(pytorch_lightning.LightningDataModule):
    def __init__(self, batch_size=16, width=10):
        super().__init__()
        self.save_hyperparameters()

    def train_dataloader(self):
        return loader(dense())

    val_dataloader = train_dataloader


def fit(tmp_path, *monitors, model=None, logger=None, data=None, resumed_from=None, **options):
    """The loggers of a run, on disk."""
    logger = logger or pytorch_lightning.loggers.TensorBoardLogger(tmp_path)
    runner = trainer(tmp_path, callbacks=monitors or [MemorizationMonitor()], logger=logger, **options)
    given = {"datamodule": data} if data else {"train_dataloaders": loader(dense()), "val_dataloaders": loader(dense())}
    runner.fit(model or Tuned(), **given, ckpt_path=resumed_from)
    for each in runner.loggers:
        each.experiment.flush()
    return runner


def bare_logger(tmp_path, **options):
    """A logger without Lightning's placeholder for the tab HParams."""
    return pytorch_lightning.loggers.TensorBoardLogger(tmp_path, default_hp_metric=False, **options)


def events_of(logger):
    events = EventAccumulator(logger.log_dir, size_guidance={"tensors": 0})
    return events.Reload()


def layouts(logger):
    found = events_of(logger).Tensors(LAYOUT)
    return [Layout.FromString(event.tensor_proto.string_val[0]) for event in found]


def texts(logger, name=TEXT):
    return [event.tensor_proto.string_val[0].decode() for event in events_of(logger).Tensors(name)]


def hparams_tab(logger):
    """Hyperparameters and measures of the one run in TensorBoard's tab HParams, as its own server answers."""
    multiplexer = EventMultiplexer().AddRunsFromDirectory(logger.log_dir)
    provider = MultiplexerDataProvider(multiplexer.Reload(), logger.log_dir)
    backend = backend_context.Context(SimpleNamespace(data_provider=provider))
    asked = api_pb2.ListSessionGroupsRequest(
        slice_size=10, start_index=0, allowed_statuses=[api_pb2.STATUS_RUNNING, api_pb2.STATUS_SUCCESS]
    )
    answer = list_session_groups.Handler(RequestContext(), backend, "", asked).run()
    rows = [
        (
            {name: getattr(value, value.WhichOneof("kind")) for name, value in group.hparams.items()},
            {each.name.tag: each.value for each in group.metric_values},
        )
        for group in answer.session_groups
    ]
    return rows[0] if rows else None


def test_the_two_means_are_repeated_in_the_first_group_of_all(tmp_path):
    monitor = MemorizationMonitor()
    runner = fit(tmp_path, monitor)
    events = events_of(runner.logger)
    groups = {name.partition("/")[0] for name in events.Tags()["scalars"]}
    assert min(groups | {"Accuracy", "Loss"}) == " Memorization"
    for shown, name in (("entropy in nats", "entropy_mean"), ("mutual information in nats", "mi_mean")):
        again, own = events.Scalars(f" Memorization/{shown}"), events.Scalars(f"infomem/{name}")
        assert [(event.step, event.value) for event in again] == [(event.step, event.value) for event in own]
        assert len(again) == 2


def test_the_text_says_what_the_numbers_mean_and_how_they_were_measured(tmp_path):
    runner = fit(tmp_path, MemorizationMonitor(max_samples=77, bins=31))
    (text,) = texts(runner.logger)
    for sentence in (*MEANING, *LIMITS):
        assert sentence.replace("_", r"\_") in text
    assert "| layers (2) | `network.0`, `network.2` |" in text
    assert "| max samples | 77 |" in text
    assert "| bins | 31 |" in text
    assert f"torch {torch.__version__.partition('+')[0]}" in text


def test_one_layout_holds_all_layers_of_all_monitors(tmp_path):
    runner = fit(tmp_path, MemorizationMonitor(), MemorizationMonitor(["network.0"], prefix="the.probe"))
    (layout,) = layouts(runner.logger)
    assert [category.title for category in layout.category] == [
        "Memorization, layer by layer",
        "Memorization the.probe, layer by layer",
    ]
    names = events_of(runner.logger).Tags()["scalars"]
    matched = [
        [name for name in names if re.match(chart.multiline.tag[0], name)]
        for category in layout.category
        for chart in category.chart
    ]
    assert matched[0] == ["infomem/network.0/mi_mean", "infomem/network.2/mi_mean"]
    assert matched[1] == ["infomem/network.0/entropy_mean", "infomem/network.2/entropy_mean"]
    assert matched[4] == ["the.probe/network.0/mi_mean"]
    assert len(texts(runner.logger)) == len(texts(runner.logger, " Memorization the.probe/what the numbers mean")) == 1


@pytest.mark.parametrize("moment", ["before", "setup", "training"])
def test_a_layout_of_the_users_own_wins(tmp_path, moment):
    class Own(Tuned):
        def setup(self, stage):
            if moment == "setup":
                self.logger.experiment.add_custom_scalars(OWN_LAYOUT)

        def on_train_end(self):
            if moment == "training":
                self.logger.experiment.add_custom_scalars(OWN_LAYOUT)

    logger = pytorch_lightning.loggers.TensorBoardLogger(tmp_path)
    if moment == "before":
        logger.experiment.add_custom_scalars(OWN_LAYOUT)
    fit(tmp_path, model=Own(), logger=logger)
    assert layouts(logger)[-1].category[0].title == "mine"  # TensorBoard shows the last of a run


@pytest.mark.parametrize(
    ("loggers", "model"), [(pytorch_lightning.loggers, Tuned), (lightning.pytorch.loggers, UnifiedTuned)]
)
def test_hyperparameters_are_shown_with_the_last_measures(tmp_path, loggers, model):
    torch.manual_seed(0)  # a network that predicts one class for all inputs has no smoothness
    logger = loggers.TensorBoardLogger(tmp_path, default_hp_metric=False)
    monitors = [MemorizationMonitor(), MemorizationMonitor(["network.0"], prefix="the.probe")]
    runner = (pytorch_lightning if model is Tuned else lightning.pytorch).Trainer(
        callbacks=monitors,
        logger=logger,
        max_epochs=2,
        accelerator="cpu",
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    runner.fit(model(width=7, nested={"rate": 0.5}), loader(dense()), loader(dense()))
    hyperparameters, measures = hparams_tab(logger)
    assert hyperparameters["width"] == 7
    assert hyperparameters["nested/rate"] == 0.5
    expected = {
        f"{monitor.prefix}/{name}": monitor.history[-1][f"{monitor.prefix}/{name}"]
        for monitor in monitors
        for name in ("mi_mean", "entropy_mean", "memorizing", "smoothness")
    }
    assert measures == pytest.approx(expected)


def test_hyperparameters_of_any_type_and_of_the_data_are_shown_too(tmp_path):
    odd = {"none": None, "layer": torch.nn.ReLU, "list": [1, {"a": 2}], "tensor": torch.ones(2, 2), 3: "three"}
    runner = fit(tmp_path, model=Tuned(odd=odd), data=Data(batch_size=4), logger=bare_logger(tmp_path))
    hyperparameters, _ = hparams_tab(runner.logger)
    assert hyperparameters["batch_size"] == 4
    assert hyperparameters["odd/3"] == "three"


def test_the_final_values_end_the_curves_once_more(tmp_path):
    runner = fit(tmp_path, logger=bare_logger(tmp_path))
    steps = [event.step for event in events_of(runner.logger).Scalars("infomem/mi_mean")]
    assert steps == sorted(steps)
    assert len(steps) == 3  # of two validations and of the end
    assert steps[-1] == runner.global_step


def test_a_run_without_hyperparameters_has_no_row(tmp_path):
    runner = fit(tmp_path, model=Classifier(mlp()), logger=bare_logger(tmp_path))
    assert hparams_tab(runner.logger) is None
    assert len(texts(runner.logger)) == 1


def test_where_lightning_declares_its_placeholder_nothing_is_added(tmp_path):
    runner = fit(tmp_path)
    hyperparameters, measures = hparams_tab(runner.logger)
    assert hyperparameters["width"] == 10
    assert measures == {"hp_metric": -1}
    assert len(events_of(runner.logger).Scalars("infomem/mi_mean")) == 2


def test_a_declaration_of_the_users_own_stays(tmp_path):
    class Own(Tuned):
        def on_train_start(self):
            self.logger.log_hyperparams({"mine": 3}, {"my_metric": 0.5})

    runner = fit(tmp_path, model=Own(), logger=bare_logger(tmp_path))
    assert hparams_tab(runner.logger) == ({"mine": 3}, {"my_metric": 0.5})


@pytest.mark.parametrize("tag", ["at the start", "at the end"])
@pytest.mark.parametrize("between", [0, 3 * 2**20])
def test_a_tag_is_found_at_both_ends_of_a_long_file(tmp_path, tag, between):
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"-at the start-" + b"." * between + b"-at the end-")
    writer = SimpleNamespace(flush=lambda: None, log_dir=tmp_path)
    assert _is_written(writer, tag)
    assert not _is_written(writer, "nowhere")


def test_a_logger_that_cannot_place_the_final_values_gets_none(tmp_path):
    class Old(pytorch_lightning.loggers.TensorBoardLogger):
        """As before Lightning 2.5, which put them at step 0."""

        def log_hyperparams(self, params, metrics=None):
            assert metrics is None
            super().log_hyperparams(params)

    assert "step" in inspect.signature(pytorch_lightning.loggers.TensorBoardLogger.log_hyperparams).parameters
    runner = fit(tmp_path, logger=Old(tmp_path, default_hp_metric=False))
    assert hparams_tab(runner.logger) is None


def test_each_of_two_loggers_is_introduced_and_a_prefix_of_a_logger_is_respected(tmp_path):
    loggers = [
        pytorch_lightning.loggers.TensorBoardLogger(tmp_path, name="one"),
        pytorch_lightning.loggers.TensorBoardLogger(tmp_path, name="two", prefix="own"),
    ]
    fit(tmp_path, logger=loggers)
    assert [len(texts(logger)) for logger in loggers] == [1, 1]
    assert "own-infomem/mi_mean" in events_of(loggers[1]).Tags()["scalars"]


def test_a_run_taken_up_again_in_its_folder_is_not_introduced_twice(tmp_path):
    def logger():
        return pytorch_lightning.loggers.TensorBoardLogger(tmp_path, version="same")

    def keeper():
        return pytorch_lightning.callbacks.ModelCheckpoint(tmp_path / "kept", save_last=True)

    fit(tmp_path, MemorizationMonitor(), keeper(), logger=logger())
    path = tmp_path / "kept" / "last.ckpt"
    runner = fit(tmp_path, MemorizationMonitor(), keeper(), logger=logger(), resumed_from=path, max_epochs=3)
    assert len(texts(runner.logger)) == len(layouts(runner.logger)) == 1
    runner.fit_loop.max_epochs = 4
    runner.fit(runner.lightning_module, loader(dense()), loader(dense()))
    runner.logger.experiment.flush()
    assert len(texts(runner.logger)) == 1


def test_a_quick_trial_and_a_run_without_loggers_are_not_introduced(tmp_path):
    fit(tmp_path, logger=pytorch_lightning.loggers.TensorBoardLogger(tmp_path), fast_dev_run=True)
    trainer(tmp_path, callbacks=[MemorizationMonitor()]).fit(Tuned(), loader(dense()), loader(dense()))
    assert list(tmp_path.rglob("events.*")) == []


def test_a_writer_that_fails_stops_no_run(tmp_path, caplog, monkeypatch):
    logger = pytorch_lightning.loggers.TensorBoardLogger(tmp_path)

    def failing(layout):
        raise OSError("disk full")

    monkeypatch.setattr(logger.experiment, "add_custom_scalars", failing)
    with caplog.at_level(logging.WARNING, logger="lightning_infomem"):
        runner = fit(tmp_path, logger=logger)
    assert runner.current_epoch == 2
    assert "TensorBoardLogger did not take the introduction to its numbers: disk full" in caplog.messages
