"""Closed-form mutual information of all pairs of units under a Gaussian copula."""

from __future__ import annotations

import math

from torch import Tensor

from lightning_infomem.functional.correlation import correlation
from lightning_infomem.functional.normal_scores import normal_scores
from lightning_infomem.functional.usable_samples import among_all_units, usable_samples

__all__ = ["gaussian_copula_information"]


def gaussian_copula_information(samples: Tensor) -> Tensor:
    """Estimate the mutual information of all pairs of units from the correlation of their normal scores.

    It is far cheaper than `pairwise_mutual_information` and has no number of neighbours to choose. It sees only
    monotone dependence and therefore estimates a lower bound. Do not use it on units with many ties, such as those
    after a ReLU.

    Args:
        samples: ``[samples, units]``, floating point, any device; computed in float64.

    Returns:
        float64 ``[units, units]`` in nats, symmetric, on the device of ``samples``: ``-ln(1 - rho**2) / 2``, between 0
        and ``ln(samples)``. The upper limit is the most that so many samples can show; copies, and the diagonal, would
        be infinite without it and are ``ln(samples)``. Exclude the diagonal from means. A constant unit has 0 with
        every unit and with itself. Rows with a non-finite value are dropped for all units, with a warning, and do not
        count as samples; a unit without any finite value gives NaN in its row and column. Independent units give about
        ``1 / (2 * samples)`` rather than 0, since no estimate is negative.

    Raises:
        TypeError: If ``samples`` is not a floating-point tensor.
        ValueError: If the shape is wrong or no row is finite.

    Cost:
        The cost of `normal_scores` and `correlation`.

    Reference:
        Ince et al. (2017), A statistical framework for neuroimaging data analysis based on mutual information estimated
        via a Gaussian copula, Human Brain Mapping 38:1541. Departures: no bias correction, and the upper limit.

    >>> import torch
    >>> x = torch.arange(50.0)
    >>> gaussian_copula_information(torch.stack([x, -x.exp()], dim=1)).round(decimals=4).tolist()
    [[3.912, 3.912], [3.912, 3.912]]
    """
    kept, _, live_units = usable_samples(samples)
    scores = normal_scores(kept)
    most = math.log(len(kept))
    found = correlation(scores).square_().neg_().log1p_().mul_(-0.5).clamp_(max=most)
    found.diagonal().masked_fill_((scores == 0).all(0), 0.0)
    return among_all_units(found, live_units)
