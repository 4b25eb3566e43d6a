"""Term of one point in the Kraskov estimator if distances are tied."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["NeighborCounts", "atom_terms", "tied_terms"]


class NeighborCounts(NamedTuple):
    """Counts around points, one entry per point; the point itself is never counted.

    With ``e`` the Chebyshev distance to the k-th neighbour, ``dx`` and ``dy`` the distances along one axis and
    ``d = max(dx, dy)``. All fields are int64 of one shape.
    """

    strict_x: Tensor  # dx < e
    closed_x: Tensor  # dx <= e
    strict_y: Tensor  # dy < e
    closed_y: Tensor  # dy <= e
    inside: Tensor  # d < e
    closed: Tensor  # d <= e
    boundary_x: Tensor  # d == e and dx == e
    boundary_y: Tensor  # d == e and dy == e


def atom_terms(size_x: Tensor, size_y: Tensor, size: Tensor, neighbors: int) -> Tensor:
    """Term that replaces ``psi(n_x + 1) + psi(n_y + 1)`` at an *atom*, a point with k others at distance zero.

    It is the plug-in term of Gao, Kannan, Oh, Viswanath (2017), Estimating mutual information for discrete-continuous
    mixtures, algorithm 1, with exact digammas: ``psi(c_x + 1) + psi(c_y + 1) - psi(c + 1) + psi(k)``.

    Args:
        size_x: int64, number of samples that share the point's x, including itself (``c_x + 1``).
        size_y: int64, number of samples that share the point's y, including itself (``c_y + 1``).
        size: int64, number of samples that share both, including itself (``c + 1``).
        neighbors: Number of neighbours k.

    Returns:
        float64 terms in nats, same shape. Meaningless at points that are not atoms.
    """
    return _digamma(size_x) + _digamma(size_y) - _digamma(size) + _digamma(torch.tensor(neighbors)).item()


def tied_terms(counts: NeighborCounts, neighbors: int) -> Tensor:
    """Term that replaces ``psi(n_x + 1) + psi(n_y + 1)`` at a point with ties on the boundary of its neighbourhood.

    Ties come from rounding (bf16) and saturation (the zeros of a ReLU). An infinitesimal random dither would break
    them: of the ``B`` points at the distance ``e > 0`` of the k-th neighbour, some would move inside. The rule is the
    expectation of the estimator under that dither, in closed form and without randomness. The dithered distance is the
    s-th smallest of ``B`` uniform variables, ``s = k - r``: a Beta distribution with mean ``mu = s / (B + 1)`` and
    variance ``mu (1 - mu) / (B + 2)``. Of the points tied along one axis only, the share below that distance joins the
    strict count; digamma is averaged over ``mu`` plus and minus one standard deviation. Of the ``B_m`` boundary points
    that are tied along this axis, ``(s - 1) B_m / B`` lie inside on average.

    Args:
        counts: int64 counts around the points, of one shape.
        neighbors: Number of neighbours k.

    Returns:
        float64 terms in nats, same shape. For a point whose only tie is its own k-th neighbour the value is
        ``psi(n_x + 1) + psi(n_y + 1)``, the term of the plain estimator.
    """
    num_boundary = (counts.closed - counts.inside).double()
    position = (neighbors - counts.inside).double()
    mean = position / (num_boundary + 1)
    deviation = (mean * (1 - mean) / (num_boundary + 2)).sqrt()
    shares = [(mean + sign * deviation).clamp(0, 1) for sign in (-1, 1)]

    def axis_term(strict: Tensor, closed: Tensor, boundary: Tensor) -> Tensor:
        tied_alone = (closed - strict - boundary).double()
        inside = strict + (position - 1) * boundary / num_boundary
        low, high = (torch.digamma(inside + share * tied_alone + 1) for share in shares)
        return torch.where(closed == strict, _digamma(strict + 1), (low + high) / 2)

    return axis_term(counts.strict_x, counts.closed_x, counts.boundary_x) + axis_term(
        counts.strict_y, counts.closed_y, counts.boundary_y
    )


def _digamma(count: Tensor) -> Tensor:
    return torch.digamma(count.double())
