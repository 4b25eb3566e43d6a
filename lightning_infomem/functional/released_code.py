"""The two measures and their mean as computed by the program released with the paper, for comparison with its numbers.

They are wrong by whole nats if values are tied. Only ``preset="released_code"`` uses them; see
`MeasurementSettings`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_infomem._checks import check_count, check_enough_samples
from lightning_infomem.functional.entropy import bin_edges, bin_numbers, check_value_range, entropy_of_bins
from lightning_infomem.functional.usable_samples import among_all_units, usable_samples

__all__ = ["entropy", "mean_information", "pairwise_information"]


def entropy(samples: Tensor, *, bins: int = 100, value_range: str | tuple[float, float] = "layer") -> Tensor:
    """Estimate the entropy of every unit like `binned_entropy`, but with an extra bin for the upper end of the range.

    Args:
        samples: ``[samples, units]``, floating point, any device.
        bins: Number of bins below the extra one.
        value_range: As in `binned_entropy`.

    Returns:
        float64 ``[units]`` in nats; NaN for a unit without any finite value.

    Raises:
        TypeError: ``samples`` is not a floating-point tensor.
        ValueError: The shape is wrong, no row is finite, or the range is unknown.

    Reference:
        `utils/information.py` of `technion-cs-nlp/Information-Reflects-Memorization` at commit 9422242.

    >>> samples = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    >>> round(entropy(samples, bins=2).item(), 4)  # 2, 1 and 1 samples in a bin, where `binned_entropy` has 2 and 2
    1.0397
    """
    check_count(bins, name="bins")
    check_value_range(value_range, choices=("unit", "layer"))
    kept, _, live_units = usable_samples(samples)
    low, high = bin_edges(kept, value_range)
    numbers = bin_numbers(kept, low, high, bins).masked_fill_(kept >= high, bins)
    found = torch.where(low == high, 0.0, entropy_of_bins(numbers, bins + 1))
    return found.new_full(live_units.shape, torch.nan).masked_scatter_(live_units, found)


def pairwise_information(samples: Tensor, share: tuple[int, int] = (0, 1), *, neighbors: int = 3) -> Tensor:
    """Estimate the mutual information of all pairs of units by the program's scikit-learn estimator.

    It differs from `pairwise_mutual_information` in three ways. Units keep their raw scales, whose ratio affects the
    result. Ties are counted as scikit-learn counts them. Constant units and copies get no special treatment.

    Args:
        samples: ``[samples, units]``, floating point, any device; the arithmetic is float64, on the processor.
        share: Number of this process and number of processes ``n``. Each process pairs every ``n``-th unit with all
            later units and leaves zeros for the other pairs; the sum over all processes is the matrix.
        neighbors: Number of neighbours k, at least 1 and less than the number of samples.

    Returns:
        float64 ``[units, units]`` in nats, symmetric, on the device of ``samples``; NaN in the row and column of a unit
        without any finite value.

    Raises:
        TypeError: ``samples`` is not a floating-point tensor.
        ValueError: The shape is wrong, or there are not more than ``neighbors`` finite samples.

    Cost:
        Several times that of `pairwise_mutual_information`, plus a second for compilation in every process.

    Reference:
        Kraskov, Stoegbauer, Grassberger (2004), eq. 8, as in `sklearn.feature_selection.mutual_info_regression`.

    >>> x = torch.arange(50.0)
    >>> pairwise_information(torch.stack([x, torch.zeros(50)], dim=1)).diagonal().round(decimals=4).tolist()
    [2.9792, -2.9792]
    """
    check_count(neighbors, name="neighbors")
    kept, _, live_units = usable_samples(samples)
    check_enough_samples(len(kept), neighbors, dropped=len(samples) - len(kept))
    columns = kept.detach().T.double().cpu().contiguous()
    num_units, num_samples = columns.shape
    ordered, order = (each.numpy() for each in torch.sort(columns, dim=1))
    digamma = torch.digamma(torch.arange(num_samples + 1, dtype=torch.float64))
    information = torch.zeros(num_units, num_units, dtype=torch.float64)
    arrays = (columns.numpy(), ordered, order, digamma.numpy(), information.numpy())
    search = _compiled_search()
    process, num_processes = share
    with ThreadPoolExecutor(torch.get_num_threads()) as executor:
        units = range(process, num_units, num_processes)
        list(executor.map(lambda unit: search(unit, neighbors, *arrays), units))
    return among_all_units(information + information.triu(1).T, live_units.cpu()).to(samples.device)


def mean_information(information: Tensor) -> float:
    """Compute the program's mean mutual information of a layer, over all entries of the matrix including the diagonal.

    Args:
        information: ``[units, units]``, such as ``mutual_information`` of a layer in a report; nats.

    Returns:
        The mean of the finite entries, nats; NaN without any.
    """
    return information[torch.isfinite(information)].mean().item()


@cache
def _compiled_search() -> Callable[..., None]:
    from numba import njit

    return cast(Callable[..., None], njit(nogil=True)(_search))


def _search(
    unit: int,
    neighbors: int,
    columns: NDArray[np.float64],
    ordered: NDArray[np.float64],
    order: NDArray[np.int64],
    digamma: NDArray[np.float64],
    information: NDArray[np.float64],
) -> None:
    """Write the estimates of a unit with itself and all later units into its row of ``information``."""
    num_units, num_samples = columns.shape
    x = ordered[unit]
    nearest = np.empty(neighbors)
    for other in range(unit, num_units):
        y = columns[other][order[unit]]
        total = 0.0
        for place in range(num_samples):
            # Walk outward along x on both sides until no point can be closer than the k-th neighbour found.
            nearest[:] = farthest = np.inf
            offset, is_open = 0, True
            while is_open:
                is_open = False
                offset += 1
                for at in (place - offset, place + offset):
                    if 0 <= at < num_samples and abs(x[at] - x[place]) < farthest:
                        is_open = True
                        distance = max(abs(x[at] - x[place]), abs(y[at] - y[place]))
                        if distance < farthest:
                            for rank in range(neighbors):
                                if distance < nearest[rank]:
                                    distance, nearest[rank] = nearest[rank], distance
                            farthest = nearest[-1]
            # Count the points closer than the k-th neighbour; if its distance is zero, those at distance zero.
            radius = np.nextafter(farthest, 0.0)
            for values, here in ((x, x[place]), (ordered[other], y[place])):
                first, last = 0, num_samples
                while first < last:
                    middle = (first + last) // 2
                    if here - values[middle] <= radius:
                        last = middle
                    else:
                        first = middle + 1
                start, last = first, num_samples
                while first < last:
                    middle = (first + last) // 2
                    if values[middle] - here <= radius:
                        first = middle + 1
                    else:
                        last = middle
                total += digamma[first - start]
        information[unit, other] = digamma[neighbors] + digamma[num_samples] - total / num_samples
