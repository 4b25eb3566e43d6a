"""Distances between the samples of a layer: what a falling curve in the information plane really shows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_infomem.information_plane.affordable_samples import check_affordable_samples
from lightning_infomem.information_plane.binning import Binning
from lightning_infomem.information_plane.discrete import number_rows
from lightning_infomem.information_plane.pairwise_distances import squared_distances
from lightning_infomem.information_plane.plane_samples import check_plane_samples

__all__ = ["GeometricCompression", "measure_geometry"]

_VALUES = 2**22  # values binned at a time: 32 MiB for each of the few temporary tensors


@dataclass(frozen=True)
class GeometricCompression:
    """How much of its space a layer fills.

    Attributes:
        diameter: Largest Euclidean distance between two samples, in the unit of the activations.
        within_class: Mean distance between two different samples of one class, in the same unit; NaN if no class has
            two.
        between_classes: Mean distance between two samples of different classes, in the same unit.
        occupied_bins: Number of bins that hold a sample, averaged over units; 1 for a constant layer, at most ``bins``.
        occupied_cells: Number of distinct bin patterns over all units together; at most ``num_samples``.
        bins: Number of bins per unit.
        value_range: Range of the bins; see `Binning`.
        num_samples: Number of samples measured.
        num_units: Number of units in the layer.
    """

    diameter: float
    within_class: float
    between_classes: float
    occupied_bins: float
    occupied_cells: int
    bins: int
    value_range: str | tuple[float, float]
    num_samples: int
    num_units: int


def measure_geometry(
    hidden: Tensor,
    labels: Tensor,
    *,
    bins: int = 30,
    value_range: str | tuple[float, float] = "layer",
    max_samples: int = 20_000,
) -> GeometricCompression:
    """Measure how far apart the samples of a layer are and how many bins they occupy.

    An estimate of I(X;T) with bins or noise falls when samples come closer together than a bin or the noise, whatever
    the information, which for a deterministic layer is infinite throughout. So read these numbers next to every plane.
    If all distances fall, the layer has shrunk; if only those within classes fall, the classes have become clusters.
    Do not compare distances between layers of different width or scale.

    Args:
        hidden: Activations of one layer, float ``[samples, ...]``, any device.
        labels: Class of each sample, integer ``[samples]``, at least two classes.
        bins: Number of bins per unit, at least 2.
        value_range: "unit", "layer" or ``(low, high)``; see `Binning`. With "unit" and "layer" a layer that only
            shrinks occupies as many bins as before, so give a range to compare epochs.
        max_samples: Largest number of samples to accept, since time is quadratic.

    Returns:
        The geometry. For a constant layer all distances are exactly 0, with one bin and one cell.

    Raises:
        TypeError, ValueError: If the bins are invalid (see `Binning`), the samples are not what every estimator
            requires, or there are more than ``max_samples``.

    Cost:
        Time ``samples**2 * units``. Memory: a float64 copy of the samples and 256 MiB.

    Reference:
        Goldfeld et al. 2019, Estimating information flow in deep neural networks; Basirat, Geiger & Roth
        2021, A geometric perspective on information plane analysis.

    >>> hidden = torch.tensor([[0.0, 0.0], [0.0, 1.0], [3.0, 4.0], [3.0, 5.0]])
    >>> geometry = measure_geometry(hidden, torch.tensor([0, 0, 1, 1]), bins=2)
    >>> round(geometry.diameter, 4), round(geometry.within_class, 4), round(geometry.between_classes, 4)
    (5.831, 1.0, 5.0184)
    >>> geometry.occupied_bins, geometry.occupied_cells
    (2.0, 2)
    """
    binning = Binning(bins, value_range)
    hidden, labels = check_plane_samples(hidden, labels, estimator="measure_geometry")
    check_affordable_samples(len(hidden), max_samples, estimator="measure_geometry")
    diameter, within_class, between_classes = _distances(hidden, labels)
    occupied_bins, occupied_cells = _occupied(hidden, binning)
    return GeometricCompression(
        diameter,
        within_class,
        between_classes,
        occupied_bins,
        occupied_cells,
        bins=bins,
        value_range=value_range,
        num_samples=len(hidden),
        num_units=hidden.shape[1],
    )


def _distances(hidden: Tensor, labels: Tensor) -> tuple[float, float, float]:
    """Largest distance, mean distance within classes, mean distance between classes."""
    largest = total = within = hidden.new_zeros((), dtype=torch.float64)
    for rows, squares in squared_distances(hidden):
        distances = squares.sqrt_()
        largest = torch.maximum(largest, distances.max())
        total = total + distances.sum()
        within = within + distances.masked_fill_(labels[rows, None] != labels, 0).sum()
    num_samples = len(labels)
    same = int(torch.bincount(labels).square().sum())
    pairs_within, pairs_between = same - num_samples, num_samples**2 - same
    mean_within = float(within) / pairs_within if pairs_within else math.nan
    return float(largest), mean_within, float(total - within) / pairs_between


def _occupied(hidden: Tensor, binning: Binning) -> tuple[float, int]:
    """Mean number of occupied bins per unit, and number of occupied cells of all units together."""
    low, high = float(hidden.min()), float(hidden.max())
    if low == high:
        return 1.0, 1
    if binning.value_range == "layer":  # of all units, not of one chunk
        binning = Binning(binning.bins, (low, high))
    occupied = 0
    cells = torch.zeros(len(hidden), dtype=torch.int64, device=hidden.device)
    for some in torch.split(hidden, max(1, _VALUES // len(hidden)), dim=1):
        codes = binning.codes(some)
        cells = number_rows(torch.cat([cells[:, None], codes], dim=1))
        occupied += int(codes.sort(dim=0).values.diff(dim=0).ne(0).sum()) + codes.shape[1]
    return occupied / hidden.shape[1], int(cells.max()) + 1
