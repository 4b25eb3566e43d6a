"""What is logged when a measurement, or that of one layer, fails: nothing old as new, and no name is missing."""

from __future__ import annotations

import math

import pytest
import torch
from pytorch_lightning.callbacks import Callback, EarlyStopping, ModelCheckpoint
from torch import nn

from lightning_infomem.callbacks import MemorizationMonitor
from lightning_infomem.records.report import COURSE_KEY
from lightning_infomem.runs.run_course import RunCourse
from tests.callbacks.logged_names import names_by_layer, names_over_layers
from tests.networks import Classifier, dense, loader, mlp, trainer

LAYERS = ["network.0", "network.2"]


@pytest.fixture(autouse=True)
def without_figures(monkeypatch):
    """They have tests of their own."""
    monkeypatch.setattr("lightning_infomem.callbacks.run_monitor.run_figures", lambda *_, **__: {})


class Recorder(Callback):
    """Keeps what is logged at every validation."""

    def __init__(self):
        self.seen = []

    def on_validation_end(self, trainer, pl_module):
        if not trainer.sanity_checking:
            values = trainer.callback_metrics.items()
            self.seen.append({name: float(value) for name, value in values if name.startswith("infomem")})


class Hides(nn.Module):
    """Changes with the epochs, and is NaN in some."""

    def __init__(self, *epochs):
        super().__init__()
        self.epochs, self.now = epochs, -1
        self.linear = nn.Linear(6, 6)

    def forward(self, x):
        return self.linear(x) + x * (math.nan if self.now in self.epochs else self.now)


class Hidden(Classifier):
    """Two branches, of which one can be hidden without harm to the outputs."""

    def __init__(self, *epochs):
        super().__init__(mlp())
        self.branch = Hides(*epochs)

    def validation_step(self, batch, batch_idx):
        self.branch.now = self.current_epoch
        self.branch(batch[0])
        self.network(batch[0])


def fit(folder, monitor, *callbacks, model=None, val=None, **options):
    torch.manual_seed(0)
    recorder = Recorder()
    model = Classifier(mlp()) if model is None else model
    options = {"num_sanity_val_steps": 0, "max_epochs": 3, **options}
    runner = trainer(folder, callbacks=[monitor, *callbacks, recorder], **options)
    runner.fit(model, loader(dense()), loader(dense()) if val is None else val)
    return recorder.seen, runner


def own(values, layer):
    return {name: value for name, value in values.items() if name.startswith(f"infomem/{layer}/")}


def test_a_layer_that_fails_is_nan_and_comes_back(tmp_path):
    monitor = MemorizationMonitor(["branch", "network.0"])
    with pytest.warns(UserWarning, match="leaves out layer 'branch'") as caught:
        seen, _ = fit(tmp_path, monitor, model=Hidden(1, 2), max_epochs=4)
    before, failed, again, after = (own(values, "branch") for values in seen)
    assert len(before) >= 9  # a smoothness only if several classes are predicted
    assert before.keys() == failed.keys() == again.keys() <= after.keys()
    assert all(map(math.isnan, [*failed.values(), *again.values()]))
    assert math.isfinite(after["infomem/branch/mi_mean"])
    assert after["infomem/branch/mi_mean"] != before["infomem/branch/mi_mean"]
    for values in monitor.history[1:3]:
        assert all(map(math.isnan, own(values, "branch").values()))
    # The mean over layers says that its members changed.
    assert [values["infomem/layers_measured"] for values in seen] == [2, 1, 1, 2]
    assert seen[1]["infomem/mi_mean"] == seen[1]["infomem/network.0/mi_mean"]
    assert [values["infomem/age"] for values in seen] == [0] * 4
    said = [str(each.message) for each in caught]
    assert sum("leaves out layer 'branch'" in each for each in said) == 1
    assert sum("takes means over layers without 'branch' from now on: do" in each for each in said) == 1


def test_what_was_not_measured_survives_a_resume_as_such(tmp_path):
    monitor = MemorizationMonitor(["branch", "network.0"])
    with pytest.warns(UserWarning, match="leaves out layer 'branch'"):
        _, runner = fit(tmp_path, monitor, model=Hidden(2))
    path = tmp_path / "a.ckpt"
    runner.save_checkpoint(path)
    state = torch.load(path, weights_only=True)["callbacks"][monitor.state_key]
    course = RunCourse.from_state(state[COURSE_KEY])
    for restored, values in zip(course.history, monitor.history, strict=True):
        assert restored == pytest.approx(values, nan_ok=True, abs=0)
    assert math.isnan(course.history[-1]["infomem/branch/mi_mean"])


