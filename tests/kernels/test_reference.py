from __future__ import annotations

import pytest
import torch
from scipy.special import digamma

from lightning_infomem.functional.standardization import standardized_columns
from lightning_infomem.kernels import reference
from tests import oracles
from tests.functional.kinds_of_samples import KINDS

# What the other backends are compared with is itself compared with the rule taken point by point in test_backends.py,
# for some numbers of neighbours; here for all.


@pytest.mark.parametrize("neighbors", range(1, 17))
@pytest.mark.parametrize("kind", ["dependent", "rectified", "ten whole numbers"])
def test_every_number_of_neighbors_agrees_with_the_rule_taken_point_by_point(kind: str, neighbors: int) -> None:
    columns, _ = standardized_columns(KINDS[kind])
    pair = torch.tensor([0]), torch.tensor([1])
    terms = reference.mean_terms(columns, *pair, neighbors=neighbors, memory_limit=2**20)
    information = digamma(neighbors) + digamma(columns.shape[1]) - float(terms)
    expected = oracles.brute_force_tie_rule(columns[0].numpy(), columns[1].numpy(), neighbors)
    assert information == pytest.approx(expected, abs=1e-12)  # the order of a sum


@pytest.mark.parametrize("open_points", [0.0, 1e9])
@pytest.mark.parametrize("kind", ["dependent", "one outlier", "nine tenths zero", "every sample four times"])
def test_walking_to_the_end_and_comparing_with_all_find_the_same(
    kind: str, open_points: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns, _ = standardized_columns(KINDS[kind])
    first, second = torch.triu_indices(4, 4)
    expected = reference.mean_terms(columns, first, second, neighbors=3, memory_limit=2**20)
    monkeypatch.setattr(reference, "_OPEN_POINTS_PER_STEP", open_points)
    assert torch.equal(reference.mean_terms(columns, first, second, neighbors=3, memory_limit=2**20), expected)


def test_distances_are_compared_as_differences_not_as_sums() -> None:
    """``x + (y - x)`` is not always ``y``: a window found by adding the distance must be looked at once more."""
    generator = torch.Generator().manual_seed(0)
    columns = torch.randint(-9, 10, (4, 60), generator=generator).float() * 0.1  # differences of tenths are rounded
    first, second = torch.triu_indices(4, 4)
    terms = reference.mean_terms(columns, first, second, neighbors=3, memory_limit=2**20)
    expected = [
        digamma(3) + digamma(60) - oracles.brute_force_tie_rule(columns[i].numpy(), columns[j].numpy(), 3)
        for i, j in zip(first.tolist(), second.tolist(), strict=True)
    ]
    assert terms.tolist() == pytest.approx(expected, abs=1e-12)
