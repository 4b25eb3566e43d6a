from dataclasses import replace

import pytest

from examples.choosing.sweeps import DATA, SWEEPS, WORD_ZOO

BY_FOLDER = {sweep.folder: sweep for sweep in SWEEPS}
DIGITS = BY_FOLDER["digits-noise0.4-0"]
DRAWN = {"seed", "optimizer", "learning_rate", "weight_decay", "dropout", "batch_size", "epochs"}


def differing(recipes):
    states = [recipe.to_state() for recipe in recipes]
    return {name for name in states[0] if len({str(state[name]) for state in states}) > 1}


def test_every_sweep_has_a_folder_of_its_own():
    assert len({*BY_FOLDER, WORD_ZOO.folder}) == len(SWEEPS) + 1


@pytest.mark.parametrize("sweep", SWEEPS, ids=lambda sweep: sweep.folder)
def test_a_sweep_differs_only_in_what_a_user_would_search(sweep):
    assert len(sweep.models) == 16
    assert differing(sweep.models.values()) == DRAWN
    low, high = DATA[sweep.data].epochs
    assert all(low <= recipe.epochs <= high for recipe in sweep.models.values())


def test_recipes_are_the_same_at_every_call_and_others_in_another_replicate():
    assert DIGITS.models == DIGITS.models
    assert DIGITS.models != {
        name: replace(recipe, replicate=0) for name, recipe in replace(DIGITS, replicate=1).models.items()
    }


def test_rates_fit_their_optimizer():
    recipes = [recipe for sweep in SWEEPS for recipe in sweep.models.values()]
    assert {recipe.optimizer for recipe in recipes} == {"sgd", "adam", "adamw"}
    for recipe in recipes:
        low, high = (1e-3, 1e-1) if recipe.optimizer == "sgd" else (1e-4, 1e-2)
        assert low <= recipe.learning_rate <= high
        assert recipe.weight_decay == 0 or 1e-5 <= recipe.weight_decay <= (
            1e-1 if recipe.optimizer == "adamw" else 1e-2
        )


def test_references_have_true_labels_and_a_split_of_their_own():
    for sweep in (*SWEEPS, WORD_ZOO):
        assert len(sweep.references) == 2
        for reference in sweep.references.values():
            assert (reference.labels, reference.noise) == ("clean", 0)
            assert reference.level == (0 if sweep.levels else None)
            assert reference.split not in {recipe.split for recipe in sweep.models.values()}


def test_networks_of_the_zoo_differ_in_level_and_seed_only():
    assert len(WORD_ZOO.models) == 20
    assert differing(WORD_ZOO.models.values()) == {"level", "split", "seed"}
    assert {recipe.level for recipe in WORD_ZOO.models.values()} == {0, 0.5, 0.8, 0.95, 1}
