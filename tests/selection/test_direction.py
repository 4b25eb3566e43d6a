"""The kind of memorization: told, or told by a reference, or refused."""

from __future__ import annotations

import pytest

from lightning_infomem.selection.direction import choose_direction

REFERENCE = {"a": 1.0, "b": 1.0, "c": 1.0}


def _alike(value):
    return dict.fromkeys(REFERENCE, value)


def test_the_kind_that_is_told_is_taken():
    assert choose_direction("example", [_alike(2.0)], None)[0] == "example"


def test_without_kind_and_reference_there_is_no_direction():
    kind, why = choose_direction(None, [_alike(2.0)], None)
    assert kind is None
    assert "the kind of memorization is not known" in why


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([2.0, 2.0, 2.0], "heuristic"),
        ([0.5, 0.5], "example"),
        ([2.0, 2.0, 0.5], "heuristic"),  # exactly two thirds
        ([2.0, 2.0, 2.0, 0.5, 0.5], None),  # three fifths
        ([2.0, 0.5], None),
        ([2.0, 1.0, 1.0, 1.0], "heuristic"),  # those that do not differ have no vote
        ([1.0, 1.0], None),
    ],
)
def test_two_thirds_of_those_that_differ_decide(values, kind):
    found, why = choose_direction(None, [_alike(value) for value in values], REFERENCE)
    assert found == kind
    assert f"{sum(value > 1 for value in values)} of {len(values)} checkpoints have more" in why


def test_every_checkpoint_votes_by_the_median_of_its_layers():
    # One layer far above the reference, two a little below.
    assert choose_direction(None, [{"a": 99.0, "b": 0.9, "c": 0.9}], REFERENCE)[0] == "example"


def test_layers_that_only_one_side_has_are_left_out():
    assert choose_direction(None, [{"a": 2.0, "other": -9.0}], REFERENCE)[0] == "heuristic"
    assert choose_direction(None, [{"other": 9.0}], REFERENCE)[0] is None
