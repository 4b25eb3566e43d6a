"""From records to the paper's tables."""

import math

import pytest

from examples.paper.colored_mnist import EXPERIMENT as COLORED
from examples.paper.markdown import tables
from examples.paper.shuffled_mnist import EXPERIMENT as SHUFFLED
from examples.paper.summary import expected_signs, summarize


def record(experiment, level, seed, *, accuracy, entropy, information, norm):
    return {
        "experiment": experiment.name,
        "level": level,
        "seed": seed,
        "recipe": experiment.recipe.to_state(),
        "sizes": {"max_samples": 1000, "max_units": 128, "epochs": None},
        "examples": {"train": 8000, "validation": 2000},
        "samples": 1000,
        "units": {"a": 128},
        "versions": {"torch": "2", "lightning-infomem": "0"},
        "machine": "x86_64",
        "date": "2026-11-22",
        "extrinsic": {"validation_accuracy": accuracy},
        "train_accuracy": 1.0,
        "norms": {"2-norm": norm, "path-norm": None},
        "measures": [
            {
                "preset": "released_code",
                "values": "before",
                "layer": "network",
                "entropy": entropy,
                "mutual_information": information,
            }
        ],
    }


def zoo(experiment, *, entropy, information, seeds=(0, 1, 2), noise=0.0):
    """Accuracy falls with the level; measures are linear in it."""
    return [
        record(
            experiment, level, seed, accuracy=1 - level / 2, entropy=2 + entropy * level + noise * seed,
            information=1 + information * level, norm=3 + level,
        )
        for level in experiment.levels
        for seed in seeds
    ]  # fmt: skip


def tau_of(summary, measure):
    (column,) = [each for each in summary["columns"] if each["measure"] == measure]
    return column["tau"]["validation_accuracy"]


def test_shortcuts_are_expected_to_lower_entropy_and_noise_to_raise_it():
    assert expected_signs(COLORED) == {"entropy": 1, "mutual_information": -1}
    assert expected_signs(SHUFFLED) == {"entropy": -1, "mutual_information": 1}


@pytest.mark.parametrize(
    ("experiment", "entropy", "information"), [(COLORED, -1.0, 1.0), (SHUFFLED, 1.0, -1.0)], ids=["colored", "shuffled"]
)
def test_tau_is_one_where_the_hypothesis_holds_and_minus_one_where_its_contrary_does(experiment, entropy, information):
    holds = summarize(experiment, zoo(experiment, entropy=entropy, information=information))
    fails = summarize(experiment, zoo(experiment, entropy=-entropy, information=-information))
    for measure in ("entropy", "mutual_information"):
        assert tau_of(holds, measure) == {"tau": 1.0, "low": 1.0, "high": 1.0, "of_seeds": [1.0] * 3}
        assert tau_of(fails, measure)["tau"] == -1.0


def test_small_norms_are_expected_of_what_generalises():
    summary = summarize(COLORED, zoo(COLORED, entropy=-1, information=1))
    assert summary["norms_tau"]["2-norm"]["validation_accuracy"]["tau"] == 1.0
    assert "path-norm" not in summary["norms"]


def test_correlations_are_magnitudes():
    summary = summarize(COLORED, zoo(COLORED, entropy=-1, information=1))
    for column in summary["columns"]:
        assert column["correlation"] == {"2-norm": 1.0, "validation_accuracy": 1.0}


def test_the_interval_widens_where_seeds_disagree():
    records = zoo(COLORED, entropy=-1, information=1)
    for each in records:
        if each["seed"] == 2:
            each["measures"][0]["entropy"] = 2 + 5 * each["level"]
    tau = tau_of(summarize(COLORED, records), "entropy")
    assert tau["of_seeds"] == [1.0, 1.0, -1.0]
    assert tau["low"] == -1.0
    assert tau["high"] == 1.0


def test_a_seed_that_lacks_a_level_is_left_out_and_named():
    records = [each for each in zoo(COLORED, entropy=-1, information=1) if (each["level"], each["seed"]) != (0.5, 1)]
    summary = summarize(COLORED, records)
    assert (summary["seeds"], summary["incomplete_seeds"]) == ([0, 2], [1])
    assert summarize(COLORED, [])["seeds"] == []


def test_a_constant_measure_has_no_tau():
    tau = tau_of(summarize(COLORED, zoo(COLORED, entropy=0, information=1)), "entropy")
    assert tau["tau"] is None


def test_of_gaps_less_is_better():
    records = zoo(COLORED, entropy=-1, information=1)
    for each in records:
        each["extrinsic"] = {"tpr_gap": each["level"]}
    (column, _) = summarize(COLORED, records)["columns"]
    assert column["tau"]["tpr_gap"]["tau"] == 1.0


def test_the_tables_show_ours_next_to_the_papers():
    summaries = {
        "colored-mnist": summarize(COLORED, zoo(COLORED, entropy=-1, information=1)),
        "shuffled-mnist": summarize(SHUFFLED, zoo(SHUFFLED, entropy=1, information=-1)),
    }
    text = tables(summaries, {"NICO++": "its folder is not there"})
    assert "| released_code | before | network | mean entropy | +1.00 [+1.00, +1.00]; +1.00 | +1.00 |" in text
    assert "**NICO++** is left out: its folder is not there." in text
    assert "| Shuffled MNIST | 2-norm | 1.00 (0.96) | 1.00 (1.00) |" in text
    assert "| Colored MNIST | 2-norm | validation accuracy | +1.00 [+1.00, +1.00]; +1.00 (-0.20) |" in text
    assert "8,000 training and 2,000 validation examples" in text
    assert not any(line.startswith("|") and "nan" in line for line in text.splitlines())


def test_one_seed_has_no_interval():
    summary = summarize(COLORED, zoo(COLORED, entropy=-1, information=1, seeds=(0,)))
    tau = tau_of(summary, "entropy")
    assert (tau["low"], tau["high"]) == (None, None)
    assert math.isclose(tau["tau"], 1.0)
    assert "| +1.00; +1.00 |" in tables({"colored-mnist": summary}, {})
