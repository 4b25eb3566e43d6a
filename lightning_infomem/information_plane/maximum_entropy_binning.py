"""Estimator with bins that hold equally many values."""

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
    """Bin every unit at percentiles, so bins hold equally many values, and compute the information of the bin patterns.

    The edges are percentiles of the given samples, so the number of bins does not depend on the scale of the layer and
    no activation function is favoured. Both coordinates are exact for the binned activations on these samples. They
    neither bound nor estimate the information of the activations themselves. The edges move with every epoch, and a
    monotone change of the values leaves the result unchanged, so do not use it to detect a layer that shrinks. Do not
    use it on wide layers, where every sample has its own pattern.

    A value is in bin j if at least j / ``bins`` of all values lie below it. Equal values therefore share a bin, the
    lowest that any of them could have. In a unit that is 0 for most samples, all zeros are in bin 0, the next bins stay
    empty, and the entropy is below ``log(bins)``. Without ties, and if the number of samples is a multiple of ``bins``,
    the entropy of each unit is exactly ``log(bins)`` with ``edges="unit"``. A constant unit is in bin 0.

    Args:
        bins: Number of bins per unit.
        edges: Which percentiles to use: "unit" (each unit's own) or "layer" (those of all values of the layer).

    Raises:
        TypeError, ValueError: If ``bins`` is below 2 or ``edges`` is invalid.

    Returns:
        Points with ``scores["mean_unit_entropy"]``, the mean entropy of the single binned units in nats. A value of
        ``log(bins)`` means that ties cost nothing.

    Cost:
        A sort of all values, and ``samples * log(samples) * units`` for the patterns. Memory: 24 bytes per value.

    Reference:
        Chelombiev, Houghton & O'Donnell 2019, "Adaptive estimators show information compression in deep neural
        networks", entropy-based binning. Departure: they take percentiles of the distinct values of a layer, each
        counted once; we take them of all values.

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
        """Estimate both coordinates; see `PlaneEstimator`. The inputs are ignored."""
        hidden, labels = check_plane_samples(hidden, labels, estimator="MaximumEntropyBinning")
        codes = self._codes(hidden)
        patterns = number_rows(codes)
        information = discrete_entropy(patterns), discrete_information(patterns, labels)
        scores = {"mean_unit_entropy": _mean_unit_entropy(codes, self.bins)}
        return PlanePoint.measured(self, hidden, labels, *information, scores=scores)

    def _codes(self, hidden: Tensor) -> Tensor:
        """Bin index of each value, int32 ``[samples, units]``."""
        by_unit = hidden.T.contiguous()
        pooled = by_unit if self.edges == "unit" else by_unit.view(1, -1)
        count = pooled.shape[1]
        # Smallest value with at least j / bins of all values at or below it; in integers, to avoid rounding.
        places = torch.tensor([-(-j * count // self.bins) - 1 for j in range(1, self.bins)], device=hidden.device)
        edges = pooled.sort(dim=1).values[:, places]
        return torch.searchsorted(edges.contiguous(), pooled, out_int32=True).view_as(by_unit).T


def _mean_unit_entropy(codes: Tensor, bins: int) -> float:
    units = codes.shape[1]
    places = codes.long() + bins * torch.arange(units, device=codes.device)
    counts = torch.bincount(places.flatten(), minlength=bins * units).view(units, bins)
    return float(torch.special.entr(counts.double() / len(codes)).sum() / units)
