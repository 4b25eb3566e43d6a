from __future__ import annotations

import math
import warnings
from typing import Any

import pytest
import torch
from torch import Tensor

from lightning_infomem.functional import mutual_information, pairwise_mutual_information

NAN, INFINITY = math.nan, math.inf


def normal(num_samples: int = 60, num_units: int = 3, *, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(num_samples, num_units, generator=generator, dtype=torch.float64)


def self_information(num_samples: int, neighbors: int = 3) -> float:
    at_k, at_samples = torch.digamma(torch.tensor([neighbors, num_samples], dtype=torch.float64)).tolist()
    return float(at_samples - at_k)


# Degenerate units


def test_a_constant_unit_shares_nothing_with_anything() -> None:
    samples = normal()
    samples[:, 1] = 0.1  # no float64: its mean is another number
    information = pairwise_mutual_information(samples)
    assert information[1].tolist() == information[:, 1].tolist() == [0, 0, 0]
    assert torch.equal(information[[0, 2]][:, [0, 2]], pairwise_mutual_information(samples[:, [0, 2]]))


def test_constant_units_alone_share_nothing() -> None:
    assert not pairwise_mutual_information(torch.full((10, 3), 0.1)).any()


def test_one_sample_more_than_neighbors_is_enough() -> None:
    information = pairwise_mutual_information(normal(4), neighbors=3)
    assert float(information[0, 0]) == pytest.approx(self_information(4), abs=1e-12)
    assert torch.isfinite(information).all()


@pytest.mark.parametrize("neighbors", range(1, 17))
def test_every_number_of_neighbors_up_to_sixteen_gives_its_closed_form(neighbors: int) -> None:
    x = normal()[:, 0]
    value = float(mutual_information(x, x, neighbors=neighbors, backend="reference"))  # compiles nothing
    assert value == pytest.approx(self_information(60, neighbors), abs=1e-12)


# Copies


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("kind", ["continuous", "rectified", "whole numbers"])
@pytest.mark.parametrize(("scale", "shift"), [(3.7, 0.0), (-1.0, 0.0), (-0.01, 0.0), (1e4, 0.0), (0.3, -5.0)])
def test_copies_have_the_information_of_identical_units(
    kind: str, dtype: torch.dtype, scale: float, shift: float
) -> None:
    unit = {"continuous": normal(200), "rectified": normal(200).relu(), "whole numbers": normal(200).mul(5).round()}
    x = unit[kind][:, 0].to(dtype)
    information = pairwise_mutual_information(torch.stack([x, scale * x + shift], dim=1))
    assert information.unique().numel() == 1  # to the last bit
    if kind == "continuous":
        assert float(information[0, 1]) == pytest.approx(self_information(200), abs=1e-12)


def test_a_noisy_copy_is_no_copy() -> None:
    x, noise = normal(500, 2).T
    information = pairwise_mutual_information(torch.stack([x, x + 1e-2 * noise], dim=1))
    # ln(100) nats, less what 500 samples cannot resolve.
    assert 3 < float(information[0, 1]) < float(information[0, 0]) - 0.1


# Non-finite samples


@pytest.mark.parametrize("fault", [NAN, INFINITY, -INFINITY])
def test_rows_with_non_finite_values_are_dropped_for_all_units_with_a_warning(fault: float) -> None:
    samples = normal()
    samples[7, 0] = samples[7, 2] = samples[30, 1] = fault
    finite = torch.cat([samples[:7], samples[8:30], samples[31:]])
    with pytest.warns(UserWarning, match=r"samples: 2 of 60 rows hold non-finite values and were dropped") as caught:
        information = pairwise_mutual_information(samples)
    assert torch.equal(information, pairwise_mutual_information(finite))
    assert [warning.filename for warning in caught] == [__file__]


def test_finite_samples_give_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pairwise_mutual_information(normal())


@pytest.mark.parametrize("fault", [NAN, INFINITY])
def test_a_unit_that_is_nowhere_finite_is_nan_and_costs_no_rows(fault: float) -> None:
    samples = normal()
    samples[:, 1] = fault
    information = pairwise_mutual_information(samples)
    assert information[1].isnan().all()
    assert information[:, 1].isnan().all()
    assert torch.equal(information[[0, 2]][:, [0, 2]], pairwise_mutual_information(samples[:, [0, 2]]))


def test_units_that_are_all_nowhere_finite_are_refused() -> None:
    expected = r"samples: more than neighbors=3 finite samples are required, got 0 \(10 more held non-finite values"
    with pytest.raises(ValueError, match=expected):
        pairwise_mutual_information(torch.full((10, 3), NAN))


def test_too_few_finite_rows_are_counted_in_the_error() -> None:
    samples = normal()
    samples[3:, 0] = NAN
    expected = r"samples: more than neighbors=3 finite samples are required, got 3 \(57 more held non-finite values"
    with pytest.raises(ValueError, match=expected):
        pairwise_mutual_information(samples)


# The ends of floating point


@pytest.mark.parametrize("exponent", [1020, 300, -300, -1000])
def test_powers_of_two_change_no_bit(exponent: int) -> None:
    samples = torch.cat([normal(), normal(seed=1).relu()], dim=1)
    factor = torch.tensor(2.0, dtype=torch.float64) ** exponent
    assert torch.equal(pairwise_mutual_information(samples * factor), pairwise_mutual_information(samples))


def test_huge_values_do_not_overflow() -> None:
    samples = normal()
    expected = pairwise_mutual_information(samples)
    # A factor that is no power of two rounds the samples, 1e-16 of them: no distance changes its place.
    torch.testing.assert_close(pairwise_mutual_information(samples * 1e300), expected, rtol=0, atol=1e-12)


def test_values_from_end_to_end_of_float64_do_not_overflow() -> None:
    ends = torch.tensor([-1.7e308, 1.7e308, 0.0, 1.0, -1e308, 1e308], dtype=torch.float64)
    same = torch.tensor([-1.7, 1.7, 0.0, 1e-308, -1.0, 1.0], dtype=torch.float64)
    values = pairwise_mutual_information(torch.stack([ends, same], dim=1))
    assert values.tolist() == [[pytest.approx(self_information(6), abs=1e-12)] * 2] * 2


def test_denormal_values_are_distinguished() -> None:
    samples = normal().mul(5).round()
    smallest = 5e-324
    assert torch.equal(pairwise_mutual_information(samples * smallest), pairwise_mutual_information(samples))


def test_denormal_values_of_float32_are_distinguished() -> None:
    samples = normal().mul(5).round().float()
    smallest = 2.0**-149
    assert torch.equal(pairwise_mutual_information(samples * smallest), pairwise_mutual_information(samples))


# Errors


@pytest.mark.parametrize(
    ("samples", "error", "message"),
    [
        (torch.zeros(9, 2, dtype=torch.int64), TypeError, r"samples: a floating-point .* got a torch.int64 .*double"),
        (torch.zeros(9, 2, dtype=torch.bool), TypeError, r"samples: a floating-point .* got a torch.bool .*double"),
        (torch.zeros(9, 2, dtype=torch.complex64), TypeError, r"samples: .* got a torch.complex64 .* real and imag"),
        (torch.zeros(9), ValueError, r"samples: shape \[samples, units\] is required, got .* shape \[9\] .* reshape"),
        (torch.zeros(9, 2, 2), ValueError, r"samples: shape \[samples, units\] .* got .* \[9, 2, 2\]"),
        (torch.zeros(0, 2), ValueError, r"samples: at least one sample and one unit .* got .* \[0, 2\]"),
        (torch.zeros(9, 0), ValueError, r"samples: at least one sample and one unit .* got .* \[9, 0\]"),
        ([[0.0, 1.0]], TypeError, r"samples: a floating-point torch tensor .* got list; convert .*as_tensor"),
        (torch.zeros(9, 2).numpy(), TypeError, r"samples: .* got ndarray; convert it with torch.as_tensor"),
        (torch.zeros(3, 2), ValueError, r"samples: more than neighbors=3 .* got 3; give more samples or lower"),
    ],
)
def test_unusable_samples_are_refused(samples: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        pairwise_mutual_information(samples)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"neighbors": 0}, ValueError, "neighbors: a whole number >= 1 is required, got 0; raise it"),
        ({"neighbors": 3.0}, TypeError, r"neighbors: a whole number >= 1 is required, got float 3\.0"),
        ({"neighbors": True}, TypeError, "neighbors: a whole number >= 1 is required, got bool True"),
        ({"neighbors": 60}, ValueError, "samples: more than neighbors=60 finite samples are required, got 60"),
        ({"memory_limit": 0}, ValueError, "memory_limit: a whole number >= 1 is required, got 0"),
        ({"memory_limit": 1e6}, TypeError, "memory_limit: a whole number >= 1 is required, got float"),
        ({"backend": "referense"}, ValueError, "backend: one of 'auto', .* got 'referense'; did you mean 'reference'"),
        ({"backend": None}, TypeError, "backend: one of 'auto', .* got NoneType None"),
    ],
)
def test_unusable_arguments_are_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        pairwise_mutual_information(normal(), **arguments)


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (torch.zeros(9, 1), torch.zeros(9), ValueError, r"x: shape \[samples\] is required, got .* \[9, 1\]"),
        (torch.zeros(9), torch.zeros(9, 1), ValueError, r"y: shape \[samples\] is required, got .* \[9, 1\]"),
        (torch.zeros(9), torch.zeros(9).int(), TypeError, r"y: a floating-point tensor .* got a torch.int32"),
        (torch.zeros(9).tolist(), torch.zeros(9), TypeError, r"x: .* tensor of shape \[samples\] .* got list"),
        (torch.zeros(9), torch.zeros(8), ValueError, r"y: as many samples as x \(9\) are required, got 8"),
        (torch.zeros(9), torch.zeros(9, device="meta"), ValueError, r"y: the device of x \(cpu\) .* got meta; move"),
    ],
)
def test_unusable_variables_are_refused(x: Any, y: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        mutual_information(x, y)


def test_variables_of_two_precisions_are_compared_in_the_finer() -> None:
    x, y = normal(num_units=2).T
    assert torch.equal(mutual_information(x.float(), y), mutual_information(x.float().double(), y))