@pytest.mark.parametrize("every", [1, 2])
def test_a_run_resumed_with_fewer_layers_logs_nothing_of_the_others(tmp_path, every):
    _, runner = fit(tmp_path, MemorizationMonitor(LAYERS))
    runner.save_checkpoint(tmp_path / "a.ckpt")
    monitor, recorder = MemorizationMonitor("network.2", every_n_validations=every), Recorder()
    with pytest.warns(UserWarning, match=r"Monitor takes means over layers without 'network\.0' from now on"):
        trainer(tmp_path, callbacks=[monitor, recorder], max_epochs=6).fit(
            Classifier(mlp()), loader(dense()), loader(dense()), ckpt_path=tmp_path / "a.ckpt"
        )
    assert len(recorder.seen) == 3
    for values in recorder.seen:
        assert own(values, "network.0") == {}
        assert math.isfinite(values["infomem/network.2/mi_mean"])
    assert own(monitor.history[0], "network.0")
    assert own(monitor.history[-1], "network.0") == {}


def test_a_failed_measurement_repeats_what_is_over_all_layers_with_its_age(tmp_path):
    monitor = MemorizationMonitor(LAYERS)

    class Poisoned(Classifier):
        def validation_step(self, batch, batch_idx):
            self.network(batch[0] * (1 if self.current_epoch in (0, 3) else math.nan))

    with pytest.warns(UserWarning, match="nothing was measured at this validation"):
        seen, _ = fit(tmp_path, monitor, model=Poisoned(mlp()), max_epochs=4)
    assert [values["infomem/age"] for values in seen] == [0, 1, 2, 0]
    assert len({frozenset(values) for values in seen}) == 1
    for values in seen[1:3]:
        for name in names_over_layers() - {"infomem/age"}:
            assert values[name] == seen[0][name], name
        assert all(math.isnan(values[name]) for name in names_by_layer(LAYERS))
    assert seen[3]["infomem/mi_mean"] != seen[0]["infomem/mi_mean"]
    assert len(monitor.history) == 2


def test_if_the_first_measurement_fails_those_who_listen_are_named(tmp_path):
    stopping = EarlyStopping("infomem/mi_mean", mode="max", check_finite=True)
    lenient = EarlyStopping("infomem/entropy_mean", check_finite=False)
    saving = ModelCheckpoint(tmp_path, monitor="infomem/network.0/mi_mean")
    other = EarlyStopping("val_loss", check_finite=True)
    with pytest.warns(UserWarning, match="MemorizationMonitor: ") as caught:
        seen, runner = fit(
            tmp_path, MemorizationMonitor(LAYERS), stopping, lenient, other, saving, val=loader(dense(3))
        )
    assert runner.current_epoch == 1
    assert names_over_layers() - {"infomem/confidence"} | names_by_layer(LAYERS) == set(seen[0])
    assert all(math.isnan(value) for name, value in seen[0].items() if name != "infomem/age")
    assert seen[0]["infomem/age"] == 1
    [said] = [str(each.message) for each in caught if "and is NaN" in str(each.message)]
    assert "EarlyStopping(monitor='infomem/mi_mean') is about to end the run, because of check_finite=True" in said
    assert "ModelCheckpoint(monitor='infomem/network.0/mi_mean') takes it for the worst value" in said
    assert "EarlyStopping(monitor='infomem/entropy_mean') listens" in said
    assert "val_loss" not in said


def test_nobody_is_named_while_all_is_well(tmp_path, recwarn):
    seen, _ = fit(tmp_path, MemorizationMonitor(LAYERS), EarlyStopping("infomem/mi_mean"), max_epochs=2)
    assert len(seen) == 2
    assert not any("MemorizationMonitor" in str(each.message) for each in recwarn)


def test_a_failure_outside_of_a_fit_logs_nothing_of_the_run(tmp_path):
    monitor = MemorizationMonitor(LAYERS)
    _, runner = fit(tmp_path, monitor)
    with pytest.warns(UserWarning, match="nothing was measured"):
        [logged] = runner.validate(runner.lightning_module, loader(dense(3)), verbose=False)
    assert not any(name.startswith("infomem") for name in logged)
