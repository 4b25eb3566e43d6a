"""Whether the training of checkpoints differs by more than a level of memorization."""

from __future__ import annotations

import pytest

from lightning_infomem.selection.recipes import compare_recipes
from tests.selection.voters import make_candidate


def _compare(*recipes, steps=None):
    steps = steps or [90] * len(recipes)
    return compare_recipes(
        [make_candidate(str(place), recipe=each, step=steps[place]) for place, each in enumerate(recipes)]
    )


@pytest.mark.parametrize(
    "recipes",
    [
        [{}, {}],
        [{"lr": 0.1}, {"lr": 0.1}],
        [{"noise": 0.0}, {"noise": 0.4}],
        [{"noise": 0.0, "seed": 0}, {"noise": 0.4, "seed": 1}],
        [{"seed": 0}, {"seed": 1}],
        [{"noise": 0.0, "share_of_wrong_labels": 0.0}, {"noise": 0.4, "share_of_wrong_labels": 40}],
        [{"output_dir": "a", "run_name": "b"}, {"output_dir": "c", "run_name": "d"}],
    ],
)
def test_levels_seeds_and_names_are_no_other_recipe(recipes):
    found = _compare(*recipes)
    assert (found.names, found.flags) == ((), [])
    assert found.is_known == any(recipes)


@pytest.mark.parametrize(
    ("recipes", "names"),
    [
        ([{"lr": 0.1}, {"lr": 0.2}], ("lr",)),
        ([{"model/learningRate": 0.1}, {"model/learningRate": 0.2}], ("model/learningRate",)),
        ([{"dropout": 0.1}, {}], ("dropout",)),
        ([{"one": 1, "other": 1}, {"one": 1, "other": 2}, {"one": 2, "other": 2}], ("one", "other")),
        ([{"lr": 0.1, "optimizer/lr": 0.1}, {"lr": 0.2, "optimizer/lr": 0.2}], ("lr",)),
        ([{"noise": 0.0, "lr": 1}, {"noise": 0.4, "lr": 1}, {"noise": 0.4, "lr": 2}], ("lr", "noise")),
    ],
)
def test_settings_of_the_training_are_named(recipes, names):
    found = _compare(*recipes)
    assert found.names == names
    [flag] = found.flags
    assert (flag.name, flag.is_doubt) == ("recipes_differ", False)
    assert names[0] in flag.message


def test_half_as_many_steps_again_are_another_length_of_training():
    assert _compare({}, {}, steps=[100, 140]).names == ()
    assert _compare({}, {}, steps=[100, 160]).names == ("step",)
    assert _compare({}, {}, steps=[100, None]).names == ()


def test_the_values_stand_in_the_order_of_the_checkpoints():
    assert _compare({"lr": 0.2}, {}, {"lr": 0.1}).settings == {"lr": [0.2, None, 0.1]}
    assert "lr (0.1 to 0.3)" in _compare({"lr": 0.3}, {"lr": 0.1}).flags[0].message
