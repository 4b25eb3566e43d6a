"""Compiled `tie_rule` for one point at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_infomem.kernels.cpu_search import compiled

__all__ = ["atom_term", "digamma", "tied_term"]


@compiled
def digamma(argument: float) -> float:
    """Digamma of a number of at least 1, accurate to 1e-15 relative to the larger of its value and 1."""
    correction = 0.0
    while argument < 10.0:
        correction += 1.0 / argument
        argument += 1.0
    inverse = 1.0 / argument
    square = inverse * inverse
    # Bernoulli numbers; from 10 on, the first omitted term is below 1e-15.
    series = square * (
        1 / 12
        - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square * (1 / 132 - square * 691 / 32760))))
    )
    return math.log(argument) - 0.5 * inverse - series - correction


@compiled
def atom_term(closed_x: int, closed_y: int, closed: int, neighbors: int, digamma_above: NDArray[np.float64]) -> float:
    """Term of a point with k others at distance zero; ``digamma_above[n]`` is ``psi(n + 1)``."""
    return float(
        digamma_above[closed_x] + digamma_above[closed_y] - digamma_above[closed] + digamma_above[neighbors - 1]
    )


@compiled
def _axis_term(
    strict: int, closed: int, boundary: int, inside: float, low: float, high: float, digamma_above: Any
) -> float:
    if closed == strict:
        return float(digamma_above[strict])
    tied_alone = closed - strict - boundary
    count = strict + inside * boundary + 1.0
    return 0.5 * (digamma(count + low * tied_alone) + digamma(count + high * tied_alone))


@compiled
def tied_term(
    x: tuple[int, int],
    y: tuple[int, int],
    plane: tuple[int, int, int, int],
    neighbors: int,
    digamma_above: NDArray[np.float64],
) -> float:
    """Term of a point with ties on the boundary of its neighbourhood; see `tie_rule.tied_terms`.

    Args:
        x: Counts along x: points closer than the k-th neighbour, and points no farther.
        y: Counts along y, in the same order.
        plane: Counts in the plane: points closer, points no farther, and boundary points along x and along y.
        neighbors: Number of neighbours k.
        digamma_above: ``psi(n + 1)`` at n.
    """
    inside, closed, boundary_x, boundary_y = plane
    num_boundary = closed - inside
    position = neighbors - inside
    mean = position / (num_boundary + 1)
    deviation = math.sqrt(mean * (1 - mean) / (num_boundary + 2))
    low, high = max(mean - deviation, 0.0), min(mean + deviation, 1.0)
    share = (position - 1) / num_boundary
    return _axis_term(x[0], x[1], boundary_x, share, low, high, digamma_above) + _axis_term(
        y[0], y[1], boundary_y, share, low, high, digamma_above
    )
