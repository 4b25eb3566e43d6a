"""Estimator with bins of equal width."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_infomem._checks import check_count, check_finite
from lightning_infomem._errors import UsageValueError
from lightning_infomem.functional.entropy import bin_edges, check_value_range
from lightning_infomem.information_plane.discrete import discrete_entropy, discrete_information, number_rows
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.information_plane.plane_samples import check_plane_samples

__all__ = ["Binning"]


@dataclass(frozen=True)
class Binning:
    """Bin every unit into intervals of equal width and compute the information of the bin patterns.

    For a deterministic network, I(X;T) of the binned layer equals its entropy H(T), whatever the inputs. Both
    coordinates are exact for the binned activations on these samples. They neither bound nor estimate the information
    of the activations themselves, for which I(X;T) is infinite. Do not use it on wide layers, where every sample has
    its own pattern.

    Args:
        bins: Number of bins per unit.
        value_range: Range that the bins divide: "unit" (each unit's own extremes), "layer" (the extremes of the whole
            layer) or ``(low, high)``. Values outside a given range fall into the first or last bin. `RunRange` finds
            the range of a whole run.
        bin_size: Bin width, used instead of ``bins``: bins then cover the whole line, with edges at its multiples.

    Raises:
        TypeError, ValueError: If ``bins`` is below 2, ``bin_size`` is not positive, or ``value_range`` is invalid.

    Cost:
        Time ``samples * log(samples) * units``.

    Reference:
        Shwartz-Ziv & Tishby 2017 (30 bins between -1 and 1 for tanh); Saxe et al. 2018 (bins of size .5, and 100 bins
        between the extremes for ReLU layers).

    >>> hidden, labels = torch.tensor([[-0.9], [-0.8], [0.8], [0.9]]), torch.tensor([0, 0, 1, 1])
    >>> point = Binning(bins=2, value_range=(-1, 1)).estimate(hidden, labels)
    >>> round(point.input_bits, 6), round(point.label_bits, 6)
    (1.0, 1.0)
    """

    bins: int = 30
    value_range: str | tuple[float, float] = "layer"
    bin_size: float | None = None

    def __post_init__(self) -> None:
        check_count(self.bins, name="bins", minimum=2)
        if self.bin_size is not None:
            check_finite(self.bin_size, name="bin_size", above=0, remedy=".5 is usual for tanh")
        check_value_range(self.value_range, choices=("unit", "layer"))
        if not isinstance(self.value_range, str) and self.value_range[0] == self.value_range[1]:
            raise UsageValueError(
                f"value_range: low < high is required, got {self.value_range}; (-1, 1) is usual for tanh."
            )

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Estimate both coordinates; see `PlaneEstimator`. The inputs are ignored."""
        hidden, labels = check_plane_samples(hidden, labels, estimator="Binning")
        patterns = number_rows(self.codes(hidden))
        information = discrete_entropy(patterns), discrete_information(patterns, labels)
        return PlanePoint.measured(self, hidden, labels, *information)

    def codes(self, hidden: Tensor) -> Tensor:
        """Return the bin index of each value: finite ``[samples, units]`` -> int64 ``[samples, units]``."""
        hidden = hidden.double()  # at lower precision, a value on an edge may change bins
        if self.bin_size is not None:
            return (hidden / self.bin_size).floor().long()
        low, high = bin_edges(hidden, self.value_range)
        width = (high - low).clamp_min(torch.finfo(torch.float64).tiny)  # a constant unit falls into one bin
        return ((hidden - low) / width * self.bins).floor().clamp(0, self.bins - 1).long()
