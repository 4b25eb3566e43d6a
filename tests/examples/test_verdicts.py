"""Rules along a run, on records that are made by hand, and how they are compared."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from examples.studies.rules import RULES, Outcome, Rule, Run, read_runs
from examples.studies.verdicts import Judged, choose, judge_rules, main, regret, table

BY_NAME = {rule.name: rule for rule in RULES}
OURS = RULES[0].name
NUM_INPUTS = 200


def entry_of(epoch, *, drift, smoothness, mi, accuracy, fitted, generator):
    """One epoch: a share of the inputs is predicted at random instead of by their truth."""
    truth = np.arange(NUM_INPUTS) % 4
    wild = generator.integers(0, 4, NUM_INPUTS)
    predicted = np.where(np.arange(NUM_INPUTS) < drift * NUM_INPUTS, wild, truth).tolist()
    layer = {"class_smoothness": smoothness, "rankme": float(epoch)}
    layer |= dict.fromkeys(("mi", "copula", "mean_correlation", "residual_mi"), mi)
    probe = {"predicted": predicted, "layers": {"0": layer, "1": layer}, "predictions": {"mean_confidence": 0.9}}
    return {
        "epoch": epoch,
        "validation": probe,
        "training": {**probe, "predictions": {"mean_confidence": 0.9 + drift / 2}},
        "validation_accuracy": accuracy,
        "validation_loss": -accuracy,
        "clean_accuracy": accuracy,
        "noise_fitted": fitted,
    }


def record_of(family, noise, *, num_epochs=14, **changes):
    """Learns for five epochs; with noise, predictions then drift away by as much."""
    generator = np.random.default_rng(int(100 * noise))
    epochs = []
    for epoch in range(num_epochs + 1):
        drift = noise * max(0, epoch - 5) / 10
        learned = min(epoch, 5) / 5
        epochs.append(
            entry_of(
                epoch,
                drift=drift,
                smoothness=0.5 + 0.4 * learned - drift,
                mi=0.1 + 0.3 * learned - 0.3 * drift,
                accuracy=0.3 + 0.6 * learned - drift,
                fitted=drift if noise else None,
                generator=generator,
            )
        )
    kind = "noise" if noise else "clean"
    record = {"family": family, "kind": kind, "diverged": False, "layers": ["0", "1"], "recipe": {"noise": noise}}
    return record | {"epochs": epochs} | changes


@pytest.fixture
def folder(tmp_path):
    for place, families in (("runs", ("digits-mlp", "mnist-cnn")), ("held_out", ("text-mlp",))):
        (tmp_path / place).mkdir()
        for family in families:
            for noise in (0.0, 0.6, 0.8):
                path = tmp_path / place / f"{family}_{noise}.json"
                path.write_text(json.dumps(record_of(family, noise)))
    return tmp_path


@pytest.fixture
def runs(folder):
    return {run.name: run for run in read_runs(folder)}


def test_what_is_kept_aside_is_opened_only_when_asked_for(folder):
    (folder / "held_out" / "text-mlp_0.0.json").write_text("not to be read")
    assert {run.family for run in read_runs(folder)} == {"digits-mlp", "mnist-cnn"}
    with pytest.raises(json.JSONDecodeError):
        list(read_runs(folder, held_out=True))


def test_runs_that_diverged_are_left_out(folder):
    (folder / "runs" / "z.json").write_text(json.dumps(record_of("z", 0.0, diverged=True)))
    assert "z" not in {run.family for run in read_runs(folder)}


def test_a_run_memorizes_when_half_of_its_noise_is_fitted(runs):
    assert runs["digits-mlp_0.8"].memorizes is True  # .72
    assert runs["digits-mlp_0.6"].memorizes is True  # .54
    assert runs["digits-mlp_0.0"].memorizes is False


def test_epochs_count_from_the_first_after_training_began(runs):
    run = runs["digits-mlp_0.8"]
    assert len(run.accuracy) == 14
    assert run.accuracy.argmax() == 4
    assert run.of_layers("mi").shape == (2, 14)


def test_our_rule_raises_the_alarm_and_keeps_an_early_epoch(runs):
    outcome = RULES[0].apply(runs["digits-mlp_0.8"])
    assert outcome.alarm is not None
    assert runs["digits-mlp_0.8"].noise_fitted[outcome.alarm] < 0.5
    assert regret(runs["digits-mlp_0.8"], outcome) < 0.1
    quiet = RULES[0].apply(runs["digits-mlp_0.0"])
    assert quiet.alarm is None
    assert quiet.kept == 13
    assert outcome.score > quiet.score


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_keeps_an_epoch_of_the_run(runs, rule):
    for run in runs.values():
        for setting in rule.settings:
            outcome = rule.apply(run, *setting)
            assert 0 <= outcome.kept < len(run.epochs)
            assert outcome.alarm is None or 0 <= outcome.alarm < len(run.epochs)


def test_what_a_rule_keeps(runs):
    run = runs["digits-mlp_0.8"]
    assert BY_NAME["last epoch"].apply(run).kept == 13
    assert BY_NAME["best validation accuracy, labels as noisy"].apply(run).kept == 4
    assert BY_NAME["best validation loss, labels as noisy"].apply(run).kept == 4
    assert BY_NAME["highest effective rank"].apply(run).kept == 13
    # The gap is .04 per epoch from the sixth one on: .08 at the index 6.
    gap = BY_NAME["gap of confidence, training - validation"].apply
    assert gap(run, 0.079, 1, "at the alarm")[:2] == (6, 6)
    assert gap(run, 0.079, 2, "before the alarm")[:2] == (5, 7)
    # Mutual information was .4: a fall of .3 * drift / .4 reaches .12 when the drift is .16.
    assert BY_NAME["fall of MI, last layer"].apply(run, 0.119, 1, "at the alarm").alarm == 6


def test_label_wave_keeps_the_first_minimum_of_changes():
    generator = np.random.default_rng(0)
    shares = (0.9, 0.5, 0.2, 0.05, 0.3, 0.3)  # of inputs whose prediction changes from epoch to epoch
    predicted = [generator.integers(0, 9, 1000)]
    for share in shares:
        moved = generator.random(1000) < share
        predicted.append(np.where(moved, predicted[-1] + 1, predicted[-1]))
    epochs = [{"training": {"predicted": row.tolist()}} for row in predicted]
    run = Run("a", "a", "noise", 0.4, np.zeros(7), np.zeros(7), epochs, [])
    assert BY_NAME["changes of training predictions (Label Wave)"].apply(run, 1).kept == 4


def test_settings_are_chosen_on_the_other_families(runs):
    every = list(runs.values())

    def keep(run, where):  # right on one family, wrong on the other
        return Outcome(4 if (run.family == "digits-mlp") == (where == "digits-mlp") else 13)

    rule = Rule("told apart", [("digits-mlp",), ("mnist-cnn",)], keep)
    judged = judge_rules(rule, every)
    for run, setting in zip(every, judged.settings, strict=True):
        assert setting != (run.family,)
    table_of = {setting: [keep(run, *setting) for run in every] for setting in rule.settings}
    assert choose(table_of, every, without="mnist-cnn") == ("digits-mlp",)


def test_false_alarms_have_a_price(runs):
    every = [runs["digits-mlp_0.0"]]
    outcomes = {("loud",): [Outcome(4, 4, 1.0)], ("quiet",): [Outcome(13, None, 0.0)]}
    assert choose(outcomes, every) == ("quiet",)


def test_the_table_counts_what_it_says(runs):
    every = list(runs.values())
    truth = [run.memorizes for run in every]
    perfect = Judged([Outcome(4, 6 if sure else None, float(sure)) for sure in truth], [()] * len(every))
    last = Judged([Outcome(13, None, math.nan)] * len(every), [()] * len(every))
    lines = table(every, {OURS: perfect, "last epoch": last}).splitlines()
    assert lines[0].startswith("| rule | labels | noise (4) | clean (2) | all |")
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert cells[2] == "0.0 (0)"
    assert cells[-5:] == ["0 %", "1.00", "0 %", "100 %", "100 %"]
    # .72 * .8 ... of the last epoch .54 and .72 are lost.
    cells = [cell.strip() for cell in lines[3].strip("|").split("|")]
    assert cells[2] == f"{100 * (0.54 + 0.72) / 2:.1f} (72)"
    assert cells[-4:] == [""] * 4


def test_one_command_writes_results_and_tables(folder, capsys):
    main([str(folder), "--results", str(folder / "new" / "results.json"), "--held-out"])
    printed = capsys.readouterr().out
    assert "3 runs, kept aside: text-mlp" in printed
    assert printed.count("| last epoch |") == 2
    results = json.loads((folder / "new" / "results.json").read_text())
    assert {run["name"] for run in results["kept aside"]["runs"]} == {"text-mlp_0.0", "text-mlp_0.6", "text-mlp_0.8"}
    assert results["rule"]["threshold"] == 0.05
    own = results["kept aside"]["runs"][2]["rules"]["last epoch"]
    assert own == {"settings": [], "kept": 14, "alarm": None, "lost": 0.72}
