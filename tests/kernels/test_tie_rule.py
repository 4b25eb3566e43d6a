from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import digamma

from lightning_infomem.kernels.tie_rule import NeighborCounts, atom_terms, tied_terms


def counts_of(**counts: int) -> NeighborCounts:
    return NeighborCounts(**{name: torch.tensor([count]) for name, count in counts.items()})


def expected_under_dither(counts: NeighborCounts, neighbors: int, *, dithers: int = 40_000) -> float:
    """Break the ties at random: points on the boundary get independent uniform places beside it, the s-th is the ball.

    Of the others on that boundary s - 1 come to lie inside; of the points tied along one axis alone, those that drew
    less.
    """
    generator = np.random.default_rng(0)
    strict_x, closed_x, strict_y, closed_y, inside, closed, boundary_x, boundary_y = (int(part) for part in counts)
    wanted, boundary = neighbors - inside, closed - inside
    reach = np.sort(generator.random((dithers, boundary)), axis=1)[:, wanted - 1]
    terms = 0.0
    for strict, closed_along, on_axis in ((strict_x, closed_x, boundary_x), (strict_y, closed_y, boundary_y)):
        alone = generator.binomial(closed_along - strict - on_axis, reach)
        # The s-th lies on this axis with the share of its points, and is not counted; nor are the ones beyond.
        within = generator.hypergeometric(on_axis, boundary - on_axis, wanted - 1, dithers) if wanted > 1 else 0
        terms += float(digamma(strict + alone + within + 1).mean())
    return terms


@pytest.mark.parametrize("neighbors", [1, 3, 8])
@pytest.mark.parametrize("axis", ["x", "y"])
def test_without_a_tie_the_term_is_that_of_the_plain_estimator(axis: str, neighbors: int) -> None:
    far = {"strict_x": 20, "closed_x": 20, "strict_y": 9, "closed_y": 9, "boundary_x": 0, "boundary_y": 0}
    far[f"closed_{axis}"] += 1  # the k-th neighbour itself
    far[f"boundary_{axis}"] += 1
    counts = counts_of(**far, inside=neighbors - 1, closed=neighbors)
    assert float(tied_terms(counts, neighbors)) == pytest.approx(digamma(21) + digamma(10), abs=1e-14)


@pytest.mark.parametrize(
    "counts",
    [
        # Zeros of a ReLU in x: many points tied along x alone, beside those on the boundary in the plane.
        {"strict_x": 10, "closed_x": 110, "strict_y": 7, "closed_y": 10, "boundary_x": 0, "boundary_y": 3},
        # Rounded values: some ties along both axes, several of them in the plane.
        {"strict_x": 20, "closed_x": 26, "strict_y": 18, "closed_y": 23, "boundary_x": 2, "boundary_y": 2},
        {"strict_x": 30, "closed_x": 90, "strict_y": 40, "closed_y": 70, "boundary_x": 3, "boundary_y": 1},
        {"strict_x": 200, "closed_x": 200, "strict_y": 5, "closed_y": 405, "boundary_x": 0, "boundary_y": 4},
    ],
)
@pytest.mark.parametrize("inside", [0, 1, 2])
def test_a_tied_term_is_its_mean_over_random_dithers(counts: dict[str, int], inside: int) -> None:
    counted = counts_of(**counts, inside=inside, closed=inside + counts["boundary_x"] + counts["boundary_y"])
    # Two places stand for the whole law of the ball's: up to .08 for one point, seen where 400 points are tied and the
    # place has its widest law (s = 1). The mean over points is held to .01 of the mean over dithers elsewhere.
    assert float(tied_terms(counted, 3)) == pytest.approx(expected_under_dither(counted, 3), abs=0.1)


def test_swapping_the_axes_leaves_a_tied_term() -> None:
    counts = counts_of(
        strict_x=20, closed_x=26, strict_y=18, closed_y=23, inside=1, closed=5, boundary_x=3, boundary_y=2
    )
    swapped = counts_of(
        strict_x=18, closed_x=23, strict_y=20, closed_y=26, inside=1, closed=5, boundary_x=2, boundary_y=3
    )
    assert torch.equal(tied_terms(counts, 3), tied_terms(swapped, 3))


def test_atoms_alone_count_cells() -> None:
    """Two coins that always agree, 50 times each: ``psi(k) + psi(100) - term`` is ln 2, to 1 over the 50."""
    size = torch.full((100,), 50)
    terms = atom_terms(size, size, size, 3)
    assert float(digamma(3) + digamma(100) - terms.mean()) == pytest.approx(math.log(2), abs=0.02)
    assert float(terms[0]) == pytest.approx(digamma(50) + digamma(3), abs=1e-14)


def test_atoms_of_independent_coins_share_nothing() -> None:
    terms = atom_terms(torch.full((100,), 50), torch.full((100,), 50), torch.full((100,), 25), 3)
    assert float(digamma(3) + digamma(100) - terms.mean()) == pytest.approx(0, abs=0.02)


def test_terms_keep_the_shape_of_the_counts() -> None:
    shape = (3, 5)
    counts = NeighborCounts(*(torch.full(shape, count) for count in (4, 6, 4, 6, 2, 4, 1, 1)))
    assert tied_terms(counts, 3).shape == shape
    assert tied_terms(counts, 3).dtype == torch.float64
    assert atom_terms(*(torch.full(shape, 5) for _ in range(3)), 3).shape == shape
