"""Bins of equal width."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_infomem._checks import check_count
from lightning_infomem.information_plane.discrete import discrete_entropy, discrete_information, number_rows
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.information_plane.plane_samples import check_plane_samples

__all__ = ["Binning"]


@dataclass(frozen=True)
class Binning:
    """Count the patterns of a layer after sorting every unit into bins of equal width.

    Of a deterministic network I(X;T) of the binned layer is its entropy H(T), whatever the inputs. Both coordinates are
    exact for the binned activations on these samples, and neither bound nor estimate of those of the activations
    themselves: of these I(X;T) is infinite. Not for wide layers, where every sample has a pattern of its own.

    Args:
        bins: of each unit.
        value_range: low and high of the bins; "unit", each its own; "layer", one for all its units. Values beyond a
            given range are in its first or last bin. `RunRange` finds that of a whole run.
        bin_size: instead of ``bins``: bins of this width on the whole line, edges at its multiples.

    Raises:
        TypeError, ValueError: bins below 2, a size that is not positive, or a range that is none.

    Cost:
        ``samples * log(samples) * units``.

    Reference:
        Shwartz-Ziv & Tishby 2017, 30 bins between -1 and 1 of tanh; Saxe et al. 2018, bins of size .5, and 100 bins
        between the extremes of ReLU layers.

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
        if self.bin_size is not None and not 0 < self.bin_size < math.inf:
            raise ValueError(f"bin_size: a positive number is required, got {self.bin_size!r}; .5 is usual for tanh.")
        given = self.value_range
        if isinstance(given, str):
            is_range = given in ("unit", "layer")
        else:
            is_range = len(given) == 2 and -math.inf < given[0] < given[1] < math.inf
        if not is_range:
            raise ValueError(
                f"value_range: 'unit', 'layer' or (low, high) with low below high is required, got {given!r}; (-1, 1) "
                "is usual for tanh."
            )

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Estimate both coordinates; see `PlaneEstimator`. The inputs are not looked at."""
        hidden, labels = check_plane_samples(hidden, labels, estimator="Binning")
        patterns = number_rows(self.codes(hidden))
        return PlanePoint.measured(
            self,
            hidden,
            labels,
            input_information=discrete_entropy(patterns),
            label_information=discrete_information(patterns, labels),
            input_kind="neither",
            label_kind="neither",
        )

    def codes(self, hidden: Tensor) -> Tensor:
        """The bin of each value: finite ``[samples, units]`` -> int64 ``[samples, units]``."""
        hidden = hidden.double()  # in less, a value on an edge may change its bin
        if self.bin_size is not None:
            return (hidden / self.bin_size).floor().long()
        if isinstance(self.value_range, tuple):
            low, high = (torch.tensor(float(end), dtype=torch.float64) for end in self.value_range)
        elif self.value_range == "layer":
            low, high = hidden.min(), hidden.max()
        else:
            low, high = hidden.amin(0), hidden.amax(0)
        width = (high - low).clamp_min(torch.finfo(torch.float64).tiny)  # of constant units all values are in one bin
        return ((hidden - low) / width * self.bins).floor().long().clamp(0, self.bins - 1)
