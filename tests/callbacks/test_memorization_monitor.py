import copy
import logging
import pickle

import lightning.pytorch
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.utils.data import DataLoader

from lightning_infomem.callbacks import MemorizationMonitor
from lightning_infomem.measurement import measure
from lightning_infomem.records.report import COURSE_KEY, REPORT_KEY, InformationReport
from lightning_infomem.runs.run_course import RunCourse
from tests.callbacks.logged_names import names_by_layer, names_over_layers
from tests.networks import Classifier, Encoder, UnifiedClassifier, dense, loader, mlp, num_hooks, resnet, trainer

LAYERS = ["network.0", "network.2"]
NAMES = names_over_layers() | names_by_layer(LAYERS)


class Recorder(pl.Callback):
    """Keeps what has been logged at the end of every validation."""

    def __init__(self):
        self.seen = []

    def on_validation_end(self, trainer, pl_module):
        if not trainer.sanity_checking:
            values = trainer.callback_metrics
            self.seen.append({name: value.item() for name, value in values.items() if name.startswith("infomem")})


def fit(tmp_path, *callbacks, model=None, inputs=None, val=None, **options):
    torch.manual_seed(0)
    model = Classifier(mlp()) if model is None else model
    runner = trainer(tmp_path, callbacks=callbacks, **options)
    inputs = dense() if inputs is None else inputs
    runner.fit(model, loader(inputs), loader(inputs) if val is None else val)
    return model, runner


@pytest.mark.parametrize(
    ("network", "inputs", "layers"),
    [
        (mlp, dense(), ["network.0", "network.2"]),
        (resnet, torch.randn(40, 1, 8, 8), ["network.1", "network.2"]),
        (Encoder, torch.randint(0, 11, (40, 5)), ["network.encoder.layers.0", "network.encoder.layers.1"]),
    ],
)
@pytest.mark.parametrize(("package", "kind"), [(pl, Classifier), (lightning.pytorch, UnifiedClassifier)])
def test_a_bare_monitor_works_in_the_trainer_of_either_package(tmp_path, network, inputs, layers, package, kind):
    monitor, model = MemorizationMonitor(), kind(network())
    runner = package.Trainer(
        callbacks=monitor,
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
        default_root_dir=tmp_path,
    )
    runner.fit(model, loader(inputs), loader(inputs))
    assert [layer.name for layer in monitor.report.layers] == layers
    assert monitor.report.skipped == {}
    assert runner.callback_metrics["infomem/mi_mean"].isfinite()
    assert num_hooks(model) == 0


def test_everything_promised_is_logged_at_every_validation_but_the_sanity_check(tmp_path):
    recorder = Recorder()
    fit(tmp_path, MemorizationMonitor(), recorder, max_epochs=3)
    assert [set(values) for values in recorder.seen] == [NAMES] * 3


def test_means_over_layers_count_each_layer_the_same(tmp_path):
    recorder = Recorder()
    fit(tmp_path, MemorizationMonitor(), recorder)
    for measure_name in ("mi_mean", "entropy_mean"):
        values = recorder.seen[-1]
        by_layer = [values[f"infomem/{layer}/{measure_name}"] for layer in LAYERS]
        assert values[f"infomem/{measure_name}"] == pytest.approx(sum(by_layer) / 2, rel=1e-6)  # logged in float32


