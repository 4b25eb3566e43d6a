from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from lightning_infomem._checks import (
    check_choice,
    check_count,
    check_enough_samples,
    check_finite,
    check_same_length,
    check_samples,
    describe,
    nearest_names,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (torch.zeros(2, 3), "a torch.float32 tensor of shape [2, 3] on cpu"),
        (3, "int 3"),
        ("three", "str 'three'"),
        (None, "NoneType None"),
    ],
)
def test_a_value_is_described_in_few_words(value: object, text: str) -> None:
    assert describe(value) == text


def test_a_batch_is_described_by_its_tensors() -> None:
    row = torch.zeros(2)
    of = "a torch.float32 tensor of shape [2] on cpu"
    assert describe((row, 3)) == f"tuple of {of}, int 3"
    assert describe([row] * 5) == f"list of {of}, {of}, {of}, ..."
    assert describe({"x": row}) == f"dict of 'x': {of}"


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_floating_point_samples_are_passed_on_untouched(dtype: torch.dtype) -> None:
    samples = torch.zeros(2, 3, dtype=dtype)
    assert check_samples(samples) is samples
    assert check_samples(samples[0], dimensions=1).shape == (3,)


@pytest.mark.parametrize(
    ("samples", "error", "message"),
    [
        ([1.0], TypeError, r"^z: a .* of shape \[samples, units\] .* got list; convert it with torch.as_tensor\(z, "),
        (None, TypeError, r"^z: .* got NoneType; convert it"),
        (torch.zeros(2, 3).long(), TypeError, r"^z: .* got a torch.int64 tensor .*; convert it: z.double\(\)\.$"),
        (torch.zeros(2, 3).bool(), TypeError, r"^z: .* got a torch.bool tensor .*; convert it: z.double\(\)\.$"),
        (torch.zeros(2, 3) * 1j, TypeError, r"^z: .* got a torch.complex64 .*; take its real and imaginary parts"),
        (torch.zeros(3), ValueError, r"^z: shape \[samples, units\] .* of shape \[3\] on cpu; reshape it"),
        (torch.zeros(1, 2, 3), ValueError, r"^z: shape \[samples, units\] .* of shape \[1, 2, 3\] on cpu; reshape it"),
        (torch.zeros(0, 3), ValueError, r"^z: at least one sample and one unit .* of shape \[0, 3\]"),
        (torch.zeros(3, 0), ValueError, r"^z: at least one sample and one unit .* of shape \[3, 0\]"),
    ],
)
def test_other_samples_are_refused(samples: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check_samples(samples, name="z")


def test_paired_samples_have_one_length_and_one_device() -> None:
    check_same_length(torch.zeros(3), torch.zeros(3))
    with pytest.raises(ValueError, match=r"^y: as many samples as x \(3\) are required, got 2; pass paired samples"):
        check_same_length(torch.zeros(3), torch.zeros(2))
    with pytest.raises(ValueError, match=r"^y: the device of x \(cpu\) is required, got meta; move one of them"):
        check_same_length(torch.zeros(3), torch.zeros(3, device="meta"))


def test_a_count_is_a_whole_number_of_at_least_its_minimum() -> None:
    assert check_count(1, name="bins") == 1
    assert check_count(0, name="seed", minimum=0) == 0
    with pytest.raises(ValueError, match=r"^bins: a whole number >= 2 is required, got 1; raise it"):
        check_count(1, name="bins", minimum=2)


@pytest.mark.parametrize("value", [1.0, "1", None, True, torch.tensor(1)])
def test_what_is_no_whole_number_is_no_count(value: object) -> None:
    with pytest.raises(TypeError, match=r"^bins: a whole number >= 1 is required, got "):
        check_count(value, name="bins")


def test_more_samples_than_neighbors_are_enough() -> None:
    check_enough_samples(4, 3)
    with pytest.raises(ValueError, match=r"neighbors=3 finite samples are required, got 3; give more samples or lower"):
        check_enough_samples(3, 3)
    with pytest.raises(ValueError, match=r"got 2 \(5 more held non-finite values and were dropped\); give more"):
        check_enough_samples(2, 3, dropped=5)


def test_a_choice_is_one_of_its_names_and_a_misprint_is_guessed() -> None:
    assert check_choice("mean", name="pooling", choices=("mean", "max")) == "mean"
    with pytest.raises(
        ValueError, match=r"^pooling: one of 'mean', 'max' is required, got 'maen'; did you mean 'mean'"
    ):
        check_choice("maen", name="pooling", choices=("mean", "max"))
    with pytest.raises(ValueError, match=r"^pooling: one of 'mean', 'max' is required, got 'zzz'\.$"):
        check_choice("zzz", name="pooling", choices=("mean", "max"))
    with pytest.raises(TypeError, match=r"^pooling: one of 'mean', 'max' is required, got int 3"):
        check_choice(3, name="pooling", choices=("mean", "max"))


@pytest.mark.parametrize("value", [0, -1.5, 1e308, 10**20])
def test_a_finite_number_is_given_as_float(value: float) -> None:
    assert check_finite(value, name="low") == float(value)
    assert isinstance(check_finite(value, name="low"), float)


@pytest.mark.parametrize(
    ("value", "error"),
    [(math.nan, ValueError), (-math.inf, ValueError), ("1", TypeError), (None, TypeError), (True, TypeError)],
)
def test_what_is_no_finite_number_is_refused(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^low: a finite number is required, got "):
        check_finite(value, name="low")


def test_the_bounds_of_a_number_and_what_to_do_are_named() -> None:
    for within in (0, 0.5):
        assert check_finite(within, name="decay", minimum=0, below=1) == within
    with pytest.raises(ValueError, match=r"^decay: a finite number >= 0 and < 1 is required, got 1; try 0\.$"):
        check_finite(1, name="decay", minimum=0, below=1, remedy="try 0")
    with pytest.raises(ValueError, match=r"^share: a finite number > 0 and <= 1 is required, got 0\.$"):
        check_finite(0, name="share", above=0, maximum=1)


def test_the_nearest_names_come_first() -> None:
    names = ["encoder.0", "encoder.1", "decoder.0", "head", ""]
    assert nearest_names("encodr.1", names)[0] == "encoder.1"
    assert nearest_names("zzz", names) == ["encoder.0", "encoder.1", "decoder.0", "head"]
    assert nearest_names("encoder", names, count=1) in (["encoder.0"], ["encoder.1"])
