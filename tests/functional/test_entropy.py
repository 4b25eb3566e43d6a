from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lightning_infomem.functional import binned_entropy
from lightning_infomem.functional.entropy import check_value_range
from tests import oracles
from tests.functional.kinds_of_samples import KINDS

# A sum over at most some hundred bins; a sample in the wrong bin of a thousand moves the entropy by 1e-3.
ROUNDING_OF_A_SUM = 1e-12


@pytest.fixture(params=list(KINDS))
def samples(request: pytest.FixtureRequest) -> Tensor:
    return KINDS[request.param]


def assert_entropies(samples: Tensor, expected: list[float], **settings: Any) -> None:
    assert binned_entropy(samples, **settings).tolist() == pytest.approx(expected, abs=ROUNDING_OF_A_SUM)


def histogram_entropies(samples: Tensor, bins: int, value_range: tuple[float, float] | None = None) -> list[float]:
    return [oracles.histogram_entropy(unit.double().numpy(), bins, value_range) for unit in samples.T]


# Known answers


def test_uniform_counts_have_the_logarithm_of_their_number() -> None:
    samples = torch.arange(1000.0)[:, None]
    assert_entropies(samples, [math.log(100)])
    assert_entropies(samples, [math.log(8)], bins=8)
    assert_entropies(samples[:10], [math.log(10)])


def test_a_coin_has_the_entropy_of_its_bias() -> None:
    samples = torch.tensor([0.0] * 25 + [1.0] * 75)[:, None]
    assert_entropies(samples, [-0.25 * math.log(0.25) - 0.75 * math.log(0.75)])


def test_a_standard_normal_has_its_differential_entropy_less_the_width_of_a_bin() -> None:
    samples = torch.randn(200_000, 1, generator=torch.Generator().manual_seed(0))
    expected = 0.5 * math.log(2 * math.pi * math.e) - math.log(12 / 100)
    # 100 occupied bins of 200,000 samples bias by -100/400,000; bins of .12 deviations by .12**2 / 24; chance .002.
    assert float(binned_entropy(samples, value_range=(-6, 6))) == pytest.approx(expected, abs=0.005)


def test_a_constant_unit_has_no_entropy() -> None:
    samples = torch.stack([torch.full((50,), 0.1), torch.zeros(50), torch.arange(50.0)], dim=1)
    for value_range in ("unit", "layer", (-1.0, 100.0)):
        assert binned_entropy(samples, value_range=value_range)[:2].tolist() == [0, 0]


def test_a_range_of_no_width_holds_no_entropy() -> None:
    assert binned_entropy(torch.full((50, 2), 0.1), value_range="layer").tolist() == [0, 0]
    assert binned_entropy(torch.rand(50, 2), value_range=(0.5, 0.5)).tolist() == [0, 0]


def test_one_bin_holds_no_entropy() -> None:
    assert binned_entropy(torch.rand(50, 2), bins=1).tolist() == [0, 0]


def test_one_sample_has_no_entropy() -> None:
    assert binned_entropy(torch.rand(1, 2), value_range="layer").tolist() == [0, 0]


# numpy.histogram


def test_every_kind_of_samples_has_the_entropy_of_its_histogram(samples: Tensor) -> None:
    for bins in (1, 2, 7, 100, 1000):
        assert_entropies(samples, histogram_entropies(samples, bins), bins=bins)


def test_a_common_range_is_the_range_of_all_units(samples: Tensor) -> None:
    ends = (float(samples.min()), float(samples.max()))
    for bins in (10, 30, 100, 256):
        expected = histogram_entropies(samples, bins, ends)
        assert_entropies(samples, expected, bins=bins, value_range="layer")
        assert_entropies(samples, expected, bins=bins, value_range=ends)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("step", [0.01, 0.1, 1 / 3, 1.0, 0.07])