def test_the_drop_is_the_fall_from_the_highest_value_of_the_run(tmp_path):
    monitor = MemorizationMonitor()
    fit(tmp_path, monitor, max_epochs=4)
    for layer in LAYERS:
        course = [values[f"infomem/{layer}/mi_mean"] for values in monitor.history]
        expected = (max(course) - course[-1]) / max(course)
        assert monitor.history[-1][f"infomem/{layer}/mi_drop"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("first", ["monitor", "checkpoint"])
@pytest.mark.parametrize("options", [{}, {"val_check_interval": 0.5}, {"check_val_every_n_epoch": 2}])
def test_checkpoints_see_and_carry_the_value_of_the_same_validation(tmp_path, first, options):
    monitor = MemorizationMonitor()
    checkpoint = ModelCheckpoint(
        tmp_path,
        monitor="infomem/mi_mean",
        save_top_k=-1,
        filename="{epoch}-{step}-{infomem/mi_mean:.9f}",
        auto_insert_metric_name=False,
    )
    callbacks = [monitor, checkpoint] if first == "monitor" else [checkpoint, monitor]
    fit(tmp_path, *callbacks, max_epochs=4, **options)
    paths = sorted(tmp_path.glob("*.ckpt"), key=lambda path: int(path.stem.split("-")[1]))
    assert len(paths) == len(monitor.history) > 1
    for path, values in zip(paths, monitor.history, strict=True):
        stored = torch.load(path, weights_only=True)
        report = InformationReport.from_state(stored["callbacks"][monitor.state_key][REPORT_KEY])
        assert report.step == stored["global_step"] == values["step"]
        # The file's name holds what ModelCheckpoint saw, in float32 and nine digits.
        assert float(path.stem.split("-", 2)[2]) == pytest.approx(values["infomem/mi_mean"], abs=1e-6)


def test_early_stopping_sees_the_value(tmp_path):
    stopper = EarlyStopping("infomem/mi_mean", mode="max", patience=1, min_delta=100)
    _, runner = fit(tmp_path, stopper, MemorizationMonitor(), max_epochs=10)
    assert runner.current_epoch == 2


def test_training_is_bitwise_the_same_with_and_without(tmp_path):
    class Dropping(Classifier):
        def validation_step(self, batch, batch_idx):
            torch.rand(3)  # the user's own draws come in the same order too
            super().validation_step(batch, batch_idx)

    def weights(*callbacks):
        torch.manual_seed(1)
        model = Dropping(nn.Sequential(nn.Linear(6, 300), nn.ReLU(), nn.Dropout(), nn.Linear(300, 3)))
        model, _ = fit(tmp_path, *callbacks, model=model, logger=TensorBoardLogger(tmp_path), max_epochs=3)
        return model.state_dict()

    plain, watched = weights(), weights(MemorizationMonitor(max_samples=20))
    assert all(torch.equal(plain[name], watched[name]) for name in plain)


def test_the_callback_and_measure_give_the_same_report(tmp_path):
    inputs = dense(300)
    monitor = MemorizationMonitor(max_samples=64, max_units=6)
    model, _ = fit(tmp_path, monitor, inputs=inputs, max_epochs=1)
    report = measure(model, inputs.split(23), max_samples=64, max_units=6)
    for logged, offline in zip(monitor.report.layers, report.layers, strict=True):
        assert logged.name == offline.name
        # Batches of another size may change the last bit of a float32 activation.
        torch.testing.assert_close(logged.entropy, offline.entropy, rtol=0, atol=1e-6)
        torch.testing.assert_close(logged.mutual_information, offline.mutual_information, rtol=0, atol=1e-6)


def test_between_measurements_the_last_values_are_repeated_with_their_age(tmp_path):
    recorder = Recorder()
    fit(tmp_path, MemorizationMonitor(every_n_validations=2), recorder, max_epochs=5)
    assert [values["infomem/age"] for values in recorder.seen] == [0, 1, 0, 1, 0]
    course = [values["infomem/mi_mean"] for values in recorder.seen]
    assert course[0] == course[1]
    assert course[2] == course[3] != course[1]


def test_only_the_chosen_validation_loader_is_sampled(tmp_path):
    class Silent(Classifier):
        def validation_step(self, batch, batch_idx, dataloader_idx):
            self(batch[0])

    loaders = [loader(dense(30)), loader(dense(50))]
    for index, expected in ((0, 30), (1, 50)):
        monitor = MemorizationMonitor(dataloader_idx=index)
        fit(tmp_path, monitor, model=Silent(mlp()), val=loaders, max_epochs=1)
        assert monitor.report.layers[0].num_samples == expected


def test_validate_measures_and_leaves_the_history_of_the_run_alone(tmp_path):
    monitor, recorder = MemorizationMonitor(), Recorder()
    checkpoint = ModelCheckpoint(tmp_path, save_last=True)
    model, runner = fit(tmp_path, monitor, recorder, checkpoint)
    history = monitor.history
    runner.validate(model, loader(dense(40)), ckpt_path=str(tmp_path / "last.ckpt"), verbose=False)
    assert monitor.history == history
    assert recorder.seen[-1]["infomem/samples"] == 40


def test_a_resumed_run_continues_its_history(tmp_path):
    fit(tmp_path, MemorizationMonitor(), ModelCheckpoint(tmp_path, save_last=True), max_epochs=2)
    monitor = MemorizationMonitor(bins=50)
    runner = trainer(tmp_path, callbacks=[monitor, ModelCheckpoint(tmp_path, save_last=True)], max_epochs=3)
    runner.fit(Classifier(mlp()), loader(dense()), loader(dense()), ckpt_path=str(tmp_path / "last.ckpt"))
    assert [values["epoch"] for values in monitor.history] == [0, 1, 2]


@pytest.mark.parametrize(
    "damage",
    [
        {REPORT_KEY: {"state_version": 99}},
        {"age": float("inf")},
        {"age": "old"},
        {COURSE_KEY: RunCourse("another").to_state()},
        {COURSE_KEY: 3},
    ],
    ids=["report", "infinite age", "age", "another prefix", "course"],
)
def test_a_damaged_state_starts_the_history_anew(tmp_path, damage):
    monitor = MemorizationMonitor()
    fit(tmp_path, monitor)
    state, run_id = monitor.state_dict(), monitor.run_id
    assert monitor.history
    with pytest.warns(UserWarning, match="cannot be read"):
        monitor.load_state_dict({**state, **damage})
    assert (monitor.history, monitor.report, monitor.judgement) == ([], None, None)
    assert monitor.run_id != run_id
    monitor.load_state_dict(state)
    assert (len(monitor.history), monitor.run_id) == (2, run_id)


def test_every_run_is_measured_from_its_first_step_on(tmp_path):
    monitor = MemorizationMonitor(dataloader=[dense()], every_n_train_steps=7)
    for _ in range(2):
        fit(tmp_path, monitor, max_epochs=1)  # ends at the step at which the next one begins to measure
        assert [values["step"] for values in monitor.history] == [7, 7]


def test_a_second_run_with_the_same_monitor_starts_anew(tmp_path):
    monitor = MemorizationMonitor()
    fit(tmp_path, monitor, max_epochs=3)
    fit(tmp_path, monitor, max_epochs=1)
    assert len(monitor.history) == 1


def test_no_hook_survives_an_exception_in_the_users_step(tmp_path):
    class Failing(Classifier):
        def validation_step(self, batch, batch_idx):
            super().validation_step(batch, batch_idx)
            assert num_hooks(self) > 0 or self.trainer.sanity_checking
            if not self.trainer.sanity_checking:
                raise ArithmeticError("the user's own")

    model = Failing(mlp())
    with pytest.raises(ArithmeticError, match="the user's own"):
        fit(tmp_path, MemorizationMonitor(), model=model)
    assert num_hooks(model) == 0


def test_a_failed_measurement_warns_and_training_goes_on(tmp_path):
    monitor = MemorizationMonitor()
    few = loader(dense(3))
    with pytest.warns(UserWarning, match=r"nothing was measured .*more than neighbors=3 finite samples are required"):
        _, runner = fit(tmp_path, monitor, val=few)
    assert runner.current_epoch == 2
    assert monitor.report is None


def test_a_failed_measurement_raises_for_the_strict(tmp_path):
    with pytest.raises(ValueError, match=r"more than neighbors=3 finite samples"):
        fit(tmp_path, MemorizationMonitor(on_error="raise"), val=loader(dense(3)))


def test_a_layer_that_cannot_be_read_is_named_once(tmp_path):
    class Tokens(nn.Module):
        def forward(self, x):
            return (x * 10).long()

    network = nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 3))
    network.register_module("tokens", Tokens())
    network.forward = lambda x: (network.tokens(x), network[1](network[0](x)))[1]
    monitor = MemorizationMonitor(["network.0", "network.tokens"])
    with pytest.warns(UserWarning, match=r"leaves out layer 'network.tokens': .*floating-point") as caught:
        fit(tmp_path, monitor, model=Classifier(network), max_epochs=3)
    assert sum("leaves out" in str(warning.message) for warning in caught) == 1
    assert [layer.name for layer in monitor.report.layers] == ["network.0"]
    with pytest.raises(ValueError, match=r"layer 'network.tokens'"):
        fit(tmp_path, MemorizationMonitor(["network.0", "network.tokens"], on_error="raise"), model=Classifier(network))


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_non_finite_activations_are_counted_and_never_logged(tmp_path, poison):
    inputs = dense()
    inputs[5] = poison
    recorder, monitor = Recorder(), MemorizationMonitor()
    model = Classifier(mlp())
    runner = trainer(tmp_path, callbacks=[monitor, recorder], max_epochs=1)
    runner.fit(model, loader(dense()), loader(inputs))
    assert monitor.report.layers[0].num_dropped == 1
    assert all(torch.isfinite(torch.tensor(value)) for value in recorder.seen[-1].values())


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true"])
def test_low_precision_is_measured_and_its_ties_reported(tmp_path, precision):
    monitor = MemorizationMonitor()
    fit(tmp_path, monitor, inputs=dense(400), precision=precision, max_epochs=1)
    assert monitor.report.layers[0].mutual_information.isfinite().all()
    assert monitor.report.layers[0].tie_fraction > 0.2


