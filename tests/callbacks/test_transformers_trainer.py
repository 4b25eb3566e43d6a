import copy
import importlib
import sys
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

import lightning_infomem
from lightning_infomem.callbacks.evaluation_watch import EvaluationWatch
from lightning_infomem.checkpoints.huggingface_folder import REPORT_FILE
from lightning_infomem.checkpoints.reading import find_checkpoints, read_checkpoint
from lightning_infomem.measurement import measure
from lightning_infomem.records.report import REPORT_KEY, InformationReport
from lightning_infomem.runs.recorded_runs import recorded_runs
from lightning_infomem.runs.run_file import RUN_FILE, read_run_file
from lightning_infomem.selection.read_candidates import read_candidates
from lightning_infomem.settings import MeasurementSettings
from tests.callbacks.distilbert import LAYERS, distilbert, transformers
from tests.callbacks.logged_names import names_by_layer, names_over_layers
from tests.networks import num_hooks

pytest.importorskip("accelerate")

from lightning_infomem.callbacks.transformers_trainer import MemorizationTrainerCallback

OVER_LAYERS = names_over_layers("eval_infomem")
BY_LAYER = names_by_layer(LAYERS, "eval_infomem")


def sentences(count, seed=0):
    """Random tokens of 4 to 8 positions, the rest padding."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(4, 9, (count,), generator=generator)
    tokens = torch.randint(1, 100, (count, 8), generator=generator)
    mask = (torch.arange(8) < lengths[:, None]).long()
    labels = torch.randint(0, 3, (count,), generator=generator)
    return [
        {"input_ids": row, "attention_mask": admitted, "labels": label}
        for row, admitted, label in zip(tokens * mask, mask, labels, strict=True)
    ]


def trainer(folder, *callbacks, model=None, evaluation=None, **options):
    defaults = {
        "num_train_epochs": 2,
        "per_device_train_batch_size": 16,
        "per_device_eval_batch_size": 16,
        "learning_rate": 1e-2,
        "eval_strategy": "epoch",
        "save_strategy": "no",
        "logging_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": True,
        "dataloader_pin_memory": False,
    }
    runner = transformers.Trainer(
        distilbert() if model is None else model,
        transformers.TrainingArguments(str(folder), **{**defaults, **options}),
        train_dataset=sentences(32, seed=1),
        eval_dataset=sentences(40) if evaluation is None else evaluation,
        callbacks=list(callbacks),
    )
    runner.remove_callback(transformers.PrinterCallback)
    return runner


class Recorder(transformers.TrainerCallback):
    """Keeps the metrics of every evaluation."""

    def __init__(self):
        self.seen = []

    def on_evaluate(self, args, state, control, metrics=None, **kwargs):
        self.seen.append(dict(metrics))


def test_every_evaluation_gives_its_values_to_metrics_and_log(tmp_path):
    monitor, recorder = MemorizationTrainerCallback(), Recorder()
    runner = trainer(tmp_path, monitor, recorder)
    runner.train()
    assert [layer.name for layer in monitor.report.layers] == LAYERS
    assert monitor.report.skipped == {}
    assert [{name for name in metrics if "infomem" in name} for metrics in recorder.seen] == [OVER_LAYERS] * 2
    entries = [entry for entry in runner.state.log_history if "eval_infomem/mi_mean" in entry]
    assert [entry.keys() - {"epoch", "step"} for entry in entries] == [OVER_LAYERS | BY_LAYER] * 2
    assert [(values["epoch"], values["step"]) for values in monitor.history] == [(1, 2), (2, 4)]
    for metrics, entry, values in zip(recorder.seen, entries, monitor.history, strict=True):
        assert metrics["eval_infomem/mi_mean"] == entry["eval_infomem/mi_mean"] == values["infomem/mi_mean"]


@pytest.mark.parametrize("options", [{}, {"pooling": "cls", "max_samples": 32, "max_units": 8, "seed": 3}])
def test_the_evaluation_loop_is_measured_like_the_model_alone(tmp_path, options):
    monitor = MemorizationTrainerCallback(**options)
    model = distilbert()
    trainer(tmp_path, monitor, model=model, num_train_epochs=1).train()
    data = transformers.default_data_collator(sentences(40))
    report = measure(model, [data], **options)
    for watched, alone in zip(monitor.report.layers, report.layers, strict=True):
        assert watched.num_samples == alone.num_samples == options.get("max_samples", 40)
        # Batches of another size may change the last bits of a float32 activation.
        torch.testing.assert_close(watched.entropy, alone.entropy, rtol=0, atol=1e-6)
        torch.testing.assert_close(watched.mutual_information, alone.mutual_information, rtol=0, atol=1e-6)


def test_reports_hold_predictions_in_their_places_and_the_logged_training_loss(tmp_path):
    monitor = MemorizationTrainerCallback(max_samples=20)
    runner = trainer(tmp_path, monitor, logging_strategy="steps", logging_steps=1)
    runner.train()
    logged = [entry["loss"] for entry in runner.state.log_history if "loss" in entry]
    assert len(logged) == 4  # two epochs of two steps
    assert monitor.report.training_loss == pytest.approx(sum(logged[2:]) / 2, rel=1e-6)
    predictions = monitor.report.predictions
    assert (len(predictions.places), predictions.loader, predictions.num_classes) == (20, 0, 3)
    rows = [sentences(40)[place] for place in predictions.places.tolist()]
    inputs = {name: torch.stack([row[name] for row in rows]) for name in ("input_ids", "attention_mask")}
    model = runner.model.eval()
    with torch.no_grad():
        assert torch.equal(model(**inputs).logits.argmax(1).int(), predictions.classes)
    assert trainer(tmp_path, silent := MemorizationTrainerCallback()).train()
    assert silent.report.training_loss is None  # nothing was logged


def test_a_report_is_of_the_weights_in_its_folder_or_left_out(tmp_path):
    saving = {"save_strategy": "steps", "save_steps": 1, "eval_strategy": "steps", "eval_steps": 2}
    trainer(tmp_path, MemorizationTrainerCallback(), **saving).train()
    candidates, skipped = read_candidates(find_checkpoints(tmp_path))
    assert sorted(each.step for each in candidates) == [2, 4]
    assert {Path(path).name: why[:32] for path, why in skipped.items()} == {
        "checkpoint-1": "carries no report; train with Me",
        "checkpoint-3": "its report is of other weights (",
    }


def test_the_best_checkpoint_can_be_chosen_and_training_stopped_by_a_measure(tmp_path):
    monitor = MemorizationTrainerCallback()
    stopper = transformers.EarlyStoppingCallback(1, early_stopping_threshold=100.0)
    choice = {"metric_for_best_model": "infomem/mi_mean", "greater_is_better": True, "load_best_model_at_end": True}
    runner = trainer(tmp_path, monitor, stopper, num_train_epochs=6, save_strategy="epoch", **choice)
    runner.train()
    assert len(monitor.history) == 2
    assert runner.state.best_metric == max(values["infomem/mi_mean"] for values in monitor.history)


def test_checkpoints_carry_the_report_and_a_resumed_run_continues_its_history(tmp_path):
    monitor = MemorizationTrainerCallback()
    trainer(tmp_path, monitor, save_strategy="epoch").train()
    for values in monitor.history:
        stored = torch.load(tmp_path / f"checkpoint-{values['step']:.0f}" / REPORT_FILE, weights_only=True)
        report = InformationReport.from_state(stored[REPORT_KEY])
        assert report.step == values["step"]
        assert report[LAYERS[1]].pairs().mean().item() == values[f"infomem/{LAYERS[1]}/mi_mean"]

    begun = []

    class Begin(transformers.TrainerCallback):
        def on_train_begin(self, args, state, control, **kwargs):
            begun.append((resumed.report, resumed.history))

    checkpoint = str(tmp_path / "checkpoint-4")
    for folder, options in ((tmp_path, {}), (tmp_path / "elsewhere", {"resume_from_checkpoint": checkpoint})):
        resumed = MemorizationTrainerCallback()
        runner = trainer(folder, resumed, Begin(), num_train_epochs=3, **options)
        runner.train(resume_from_checkpoint=checkpoint)
        assert begun[-1][1] == monitor.history
        assert [values["step"] for values in resumed.history] == [2, 4, 6]
    assert begun[0][0].step == 4
    runner.train()  # a new run
    assert begun[-1] == (None, [])


def test_a_resumed_run_whose_history_is_not_found_says_so(tmp_path):
    trainer(tmp_path, MemorizationTrainerCallback(), save_strategy="epoch", num_train_epochs=1).train()
    monitor = MemorizationTrainerCallback()
    with pytest.warns(UserWarning, match=r"infomem_report.pt of step 2 is required .*elsewhere.*: it starts anew"):
        trainer(tmp_path / "elsewhere", monitor).train(resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    assert [values["step"] for values in monitor.history] == [4]


def test_callbacks_of_two_prefixes_do_not_share_a_file(tmp_path):
    monitors = [MemorizationTrainerCallback(), MemorizationTrainerCallback(LAYERS[0], prefix="probe/val")]
    recorder = Recorder()
    trainer(tmp_path, *monitors, recorder, save_strategy="epoch").train()
    assert {"eval_infomem/mi_mean", "eval_probe/val/mi_mean"} <= set(recorder.seen[0])
    assert not any(LAYERS[0] in name for name in recorder.seen[0])
    again = [MemorizationTrainerCallback(), MemorizationTrainerCallback(LAYERS[0], prefix="probe/val")]
    trainer(tmp_path, *again, num_train_epochs=3).train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    for before, after in zip(monitors, again, strict=True):
        assert after.history[:2] == before.history
        assert [values["step"] for values in after.history] == [2, 4, 6]
    runs, faults = recorded_runs([], [tmp_path / "checkpoint-4"])
    assert ([run.course.prefix for run in runs], faults) == (["infomem", "probe/val"], {})
    record = read_checkpoint(tmp_path / "checkpoint-4")
    assert len(record.report.layers) == len(LAYERS)
    assert record.notes[0].startswith("several monitors left a report (infomem_report.pt, infomem_report-probe_val-")


def test_the_history_beside_the_resumed_weights_comes_first(tmp_path):
    kept = MemorizationTrainerCallback()
    trainer(tmp_path, kept, save_strategy="epoch").train()
    trainer(tmp_path / "other", MemorizationTrainerCallback(), save_strategy="epoch", num_train_epochs=1).train()
    resumed = MemorizationTrainerCallback()
    options = {"num_train_epochs": 3, "resume_from_checkpoint": str(tmp_path / "other" / "checkpoint-2")}
    trainer(tmp_path, resumed, **options).train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    assert resumed.history[:2] == kept.history


def test_a_damaged_report_in_a_checkpoint_does_no_harm(tmp_path):
    trainer(tmp_path, MemorizationTrainerCallback(), save_strategy="epoch", num_train_epochs=1).train()
    (tmp_path / "checkpoint-2" / REPORT_FILE).write_bytes(b"no archive")
    monitor = MemorizationTrainerCallback()
    with pytest.warns(UserWarning, match=r"the history in '.*checkpoint-2.*' cannot be read"):
        trainer(tmp_path, monitor).train(resume_from_checkpoint=True)
    assert [values["step"] for values in monitor.history] == [4]


def test_every_evaluation_is_a_line_of_the_run_file_and_a_resumed_run_goes_on_in_it(tmp_path):
    monitor = MemorizationTrainerCallback()
    trainer(tmp_path, monitor, save_strategy="epoch").train()
    measured, fault = read_run_file(tmp_path / RUN_FILE)
    assert fault is None
    assert [{**each.values, "epoch": each.epoch, "step": each.step} for each in measured] == monitor.history
    resumed = MemorizationTrainerCallback()
    trainer(tmp_path, resumed, num_train_epochs=3).train(resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    (run,), faults = recorded_runs([tmp_path], [tmp_path / "checkpoint-2", tmp_path / "checkpoint-4"])
    assert faults == {}
    assert run.course.steps == [2, 4, 6]
    expected = [values["infomem/mi_mean"] for values in resumed.history]
    assert run.course.values("mi_mean") == expected
    assert run.report.step == 4
    assert {each.run_id for each in read_run_file(tmp_path / RUN_FILE)[0]} == {run.last.run_id}
    trainer(tmp_path, MemorizationTrainerCallback(), num_train_epochs=1).train()  # a new run in the same folder
    assert len(recorded_runs([tmp_path], [])[0]) == 2


def test_training_is_bitwise_the_same_with_and_without(tmp_path):
    def weights(*callbacks):
        model = distilbert()
        assert model.config.dropout > 0
        trainer(tmp_path, *callbacks, model=model, eval_strategy="steps", eval_steps=1).train()
        return model.state_dict()

    with_monitor, without = weights(MemorizationTrainerCallback()), weights()
    assert all(torch.equal(with_monitor[name], without[name]) for name in without)


def test_a_failed_measurement_warns_and_training_goes_on(tmp_path):
    monitor = MemorizationTrainerCallback()
    runner = trainer(tmp_path, monitor, evaluation=sentences(3))
    with pytest.warns(UserWarning, match=r"nothing was measured .*more than neighbors=3 finite samples"):
        runner.train()
    assert runner.state.global_step == 4
    assert monitor.history == []


def test_a_failed_measurement_raises_for_the_strict_and_leaves_no_hook(tmp_path):
    runner = trainer(tmp_path, MemorizationTrainerCallback(on_error="raise"), evaluation=sentences(3))
    with pytest.raises(ValueError, match=r"more than neighbors=3 finite samples"):
        runner.train()
    assert num_hooks(runner.model) == 0


def test_no_hook_is_there_in_training_nor_after_it(tmp_path):
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.network, self.seen = distilbert(), {True: [], False: []}

        def forward(self, **inputs):
            self.seen[self.training].append(num_hooks(self))
            return self.network(**inputs)

    model = Counting()
    trainer(tmp_path, MemorizationTrainerCallback(), model=model, remove_unused_columns=False).train()
    assert set(model.seen[True]) == {0}
    assert set(model.seen[False]) == {3, 5}  # two on the model, and global ones: two to read it, then one (one entry
    # is counted twice, because it gets keywords)
    assert num_hooks(model) == 0


def test_no_hook_survives_an_exception_in_the_model(tmp_path):
    class Failing(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = distilbert()

        def forward(self, **inputs):
            if not self.training:
                raise ArithmeticError("the user's own")
            return self.network(**inputs)

    model = Failing()
    with pytest.raises(ArithmeticError, match="the user's own"):
        trainer(tmp_path, MemorizationTrainerCallback(), model=model, remove_unused_columns=False).train()
    assert num_hooks(model) == 0


def test_forward_passes_of_strangers_and_of_predictions_are_not_sampled(tmp_path):
    class Stranger(transformers.TrainerCallback):
        def call(self, model):
            data = transformers.default_data_collator(sentences(7, seed=9))
            with torch.no_grad():
                model.eval()(**data)
                copy.deepcopy(model)(**data)

        def on_epoch_end(self, args, state, control, model=None, **kwargs):
            runner.predict(sentences(20, seed=8))
            self.call(model)

        def on_prediction_step(self, args, state, control, model=None, **kwargs):
            self.call(model)

    monitors = MemorizationTrainerCallback(), MemorizationTrainerCallback()
    # One epoch: a prediction draws from torch's generator, so that the next epoch is another one.
    trainer(tmp_path, monitors[0], num_train_epochs=1).train()
    runner = trainer(tmp_path, monitors[1], Stranger(), num_train_epochs=1)
    runner.train()
    alone, among_strangers = monitors[0].history[0], monitors[1].history[0]
    times = {"infomem/seconds": 0, "infomem/drawing_seconds": 0}
    assert among_strangers | times == alone | times


def test_passes_that_generate_are_passed_over_and_those_of_training_too():
    model = nn.Linear(4, 6)
    model.forward = lambda x, past_key_values=None: nn.functional.linear(x, model.weight)
    outer = nn.Sequential(model)
    outer.forward = lambda x, **kwargs: model(x, **kwargs)
    watch = EvaluationWatch(outer, {"0": model}, MeasurementSettings())
    watch.open()
    inputs = torch.randn(5, 4)
    outer.train()(inputs)
    outer.eval()
    watch.confirm()  # of nothing
    outer(inputs)
    outer(inputs[:2], past_key_values=object())
    watch.confirm()
    outer(inputs[:3])  # forgotten
    outer(inputs[:1])
    watch.confirm()
    outer(inputs[:3])  # forgotten too
    tap = watch.take()
    torch.testing.assert_close(tap.samples()["0"], model(torch.cat([inputs, inputs[:1]])).detach())
    watch.close()
    assert num_hooks(outer) == 0


def test_of_several_evaluation_datasets_the_first_is_measured(tmp_path):
    monitor, recorder = MemorizationTrainerCallback(), Recorder()
    data = {"known": sentences(40), "new": sentences(30, seed=5)}
    trainer(tmp_path, monitor, recorder, evaluation=data).train()
    names = [[name for name in metrics if name.endswith("infomem/samples")] for metrics in recorder.seen]
    assert names == [["eval_known_infomem/samples"], []] * 2
    assert [values["infomem/samples"] for values in monitor.history] == [40, 40]


def test_loggers_get_scalars_and_tensorboard_pictures_by_way_of_the_trainer(tmp_path, monkeypatch):
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "events"))
    monitor = MemorizationTrainerCallback()
    runner = trainer(tmp_path, monitor, report_to="tensorboard")
    monitor.set_trainer(runner)
    runner.train()
    events = EventAccumulator(str(tmp_path / "events"), size_guidance={"histograms": 0})
    events.Reload()
    scalars = {name.removeprefix("eval/") for name in events.Tags()["scalars"]}
    assert {name.removeprefix("eval_") for name in OVER_LAYERS | BY_LAYER} <= scalars
    assert set(events.Tags()["histograms"]) == {f"infomem/{layer}/{m}" for layer in LAYERS for m in ("entropy", "mi")}
    assert {" Memorization/what the numbers mean", "custom_scalars__config__"} <= set(events.Tags()["tensors"])
    assert " Memorization/mutual information in nats" in scalars
    assert events.Tags()["images"] == [f"infomem/{name}" for name in ("layers", "information_map", "run", "epochs_map")]
    assert [event.step for event in events.Images("infomem/layers")] == [4]  # the last, which is always drawn
    assert [event.step for event in events.Scalars("eval/infomem/mi_mean")] == [2, 4]
    assert len([entry for entry in runner.state.log_history if "eval_infomem/mi_mean" in entry]) == 2


def test_mistakes_are_raised_when_training_begins(tmp_path):
    with pytest.raises(ValueError, match="nearest: 'distilbert"):
        trainer(tmp_path, MemorizationTrainerCallback("distilbart")).train()
    with pytest.warns(UserWarning, match="evaluations are required"):
        trainer(tmp_path, MemorizationTrainerCallback(), eval_strategy="no", num_train_epochs=1).train()


def test_without_transformers_the_package_imports_and_the_callback_names_what_to_install(monkeypatch):
    # As if it were not installed. All of it cannot be hidden: torchmetrics imports it where it finds it.
    monkeypatch.setitem(sys.modules, "transformers.trainer_callback", None)
    for name in [name for name in sys.modules if name.startswith("lightning_infomem.callbacks")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(lightning_infomem, "callbacks", lightning_infomem.callbacks)  # what is imported anew goes again
    importlib.import_module("lightning_infomem.callbacks")
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'lightning-infomem\[transformers\]'"):
        importlib.import_module("lightning_infomem.callbacks.transformers_trainer")


def test_a_fault_in_watching_stops_no_training(tmp_path):
    def examples(batch):
        raise KeyError("nodes")

    monitor = MemorizationTrainerCallback(examples=examples)
    runner = trainer(tmp_path, monitor)
    with pytest.warns(UserWarning, match="nothing was measured at this evaluation: 'nodes'"):
        runner.train()
    assert runner.state.global_step == 4
    assert monitor.history == []
    assert num_hooks(runner.model) == 0
