from dataclasses import replace

import pytest

from examples.benchmarks.recipes import Recipe, Zoo
from examples.benchmarks.training import jobs_of, train_all
from examples.benchmarks.units import Row, compare_units, markdown

COLORED = Recipe("digits", width=12, num_train=100, epochs=10, cue="color", memorization="heuristic", base_noise=0.5)


def test_a_zoo_is_ranked_by_both_numbers_of_units_given_the_kind_and_given_a_reference(tmp_path):
    recipes = {f"level{level}": replace(COLORED, level=level, seed=7) for level in (0.0, 0.5, 1.0)}
    zoo = Zoo("small", "small", "heuristic", recipes, {"reference": replace(COLORED, seed=8)})
    train_all(jobs_of(zoo, tmp_path), None, 1, lambda: None)
    rows = compare_units(zoo, tmp_path, None, (4, 12, 30))
    assert [(row.zoo, row.given, row.width) for row in rows] == [("small", "kind", 12), ("small", "reference", 12)]
    for row in rows:
        assert all(-1 <= tau <= 1 for tau in row.taus)
        assert row.taus[1] == row.taus[2]  # the layers have no more units


@pytest.mark.parametrize(("width", "last"), [(64, "same units"), (128, "-0.030")])
def test_the_table_shows_the_difference_unless_the_units_are_the_same(width, last):
    text = markdown([Row("a-zoo", "kind", width, (0.5, 0.53))])
    assert f"| a-zoo | kind | {width} | +0.500 | +0.530 | {last} |" in text
    assert "By 64 units the largest loss is 0.030" in text