def test_two_monitors_need_two_prefixes(tmp_path):
    with pytest.raises(RuntimeError, match=r"more than one stateful callback of type `MemorizationMonitor`"):
        fit(tmp_path, MemorizationMonitor(), MemorizationMonitor("network.0"))
    recorder = Recorder()
    fit(tmp_path, MemorizationMonitor(), MemorizationMonitor("network.0", prefix="infomem-first"), recorder)
    assert "infomem-first/network.0/mi_mean" in recorder.seen[-1]


def test_mistakes_are_raised_in_setup(tmp_path):
    with pytest.raises(MisconfigurationException, match="nearest: 'network'"):
        fit(tmp_path, MemorizationMonitor("netwerk"))


def test_a_run_without_validation_gets_one_warning(tmp_path):
    runner = trainer(tmp_path, callbacks=[MemorizationMonitor()], limit_val_batches=0, max_epochs=2)
    with pytest.warns(UserWarning, match="a validation loop is required") as caught:
        runner.fit(Classifier(mlp()), loader(dense()), loader(dense()))
    assert sum("MemorizationMonitor" in str(warning.message) for warning in caught) == 1


@pytest.mark.parametrize("options", [{"fast_dev_run": True}, {"barebones": True, "logger": None}])
def test_short_runs_do_no_harm(tmp_path, options):
    class Silent(Classifier):
        def validation_step(self, batch, batch_idx):
            self(batch[0])

    runner = pl.Trainer(callbacks=MemorizationMonitor(), accelerator="cpu", max_epochs=1, **options)
    runner.fit(Silent(mlp()), loader(dense()), loader(dense()))
    assert runner.state.finished


