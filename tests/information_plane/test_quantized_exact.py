"""The information of codes."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lightning_infomem.information_plane import QuantizedExact
from lightning_infomem.information_plane.discrete import discrete_entropy

LABELS = torch.tensor([0, 0, 1, 1])


def test_distinct_codes_have_the_logarithm_of_the_samples_and_are_flagged():
    point = QuantizedExact(2).estimate(torch.arange(4)[:, None], LABELS, torch.arange(4.0)[:, None])
    assert point.input_information == pytest.approx(math.log(4))
    assert point.label_information == pytest.approx(math.log(2))
    assert (point.input_kind, point.label_kind, point.parameters) == ("exact", "exact", {"bits": 2})
    assert set(point.flags) == {"saturated"}
    assert point.scores == {"input_entropy": pytest.approx(math.log(4))}
    assert QuantizedExact().estimate(torch.arange(4)[:, None], LABELS).parameters == {}


@given(st.integers(1, 3), st.integers(1, 4), st.lists(st.integers(0, 2**12 - 1), min_size=2, max_size=50))
def test_both_are_within_their_bounds(bits, units, numbers):
    shifts = bits * torch.arange(units)
    codes = (torch.tensor(numbers)[:, None] >> shifts) % 2**bits
    labels = torch.arange(len(numbers)) % 3
    point = QuantizedExact(bits).estimate(codes, labels)
    assert 0 <= point.input_information <= min(math.log(len(numbers)), units * bits * math.log(2)) + 1e-12
    assert 0 <= point.label_information <= min(discrete_entropy(labels), point.input_information) + 1e-12
    as_floats = QuantizedExact(bits).estimate(codes.float() / 7 - 1, labels)
    assert as_floats.input_information == point.input_information
    rows = torch.arange(len(numbers)).flip(0)
    assert QuantizedExact(bits).estimate(codes[rows], labels[rows]).label_information == pytest.approx(
        point.label_information, abs=1e-12
    )


def test_codes_of_all_integer_types_and_more_dimensions_are_read():
    codes = torch.tensor([[0, 1], [0, 1], [1, 1], [1, 0]])
    expected = QuantizedExact(1).estimate(codes, LABELS).input_information
    assert expected == pytest.approx(1.5 * math.log(2))
    for kind in (torch.uint8, torch.int16, torch.int32, torch.bool):
        assert QuantizedExact(1).estimate(codes.to(kind), LABELS).input_information == expected
    maps = QuantizedExact(1).estimate(codes.view(4, 1, 2), LABELS)
    assert (maps.input_information, maps.num_units) == (expected, 2)


def test_large_codes_and_both_zeros_are_distinguished_by_value():
    codes = torch.tensor([[2**62], [2**62 + 1], [2**62], [2**62 + 1]])
    assert QuantizedExact().estimate(codes, LABELS).input_information == pytest.approx(math.log(2))
    zeros = torch.tensor([[0.0], [-0.0], [0.0], [-0.0]])
    assert QuantizedExact().estimate(zeros, LABELS).input_information == 0


def test_repeated_inputs_are_flagged():
    inputs, codes = torch.tensor([[0, 1], [0, 1], [1, 0], [1, 1]]), torch.tensor([[5], [5], [6], [7]])
    point = QuantizedExact().estimate(codes, LABELS, inputs)
    assert set(point.flags) == {"inputs_repeat"}
    assert "only 3 of 4 inputs" in point.flags["inputs_repeat"]
    assert point.input_information == pytest.approx(point.scores["input_entropy"])
    assert point.input_kind == "exact"
    assert not QuantizedExact().estimate(codes, LABELS, torch.arange(4.0)[:, None]).flags


def test_equal_inputs_with_different_codes_are_not_called_exact():
    inputs, codes = torch.tensor([0, 0, 1, 1]), torch.tensor([[0], [1], [0], [1]])
    point = QuantizedExact().estimate(codes, LABELS, inputs)
    assert set(point.flags) == {"inputs_repeat", "not_deterministic"}
    assert point.input_information == pytest.approx(0, abs=1e-15)
    assert (point.input_kind, point.label_kind) == ("neither", "exact")


def test_a_constant_layer_of_two_samples_tells_nothing():
    point = QuantizedExact(8).estimate(torch.full((2, 1), 255), torch.tensor([0, 1]))
    assert point.input_information == point.label_information == 0


@pytest.mark.parametrize(
    ("estimator", "hidden", "message"),
    [
        (
            QuantizedExact(2),
            torch.tensor([[0], [1], [2], [4]]),
            "codes from 0 to 3 of 2 bits are required, got .* 0 to 4",
        ),
        (QuantizedExact(2), torch.tensor([[0], [1], [2], [-1]]), "got codes from -1 to 2"),
        (QuantizedExact(1), torch.tensor([[0.0, 1], [0, 2], [0, 3], [1, 3]]), "at most 2 .* got 3 in unit 1"),
        (QuantizedExact(), torch.tensor([0, 1, 2, 3]), "hidden: floats of shape"),
    ],
)
def test_what_are_no_codes_of_so_many_bits_is_refused(estimator, hidden, message):
    with pytest.raises(ValueError, match=f"QuantizedExact: .*{message}"):
        estimator.estimate(hidden, LABELS)


def test_parameters_and_inputs_are_checked():
    with pytest.raises(ValueError, match="bits: at most 32 are required, got 33"):
        QuantizedExact(33)
    with pytest.raises(ValueError, match="bits: a whole number >= 1"):
        QuantizedExact(0)
    for inputs in (torch.ones(3, 1), [1, 2, 3, 4], torch.tensor(1.0)):
        with pytest.raises(ValueError, match="inputs: one row for each of the 4 samples"):
            QuantizedExact().estimate(torch.ones(4, 1), LABELS, inputs)
