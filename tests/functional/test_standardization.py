from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from lightning_infomem.functional.standardization import finite_samples, scale_to_one, standardized_columns
from tests.functional.kinds_of_samples import CONTINUOUS, KINDS


@pytest.fixture(params=list(KINDS))
def samples(request: pytest.FixtureRequest) -> Tensor:
    return KINDS[request.param]


def test_units_get_mean_zero_and_deviation_one(samples: Tensor) -> None:
    columns, constant = standardized_columns(samples)
    assert columns.shape == samples.T.shape
    assert columns.is_contiguous()
    assert columns.dtype == (torch.float64 if samples.dtype == torch.float64 else torch.float32)
    varying = columns[~constant].double()
    rounding = 1e-13 if samples.dtype == torch.float64 else 1e-6
    assert varying.mean(1).tolist() == pytest.approx([0] * len(varying), abs=rounding)
    assert varying.square().mean(1).tolist() == pytest.approx([1] * len(varying), abs=rounding)


def test_the_order_of_samples_changes_no_bit(samples: Tensor) -> None:
    order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(0))
    assert torch.equal(standardized_columns(samples[order])[0], standardized_columns(samples)[0][:, order])


def test_constant_units_are_named_and_zero() -> None:
    columns, constant = standardized_columns(KINDS["one unit constant"])
    assert constant.tolist() == [False, True, False, False]
    assert not columns[1].any()
    assert standardized_columns(torch.full((50, 2), 0.1))[1].all()


def test_two_values_one_rounding_apart_are_not_constant() -> None:
    x = torch.tensor([1.0, 1.0 + 2**-52, 1.0, 1.0], dtype=torch.float64)
    columns, constant = standardized_columns(x[:, None])
    assert not constant.any()
    assert columns.unique().numel() == 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_scaled_shifted_and_mirrored_copies_become_identical(dtype: torch.dtype) -> None:
    x, y = CONTINUOUS["independent"][:, :2].to(dtype).T
    columns, _ = standardized_columns(torch.stack([y, x, 3.7 * x, x / -7, 2 * x + 5, y], dim=1))
    assert torch.equal(columns[1].expand(4, -1), columns[1:5])
    assert torch.equal(columns[0], columns[5])
    assert not torch.equal(columns[0], columns[1])


def test_units_of_nearly_perfect_correlation_remain_themselves() -> None:
    x, noise = CONTINUOUS["independent"][:, :2].T
    columns, _ = standardized_columns(torch.stack([x, x + 1e-5 * noise], dim=1))
    assert not torch.equal(columns[0], columns[1])


def test_copies_are_found_across_blocks_of_units(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(30, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x[:, 5], x[:, 6] = -x[:, 0], 0.3 * x[:, 4]
    whole, _ = standardized_columns(x)
    assert torch.equal(whole[5], whole[0])
    assert torch.equal(whole[6], whole[4])
    monkeypatch.setattr("lightning_infomem.functional.standardization._COPY_BLOCK", 2)
    assert torch.equal(standardized_columns(x)[0], whole)


@pytest.mark.parametrize("magnitude", [5e-324, 1e-310, 1e-5, 0.5, 0.75, 1.0, 3.0, 1e300, 1.7e308])
def test_scaling_brings_the_magnitude_between_a_half_and_one_without_rounding(magnitude: float) -> None:
    values = torch.tensor([magnitude, -magnitude, 0.0], dtype=torch.float64)
    scaled = scale_to_one(values, torch.tensor(magnitude, dtype=torch.float64))
    fraction, _ = math.frexp(magnitude)
    assert scaled.tolist() == [fraction, -fraction, 0]


def test_finite_samples_are_passed_on_untouched(samples: Tensor) -> None:
    kept, finite_rows, live_units = finite_samples(samples)
    assert kept is samples
    assert finite_rows.all()
    assert live_units.all()


def test_only_rows_not_finite_in_some_live_unit_are_dropped() -> None:
    samples = torch.arange(15.0).view(5, 3)
    samples[:, 1] = math.nan
    samples[2, 0], samples[4, 2] = math.inf, math.nan
    kept, finite_rows, live_units = finite_samples(samples)
    assert kept.tolist() == [[0, 2], [3, 5], [9, 11]]
    assert finite_rows.tolist() == [True, True, False, True, False]
    assert live_units.tolist() == [True, False, True]


def test_without_any_live_unit_no_row_is_kept() -> None:
    kept, finite_rows, live_units = finite_samples(torch.full((5, 2), math.nan))
    assert kept.shape == (0, 0)
    assert not finite_rows.any()
    assert not live_units.any()