def test_tensorboard_gets_scalars_histograms_and_figures(tmp_path):
    monitor = MemorizationMonitor()
    _, runner = fit(tmp_path, monitor, logger=TensorBoardLogger(tmp_path))
    runner.logger.experiment.flush()
    events = EventAccumulator(runner.logger.log_dir, size_guidance={"histograms": 0})
    events.Reload()
    assert set(events.Tags()["scalars"]) >= NAMES
    assert set(events.Tags()["histograms"]) == {f"infomem/{layer}/{m}" for layer in LAYERS for m in ("entropy", "mi")}
    assert events.Tags()["images"] == [f"infomem/{name}" for name in ("layers", "information_map", "run", "epochs_map")]
    scalar_steps = [event.step for event in events.Scalars("infomem/mi_mean")]
    assert [event.step for event in events.Images("infomem/run")] == scalar_steps[-1:]
    assert [event.step for event in events.Histograms("infomem/network.0/mi")] == scalar_steps


def test_a_logger_without_histograms_is_named_once_and_keeps_its_scalars(tmp_path, monkeypatch):
    monkeypatch.setattr("lightning_infomem.reporting.loggers._warned", set())  # the first to see a logger
    logger = CSVLogger(tmp_path)
    with pytest.warns(UserWarning, match="CSVLogger: histograms and figures"):
        fit(tmp_path, MemorizationMonitor(), logger=[logger, TensorBoardLogger(tmp_path)])
    logger.save()
    assert "infomem/mi_mean" in next(iter(tmp_path.rglob("metrics.csv"))).read_text()


