import logging
import re

import lightning.pytorch
import pytest
import pytorch_lightning
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from lightning_infomem.callbacks import MemorizationMonitor
from lightning_infomem.reporting.meaning import LIMITS, MEANING
from tests.networks import Classifier, UnifiedClassifier, dense, loader, mlp, trainer

LAYOUT, EXPERIMENT, SESSION = "custom_scalars__config__", "_hparams_/experiment", "_hparams_/session_start_info"
TEXT = " Memorization/what the numbers mean"
MEASURES = [f"infomem/{name}" for name in ("mi_mean", "entropy_mean", "memorizing", "smoothness")]
OWN_LAYOUT = {"mine": {"losses": ["Multiline", ["val_loss"]]}}


@pytest.fixture(autouse=True)
def without_figures(monkeypatch):
    """They have tests of their own, and take longer than the training."""
    monkeypatch.setattr("lightning_infomem.callbacks.memorization_monitor.run_figures", lambda *_, **__: {})


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


def events_of(logger):
    events = EventAccumulator(logger.log_dir, size_guidance={"tensors": 0})
    return events.Reload()


def layouts(logger):
    found = events_of(logger).Tensors(LAYOUT)
    return [Layout.FromString(event.tensor_proto.string_val[0]) for event in found]


def texts(logger, name=TEXT):
    return [event.tensor_proto.string_val[0].decode() for event in events_of(logger).Tensors(name)]


def declared(logger, tag=EXPERIMENT):
    """What TensorBoard goes by: the first of a run."""
    metadata = events_of(logger).summary_metadata
    return HParamsPluginData.FromString(metadata[tag].plugin_data.content) if tag in metadata else None


def declared_names(logger):
    experiment = declared(logger).experiment
    return [info.name for info in experiment.hparam_infos], [info.name.tag for info in experiment.metric_infos]


def test_the_two_means_stand_once_more_in_the_first_group_of_all(tmp_path):
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
    assert declared_names(runner.logger)[1][4] == "the.probe/mi_mean"


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
def test_hyperparameters_stand_beside_the_last_measures(tmp_path, loggers, model):
    logger = loggers.TensorBoardLogger(tmp_path)
    runner = (pytorch_lightning if model is Tuned else lightning.pytorch).Trainer(
        callbacks=[MemorizationMonitor()],
        logger=logger,
        max_epochs=1,
        accelerator="cpu",
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    runner.fit(model(width=7, nested={"rate": 0.5}), loader(dense()), loader(dense()))
    logger.experiment.flush()
    hyperparameters, measures = declared_names(logger)
    assert {"width", "nested/rate"} <= set(hyperparameters)
    assert measures == [*MEASURES, "hp_metric"]
    values = declared(logger, SESSION).session_start_info.hparams  # of Lightning
    assert set(hyperparameters) == set(values)
    assert values["width"].number_value == 7
    assert {"hp_metric", "infomem/mi_mean", "infomem/memorizing"} <= set(events_of(logger).Tags()["scalars"])


def test_hyperparameters_of_any_type_and_of_the_data_are_declared_as_lightning_writes_them(tmp_path):
    odd = {"none": None, "layer": torch.nn.ReLU, "list": [1, {"a": 2}], "tensor": torch.ones(2, 2), 3: "three"}
    runner = fit(tmp_path, model=Tuned(odd=odd), data=Data(batch_size=4))
    hyperparameters, _ = declared_names(runner.logger)
    assert "batch_size" in hyperparameters
    assert set(hyperparameters) == set(declared(runner.logger, SESSION).session_start_info.hparams)


@pytest.mark.parametrize("why", ["no hyperparameters", "no metric of Lightning's"])
def test_where_lightning_writes_no_hyperparameters_the_tab_stays_the_users(tmp_path, why):
    logger = pytorch_lightning.loggers.TensorBoardLogger(tmp_path, default_hp_metric=why == "no hyperparameters")
    fit(tmp_path, logger=logger, model=Classifier(mlp()) if why == "no hyperparameters" else Tuned())
    assert declared(logger) is None
    assert len(texts(logger)) == 1


def test_each_of_two_loggers_is_introduced_and_a_prefix_of_a_logger_is_respected(tmp_path):
    loggers = [
        pytorch_lightning.loggers.TensorBoardLogger(tmp_path, name="one"),
        pytorch_lightning.loggers.TensorBoardLogger(tmp_path, name="two", prefix="own"),
    ]
    fit(tmp_path, logger=loggers)
    assert [len(texts(logger)) for logger in loggers] == [1, 1]
    assert declared_names(loggers[1])[1][0] == "own-infomem/mi_mean"
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
