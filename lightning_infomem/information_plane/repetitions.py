"""Mean and spread of the planes of repeated trainings of one network."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_infomem.information_plane.comparable import check_alike, check_comparable
from lightning_infomem.information_plane.plane_point import PlanePoint

__all__ = ["Repetitions", "aggregate"]

Points = Mapping[str, PlanePoint]  # layer -> its point, at one time in training; see `Plane.of`

_NETWORK_FIELDS = ("layers", "num_units")


@dataclass(frozen=True, eq=False)
class Repetitions:
    """Mean and spread of repeated trainings.

    Attributes:
        layers: Layer names, in the order of the first run.
        input_mean: Mean of I(X;T), float64 ``[moments, layers]``, nats. NaN if any run has NaN, as for the other
            tensors.
        label_mean: Mean of I(T;Y), float64 ``[moments, layers]``, nats.
        input_variance: Variance of I(X;T) over runs, with divisor ``runs - 1``, in squared nats.
        label_variance: Variance of I(T;Y) over runs, with divisor ``runs - 1``, in squared nats.
        distances: Distance of each run from the mean, float64 ``[runs]``, nats: the root of the sum of squares over
            both coordinates, all moments and all layers.
        median_run: Index of the run with the median distance (the lower of the two for an even number of runs). Show
            this run if you show only one.
        notes: One sentence for each difference that was allowed.
    """

    layers: tuple[str, ...]
    input_mean: Tensor
    label_mean: Tensor
    input_variance: Tensor
    label_variance: Tensor
    distances: Tensor
    median_run: int
    notes: tuple[str, ...]


def aggregate(runs: Sequence[Sequence[Points]], allow_mismatch: Sequence[str] = ()) -> Repetitions:
    """Compute mean and variance of repeated trainings and find the run at median distance from the mean.

    Do not show the mean alone: if the runs fall into two groups, the mean resembles neither. The distances reveal this.

    Args:
        runs: Planes of each run over time, each as layer name -> point. All runs have equally many moments.
        allow_mismatch: Names of fields that may differ: those of `check_comparable`, "layers" (only layers that all
            runs have are aggregated) and "num_units" (of layers with the same name).

    Returns:
        Mean, variance and distances. Values that are not finite in any run do not count towards the distances.

    Raises:
        TypeError: If ``allow_mismatch`` is a single string.
        ValueError: If there are fewer than two runs, no moments or unequal numbers of them, no layer in common, points
            that were measured differently, or an unknown field in ``allow_mismatch``.

    Cost:
        Linear in the number of points.

    >>> def run(value):
    ...     return [{"fc": PlanePoint("Binning", {"bins": 30}, value, 0.5, "neither", "neither", 100, 2)}]
    >>> found = aggregate([run(1.0), run(2.0), run(6.0)])
    >>> found.input_mean.item(), found.input_variance.item(), found.median_run
    (3.0, 7.0, 0)
    """
    runs = [list(run) for run in runs]
    if len(runs) < 2:
        raise ValueError(f"runs: at least two are required, got {len(runs)}; one training has no spread.")
    moments = [len(run) for run in runs]
    if len(set(moments)) > 1 or moments[0] == 0:
        raise ValueError(
            f"runs: as many moments in each, and at least one, are required, got {moments}; keep the moments that all "
            "runs have."
        )
    notes = _check(runs, allow_mismatch)
    layers = tuple(layer for layer in runs[0][0] if all(layer in plane for run in runs for plane in run))
    if not layers:
        raise ValueError(
            f"runs: a layer that all have is required, got none: {list(runs[0][0])} in run 0, {list(runs[-1][-1])} in "
            "the last; pass runs of one network."
        )
    values = torch.tensor(
        [
            [[(plane[layer].input_information, plane[layer].label_information) for layer in layers] for plane in run]
            for run in runs
        ],
        dtype=torch.float64,
    )  # [runs, moments, layers, 2]
    values = values.where(values.isfinite().all(0), torch.nan)
    mean, variance = values.mean(0), values.var(0)
    distances = (values - mean).square().flatten(1).nansum(1).sqrt()
    order = distances.argsort(stable=True)
    return Repetitions(
        layers,
        input_mean=mean[..., 0],
        label_mean=mean[..., 1],
        input_variance=variance[..., 0],
        label_variance=variance[..., 1],
        distances=distances,
        median_run=int(order[(len(runs) - 1) // 2]),
        notes=tuple(notes),
    )


def _check(runs: Sequence[Sequence[Points]], allow_mismatch: Sequence[str]) -> list[str]:
    """Compare the networks and how their points were measured."""
    points = {
        f"run {number}, moment {moment}, {layer}": point
        for number, run in enumerate(runs)
        for moment, plane in enumerate(run)
        for layer, point in plane.items()
    }
    layers: dict[str, Hashable] = {
        f"run {number}, moment {moment}": tuple(sorted(plane))
        for number, run in enumerate(runs)
        for moment, plane in enumerate(run)
    }
    widths: dict[str, set[tuple[str, int]]] = {}
    for number, run in enumerate(runs):
        widths[f"run {number}"] = {(layer, point.num_units) for plane in run for layer, point in plane.items()}
    shared = set.intersection(*({layer for layer, _ in each} for each in widths.values()))
    units: dict[str, Hashable] = {
        run: tuple(sorted(f"{layer} {width}" for layer, width in each if layer in shared))
        for run, each in widths.items()
    }
    if isinstance(allow_mismatch, str):
        return check_alike({}, allow_mismatch, argument="runs")  # raises the TypeError
    network_fields = [name for name in allow_mismatch if name in _NETWORK_FIELDS]
    notes = check_alike({"layers": layers, "num_units": units}, network_fields, argument="runs")
    return notes + check_comparable(points, [name for name in allow_mismatch if name not in _NETWORK_FIELDS])