def test_values_on_the_edges_of_bins_fall_where_numpy_puts_them(step: float, dtype: torch.dtype) -> None:
    whole = torch.arange(-250, 251, dtype=torch.float64)
    units = [whole, whole.abs(), whole + 251, whole.div(5, rounding_mode="floor"), whole.clamp(-100, 100)]
    samples = (torch.stack(units, dim=1) * step).to(dtype)
    for bins in (10, 100, 101):
        assert_entropies(samples, histogram_entropies(samples, bins), bins=bins)


@pytest.mark.parametrize("value_range", [(0.0, 1.0), (-1.0, 1.0), (0.0, 0.3), (-0.7, 2.9), (0.1, 0.9)])
def test_edges_of_a_fixed_range_are_those_of_numpy(value_range: tuple[float, float]) -> None:
    low, high = value_range
    samples = torch.arange(-300, 301, dtype=torch.float64)[:, None] * 0.01
    inside = samples[(samples[:, 0] >= low) & (samples[:, 0] <= high)]
    for bins in (3, 10, 100):
        assert_entropies(inside, histogram_entropies(inside, bins, value_range), bins=bins, value_range=value_range)


def test_values_beyond_a_fixed_range_count_into_the_outermost_bins() -> None:
    samples = torch.tensor([-1e300, -5.0, 0.05, 0.95, 1.0, 7.0, 1e300, 0.5], dtype=torch.float64)[:, None]
    inside = samples.clamp(0, 1)
    assert_entropies(samples, histogram_entropies(inside, 10, (0, 1)), bins=10, value_range=(0, 1))


def test_bins_are_computed_in_float64() -> None:
    """In float32 the edges of a hundred bins between 1000 and 1001 lie beside many of these values."""
    samples = (1000 + torch.arange(0, 1001) / 1000).to(torch.float32)[:, None]
    assert_entropies(samples, histogram_entropies(samples, 100))


# What may not matter


def test_the_order_of_samples_changes_no_bit(samples: Tensor) -> None:
    shuffled = samples[torch.randperm(len(samples), generator=torch.Generator().manual_seed(0))]
    assert torch.equal(binned_entropy(shuffled), binned_entropy(samples))


def test_the_size_of_blocks_changes_no_bit(samples: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = binned_entropy(samples, value_range="layer")
    monkeypatch.setattr("lightning_infomem.functional.entropy._ELEMENTS_AT_ONCE", 3 * len(samples))
    assert torch.equal(binned_entropy(samples, value_range="layer"), expected)


def test_layout_and_gradient_do_not_matter(samples: Tensor) -> None:
    expected = binned_entropy(samples)
    assert expected.dtype == torch.float64
    assert torch.equal(binned_entropy(samples.T.contiguous().T), expected)
    other = binned_entropy(samples.clone().requires_grad_())
    assert torch.equal(other, expected)
    assert not other.requires_grad


@pytest.mark.parametrize("exponent", [1000, 300, -300, -1000])
def test_powers_of_two_change_no_bit(exponent: int) -> None:
    samples = KINDS["dependent"]
    scaled = samples * torch.tensor(2.0, dtype=torch.float64) ** exponent
    for value_range in ("unit", "layer"):
        assert torch.equal(
            binned_entropy(scaled, value_range=value_range), binned_entropy(samples, value_range=value_range)
        )


def test_denormal_values_are_distinguished() -> None:
    samples = torch.arange(50, dtype=torch.float64)[:, None]
    assert torch.equal(binned_entropy(samples * 5e-324), binned_entropy(samples))


def test_values_from_end_to_end_of_float64_do_not_overflow() -> None:
    ends = torch.tensor([-1.7, 1.7, 0.3, 0.31, -1.0, 1.0], dtype=torch.float64)[:, None]
    assert torch.equal(binned_entropy(ends * 1e308), binned_entropy(ends))


def test_a_layer_sees_the_scales_its_units_do_not() -> None:
    samples = torch.rand(1000, 1, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 0.1])
    own, common = binned_entropy(samples), binned_entropy(samples, value_range="layer")
    assert float(own[0] - own[1]) == pytest.approx(0, abs=0.02)  # rounding moves a few samples across edges
    assert float(common[0] - common[1]) == pytest.approx(math.log(10), abs=0.1)  # ten bins of the hundred


