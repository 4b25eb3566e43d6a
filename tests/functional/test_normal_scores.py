from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, rankdata
from torch import Tensor

from lightning_infomem.functional import normal_scores, pairwise_mutual_information
from tests.functional.kinds_of_samples import KINDS
from tests.functional.test_properties import ANY_FINITE, TIED, tensors

ROUNDING = 1e-13  # of two implementations of the normal quantile


def scipys_scores(samples: Tensor) -> Tensor:
    ranks = rankdata(samples.double().numpy(), axis=0)
    return torch.tensor(norm.ppf(ranks / (len(samples) + 1)))


@pytest.mark.parametrize("kind", list(KINDS))
def test_scores_are_scipys_quantiles_of_scipys_ranks(kind: str) -> None:
    torch.testing.assert_close(normal_scores(KINDS[kind]), scipys_scores(KINDS[kind]), rtol=ROUNDING, atol=ROUNDING)


@given(tensors(ANY_FINITE | TIED))
def test_scores_of_any_finite_samples_are_scipys(samples: Tensor) -> None:
    torch.testing.assert_close(normal_scores(samples), scipys_scores(samples), rtol=ROUNDING, atol=ROUNDING)


def test_scores_by_hand() -> None:
    """Ranks 2.5, 1, 2.5 and 4 of four: the quantiles of 1/2, 1/5 and 4/5."""
    scores = normal_scores(torch.tensor([[2.0], [-7.0], [2.0], [1e30]]))
    assert scores[:, 0].tolist() == pytest.approx([0, -0.8416212335729143, 0, 0.8416212335729143], abs=ROUNDING)


def test_zeros_of_either_sign_are_tied() -> None:
    assert normal_scores(torch.tensor([[0.0], [-0.0], [1.0]]))[:2].unique().numel() == 1


def test_constant_units_and_single_samples_are_exactly_zero() -> None:
    for count in (1, 2, 3, 10, 57):
        assert not normal_scores(torch.full((count, 2), 0.1)).any()


@given(tensors(st.integers(-50, 50).map(float)))
def test_increasing_maps_change_no_bit(samples: Tensor) -> None:
    assert torch.equal(normal_scores(samples**3 + samples), normal_scores(samples))
    assert torch.equal(normal_scores((samples / 10).exp()), normal_scores(samples))


@given(tensors(ANY_FINITE | TIED))
def test_mirroring_a_unit_mirrors_its_scores(samples: Tensor) -> None:
    torch.testing.assert_close(normal_scores(-samples), -normal_scores(samples), rtol=ROUNDING, atol=ROUNDING)


@given(tensors(ANY_FINITE | TIED), st.integers(0, 99))
def test_scores_follow_the_order_of_samples(samples: Tensor, seed: int) -> None:
    order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(seed))
    assert torch.equal(normal_scores(samples[order]), normal_scores(samples)[order])


def test_many_scores_are_standard_normal() -> None:
    scores = normal_scores(torch.rand(100_000, 1, generator=torch.Generator().manual_seed(0)) ** 9)
    # The mean is 0 by symmetry; the outermost of 100,000 quantiles are missing from the variance.
    assert float(scores.mean()) == pytest.approx(0, abs=1e-10)
    assert float(scores.var()) == pytest.approx(1, abs=1e-3)


def test_information_of_scores_is_blind_to_the_marginals() -> None:
    samples = KINDS["dependent"]
    found = pairwise_mutual_information(normal_scores(samples.exp()))
    assert torch.equal(found, pairwise_mutual_information(normal_scores(samples)))
    assert not np.allclose(pairwise_mutual_information(samples.exp()), pairwise_mutual_information(samples))
