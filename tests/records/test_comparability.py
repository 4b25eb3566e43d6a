"""Whatever is compared, a difference is named in one way."""

from __future__ import annotations

import pytest

from lightning_infomem.records.comparability import check_comparable

FIELDS = {
    "settings.bins": {"a": 30, "b": 99, "c": 30},
    ("width", "layer 'fc'"): {"a": 3, "c": 4},
    "probe": {},
    "layers": {"a": ("fc",), "b": ("fc",)},
}


def test_differences_are_named_in_order_with_what_has_them_and_the_way_out():
    with pytest.raises(ValueError, match="checkpoints: what was measured alike is required") as caught:
        check_comparable(FIELDS, argument="checkpoints")
    assert "settings.bins: 30 in 'a', 'c' but 99 in 'b'; width of layer 'fc': 3 in 'a' but 4 in 'c'" in str(
        caught.value
    )
    assert str(caught.value).endswith("give allow_mismatch=['settings.bins', 'width'].")


def test_a_difference_that_is_allowed_becomes_a_note_and_another_is_still_refused():
    notes = check_comparable(FIELDS, ["width", "settings.bins"], argument="checkpoints")
    assert notes[1] == "compared all the same: they differ in width of layer 'fc': 3 in 'a' but 4 in 'c'"
    with pytest.raises(ValueError, match=r"difference in settings\.bins: [^;]*allow_mismatch=\['settings\.bins'\]\."):
        check_comparable(FIELDS, ["width"], argument="checkpoints")


def test_where_no_difference_can_be_allowed_none_is_offered():
    with pytest.raises(ValueError, match=r"measure all anew in one way\.$"):
        check_comparable(FIELDS, None, argument="runs")


def test_a_field_that_nobody_knows_may_be_named_and_one_that_is_none_may_not():
    assert len(check_comparable(FIELDS, ["probe", "settings.bins", "width"], argument="checkpoints")) == 2
    with pytest.raises(ValueError, match=r"allow_mismatch: .* got 'bins'; nearest: settings\.bins"):
        check_comparable(FIELDS, ["bins"], argument="checkpoints")
    with pytest.raises(TypeError, match="allow_mismatch: a list of fields is required, got 'width'"):
        check_comparable(FIELDS, "width", argument="checkpoints")


def test_many_differences_are_counted():
    fields = {f"settings.{number}": {"a": 0, "b": 1} for number in range(6)}
    with pytest.raises(ValueError, match=r"settings\.3: 0 in 'a' but 1 in 'b'; and in 2 more"):
        check_comparable(fields, argument="points")