# Non-finite samples and errors


@pytest.mark.parametrize("fault", [math.nan, math.inf, -math.inf])
def test_rows_with_non_finite_values_are_dropped_for_all_units_with_a_warning(fault: float) -> None:
    samples = KINDS["dependent"].clone()
    samples[3, 0] = samples[3, 1] = samples[9, 2] = fault
    finite = samples[torch.isfinite(samples).all(1)]
    with pytest.warns(UserWarning, match="samples: 2 of 60 rows hold non-finite values and were dropped") as caught:
        entropies = binned_entropy(samples)
    assert torch.equal(entropies, binned_entropy(finite))
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize("value_range", ["unit", "layer", (-9.0, 9.0)])
def test_a_unit_that_is_nowhere_finite_is_nan_and_costs_no_rows(value_range: Any) -> None:
    samples = KINDS["dependent"].clone()
    samples[:, 1] = math.nan
    entropies = binned_entropy(samples, value_range=value_range)
    assert entropies.isnan().tolist() == [False, True, False, False]
    assert torch.equal(entropies[[0, 2, 3]], binned_entropy(samples[:, [0, 2, 3]], value_range=value_range))


@pytest.mark.parametrize(
    ("samples", "error", "message"),
    [
        (torch.zeros(9, 2).int(), TypeError, r"samples: a floating-point .* got a torch.int32 .*double"),
        (torch.zeros(9, 2, dtype=torch.complex64), TypeError, r"samples: .* got a torch.complex64 .* real and imag"),
        (np.zeros((9, 2)), TypeError, r"samples: .* got ndarray; convert it with torch.as_tensor"),
        (torch.zeros(9), ValueError, r"samples: shape \[samples, units\] is required, got .* \[9\] .* reshape"),
        (torch.zeros(0, 2), ValueError, r"samples: at least one sample and one unit .* got .* \[0, 2\]"),
        (torch.zeros(9, 0), ValueError, r"samples: at least one sample and one unit .* got .* \[9, 0\]"),
        (torch.full((9, 2), math.nan), ValueError, r"samples: a row of finite values is required, got .* \[9, 2\]"),
    ],
)
@pytest.mark.filterwarnings("ignore:samples. 9 of 9 rows:UserWarning")
def test_unusable_samples_are_refused(samples: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        binned_entropy(samples)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"bins": 0}, ValueError, "bins: a whole number >= 1 is required, got 0"),
        ({"bins": 10.0}, TypeError, r"bins: a whole number >= 1 is required, got float 10\.0"),
        ({"value_range": "layers"}, ValueError, "value_range: one of 'unit', 'layer' .* did you mean 'layer'"),
        ({"value_range": "network"}, ValueError, "value_range: one of 'unit', 'layer' is required, got 'network'"),
        ({"value_range": (1.0, 0.0)}, ValueError, r"value_range: low <= high .* got \(1.0, 0.0\); swap them"),
        ({"value_range": (0.0, math.inf)}, ValueError, "value_range: a finite number is required, got inf"),
        ({"value_range": (0.0, math.nan)}, ValueError, "value_range: a finite number is required, got nan"),
        ({"value_range": (0.0, "1")}, TypeError, "value_range: a finite number is required, got str '1'"),
        ({"value_range": (0.0, 1.0, 2.0)}, TypeError, r"value_range: 'unit', 'layer' or \(low, high\) .* got tuple"),
        ({"value_range": None}, TypeError, r"value_range: 'unit', 'layer' or \(low, high\) .* got NoneType None"),
    ],
)
def test_unusable_settings_are_refused(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        binned_entropy(torch.zeros(9, 2), **settings)


def test_a_range_may_be_named_otherwise_by_other_callers() -> None:
    check_value_range("network", choices=("network", "unit"))
    with pytest.raises(ValueError, match="one of 'network', 'unit' is required, got 'layer'"):
        check_value_range("layer", choices=("network", "unit"))
