"""Mutual information of all pairs of units in closed form, as if normal scores were jointly normal."""

from __future__ import annotations

import math

from torch import Tensor

from lightning_infomem.functional.correlation import correlation
from lightning_infomem.functional.normal_scores import normal_scores
from lightning_infomem.functional.standardization import warn_of_dropped
from lightning_infomem.functional.usable_samples import among_all_units, usable_samples

__all__ = ["gaussian_copula_information"]


def gaussian_copula_information(samples: Tensor) -> Tensor:
    """Estimate the mutual information of all pairs of units from the correlation of their normal scores.

    Far cheaper than `pairwise_mutual_information`, and without neighbours to choose. It sees monotone dependence only,
    and so estimates a lower bound. Do not use it on units with many tied values, such as those after a ReLU.

    Args:
        samples: ``[samples, units]``, floating point, any device; the arithmetic is float64.

    Returns:
        float64 ``[units, units]`` in nats, symmetric, on the device of ``samples``: ``-ln(1 - rho**2) / 2``, between 0
        and ``ln(samples)``. So many samples cannot tell more, and copies would otherwise be infinite: they, and the
        diagonal, are ``ln(samples)``. Leave the diagonal out of means. A constant unit shares no information: 0 with
        every unit and with itself. Rows with a non-finite value are dropped for all units, with a warning, and are not
        among those samples; a unit without any finite value gives NaN in its row and column. Independent units have
        about ``1 / (2 * samples)``, not 0: no estimate is negative.

    Raises:
        TypeError: ``samples`` is no floating-point tensor.
        ValueError: wrong shape, or no finite row.

    Cost:
        That of `normal_scores` and `correlation`.

    Reference:
        Ince et al. (2017), A statistical framework for neuroimaging data analysis based on mutual information estimated
        via a Gaussian copula, Human Brain Mapping 38:1541. Departures: no correction of bias, and the upper bound.

    >>> import torch
    >>> x = torch.arange(50.0)
    >>> gaussian_copula_information(torch.stack([x, -x.exp()], dim=1)).round(decimals=4).tolist()
    [[3.912, 3.912], [3.912, 3.912]]
    """
    kept, finite_rows, live_units = usable_samples(samples)
    warn_of_dropped(finite_rows)
    scores = normal_scores(kept)
    most = math.log(len(kept))
    found = correlation(scores).square_().neg_().log1p_().mul_(-0.5).clamp_(max=most)
    found.diagonal().masked_fill_((scores == 0).all(0), 0.0)
    return among_all_units(found, live_units)
