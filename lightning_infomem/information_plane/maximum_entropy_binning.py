"""Bins that hold equally many values."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_infomem._checks import check_choice, check_count
from lightning_infomem.information_plane.discrete import discrete_entropy, discrete_information, number_rows
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.information_plane.plane_samples import check_plane_samples

__all__ = ["MaximumEntropyBinning"]


@dataclass(frozen=True)
class MaximumEntropyBinning:
    """Count the patterns of a layer after sorting every unit into bins of equally many values.

    The edges are percentiles of the samples at hand, so the number of bins need not follow the scale of the layer: no
    activation function has an advantage. Both coordinates are exact for the binned activations on these samples, and
    neither bound nor estimate of those of the activations themselves. The edges move with every epoch: a change of the
    values that keeps their order changes nothing here, so this is not the place to look for a layer that shrinks.
    Not for wide layers, where every sample has a pattern of its own.

    A value is in bin j when at least j / ``bins`` of all values lie below it. Equal values are thus never in different
    bins, and share the lowest bin that any of them could have: of a unit that is 0 for most samples the zeros are all
    in bin 0, the next bins stay empty, and its entropy is below ``log(bins)``. Without ties, and for a number of
    samples that is a multiple of ``bins``, the entropy of each unit is ``log(bins)`` exactly with ``edges="unit"``.
    A constant unit is in bin 0.

    Args:
        bins: of each unit.
        edges: "unit", each unit its own percentiles; "layer", those of all values of the layer.

    Raises:
        TypeError, ValueError: bins below 2, or other edges.

    Returns:
        The points have ``scores["mean_unit_entropy"]``: of the binned units, one by one, nats. At ``log(bins)`` no tie
        took anything away.

    Cost:
        A sort of all values, and ``samples * log(samples) * units`` for the patterns; 24 bytes a value.

    Reference:
        Chelombiev, Houghton & O'Donnell 2019, "Adaptive estimators show information compression in deep neural
        networks", entropy-based binning: there over the different values of a layer, each counted once; here over all.

    >>> hidden, labels = torch.tensor([[1.0], [2.0], [3.0], [1000.0]]), torch.tensor([0, 0, 1, 1])
    >>> point = MaximumEntropyBinning(bins=2, edges="unit").estimate(hidden, labels)
    >>> round(point.input_bits, 6), round(point.label_bits, 6)
    (1.0, 1.0)
    """

    bins: int = 30
    edges: str = "layer"

    def __post_init__(self) -> None:
        check_count(self.bins, name="bins", minimum=2)
        check_choice(self.edges, name="edges", choices=("unit", "layer"))

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Estimate both coordinates; see `PlaneEstimator`. The inputs are not looked at."""
        hidden, labels = check_plane_samples(hidden, labels, estimator="MaximumEntropyBinning")
        codes = self._codes(hidden)
        patterns = number_rows(codes)
        return PlanePoint.measured(
            self,
            hidden,
            labels,
            input_information=discrete_entropy(patterns),
            label_information=discrete_information(patterns, labels),
            input_kind="neither",
            label_kind="neither",
            scores={"mean_unit_entropy": _mean_unit_entropy(codes, self.bins)},
        )

    def _codes(self, hidden: Tensor) -> Tensor:
        """int32 ``[samples, units]``."""
        by_unit = hidden.T.contiguous()
        pooled = by_unit if self.edges == "unit" else by_unit.view(1, -1)
        count = pooled.shape[1]
        # The smallest value that has j / bins of all at or below it; whole numbers, so that no share is rounded.
        places = torch.tensor([-(-j * count // self.bins) - 1 for j in range(1, self.bins)], device=hidden.device)
        edges = pooled.sort(dim=1).values[:, places]
        return torch.searchsorted(edges.contiguous(), pooled, out_int32=True).view_as(by_unit).T


def _mean_unit_entropy(codes: Tensor, bins: int) -> float:
    units = codes.shape[1]
    places = codes.long() + bins * torch.arange(units, device=codes.device)
    counts = torch.bincount(places.flatten(), minlength=bins * units).view(units, bins)
    return float(torch.special.entr(counts.double() / len(codes)).sum() / units)