def test_how_the_network_was_read_is_said_where_lightning_speaks(tmp_path, caplog):
    fit(tmp_path, MemorizationMonitor(), max_epochs=2)
    said = [record for record in caplog.records if "MemorizationMonitor measures" in record.message]
    assert len(said) == 1
    assert "network.0 [10 units], network.2 [8 units]; head network.4; task classification (" in said[0].message
    assert logging.getLogger(said[0].name).getEffectiveLevel() <= logging.INFO


def test_it_pickles_and_copies(tmp_path):
    monitor = MemorizationMonitor()
    fit(tmp_path, monitor, max_epochs=1)
    for twin in (pickle.loads(pickle.dumps(monitor)), copy.deepcopy(monitor)):
        assert twin.history == monitor.history
        assert twin.state_key == "MemorizationMonitor[infomem]"


def test_batches_of_any_kind_are_sampled(tmp_path):
    class FromMapping(Classifier):
        def training_step(self, batch, batch_idx):
            return super().training_step((batch["x"], batch["y"]), batch_idx)

        def validation_step(self, batch, batch_idx):
            return super().validation_step((batch["x"], batch["y"]), batch_idx)

    data = [{"x": x, "y": torch.tensor(0)} for x in dense(40)]
    monitor = MemorizationMonitor()
    runner = trainer(tmp_path, callbacks=[monitor], max_epochs=1)
    runner.fit(FromMapping(mlp()), DataLoader(data, 10), DataLoader(data, 10))
    assert monitor.report.layers[0].num_samples == 40


# What the network does


class Regression(Classifier):
    """Three targets that are no classes."""

    def training_step(self, batch, batch_idx):
        return nn.functional.mse_loss(self(batch[0]), batch[0][:, :3])

    def validation_step(self, batch, batch_idx, dataloader_idx=0):
        self(batch[0])


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("regression", 'the network does regression (task="regression" was given)'),
        ("none", 'the outputs of the network are no classes (task="none" was given)'),
    ],
)
def test_a_network_without_classes_logs_no_confidence_and_is_not_judged(tmp_path, task, words):
    monitor, recorder = MemorizationMonitor(task=task, training_probe=True, on_error="raise"), Recorder()
    checkpoint = ModelCheckpoint(tmp_path, monitor="infomem/mi_mean")
    fit(tmp_path, monitor, recorder, checkpoint, model=Regression(mlp()), inputs=dense(100), max_epochs=5)
    of_classes = ("confidence", "smoothness")
    expected = {name for name in NAMES if name.split("/")[-1] not in of_classes}
    assert [set(values) for values in recorder.seen] == [expected] * 5  # the same names at every validation
    assert not any(values["infomem/memorizing"] for values in recorder.seen)
    assert monitor.judgement.abstention == words
    assert (monitor.report.task, monitor.report.predictions) == (task, None)


def test_a_monitor_is_told_of_a_classification(tmp_path):
    monitor = MemorizationMonitor(task="classification")
    fit(tmp_path, monitor, inputs=dense(100), max_epochs=1)
    assert (monitor.report.task, monitor.report.task_reason) == ("classification", 'task="classification" was given')
    assert "infomem/confidence" in monitor.history[-1]
