"""Mean and spread of the planes of repeated trainings of one network."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_infomem._errors import UsageValueError
from lightning_infomem.information_plane.comparable_points import point_fields
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.records.comparability import Field, check_comparable
from lightning_infomem.records.table import Column, Table
from lightning_infomem.records.tabular import Tabular

__all__ = ["Repetitions", "aggregate"]

Points = Mapping[str, PlanePoint]  # layer -> its point, at one time in training; see `Plane.of`

_COLUMNS = {
    "input_mean": ("I(X;T)", ".4f"),
    "input_variance": ("variance", ".3g"),
    "label_mean": ("I(T;Y)", ".4f"),
    "label_variance": ("variance", ".3g"),
}


@dataclass(frozen=True, eq=False)
class Repetitions(Tabular):
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

    def to_table(self) -> Table:
        """One row per moment and layer, in nats and square nats."""
        values = {name: getattr(self, name).tolist() for name in _COLUMNS}
        rows = [
            {"moment": moment, "layer": layer} | {name: moments[moment][place] for name, moments in values.items()}
            for moment in range(len(self.input_mean))
            for place, layer in enumerate(self.layers)
        ]
        columns = [Column("moment"), Column("layer"), *(Column(name, *shown) for name, shown in _COLUMNS.items())]
        facts = {"distances": self.distances.tolist(), "median_run": self.median_run}
        return Table(columns, rows, title=f"{len(self.distances)} runs, nats", notes=self.notes, facts=facts)


def aggregate(runs: Sequence[Sequence[Points]], allow_mismatch: Sequence[str] = ()) -> Repetitions:
    """Compute mean and variance of repeated trainings and find the run at median distance from the mean.

    Do not show the mean alone: if the runs fall into two groups, the mean resembles neither. The distances reveal this.

    Args:
        runs: Planes of each run over time, each as layer name -> point. All runs have equally many moments.
        allow_mismatch: Names of fields that may differ: those of `check_points`, "layers" (only layers that all
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
        raise UsageValueError(f"runs: at least two are required, got {len(runs)}; one training has no spread.")
    moments = [len(run) for run in runs]
    if len(set(moments)) > 1 or moments[0] == 0:
        raise UsageValueError(
            f"runs: as many moments in each, and at least one, are required, got {moments}; keep the moments that all "
            "runs have."
        )
    notes = check_comparable(_fields(runs), allow_mismatch, argument="runs")
    layers = tuple(layer for layer in runs[0][0] if all(layer in plane for run in runs for plane in run))
    if not layers:
        raise UsageValueError(
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


def _fields(runs: Sequence[Sequence[Points]]) -> dict[Field, dict[str, Hashable]]:
    """What must agree: the networks, and how their points were measured."""
    points: dict[str, PlanePoint] = {}
    layers: dict[str, Hashable] = {}
    units: dict[str, Hashable] = {}
    shared = set.intersection(*({layer for plane in run for layer in plane} for run in runs))
    for number, run in enumerate(runs):
        for moment, plane in enumerate(run):
            layers[f"run {number}, moment {moment}"] = tuple(sorted(plane))
            points |= {f"run {number}, moment {moment}, {layer}": point for layer, point in plane.items()}
        widths = {(layer, point.num_units) for plane in run for layer, point in plane.items() if layer in shared}
        units[f"run {number}"] = tuple(sorted(f"{layer} {width}" for layer, width in widths))
    return {"layers": layers, "num_units": units, **point_fields(points)}
