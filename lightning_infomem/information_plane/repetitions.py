"""Many trainings of one network: where their planes agree."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_infomem.information_plane.comparable_points import point_fields
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.records.comparability import Field, check_comparable
from lightning_infomem.records.table import Column, Table

__all__ = ["Repetitions", "aggregate"]

Points = Mapping[str, PlanePoint]  # layer -> its point, at one moment of a training; see `Plane.of`

_COLUMNS = {
    "input_mean": ("I(X;T)", ".4f"),
    "input_variance": ("variance", ".3g"),
    "label_mean": ("I(T;Y)", ".4f"),
    "label_variance": ("variance", ".3g"),
}


@dataclass(frozen=True, eq=False)
class Repetitions:
    """Mean and spread of repeated trainings.

    Attributes:
        layers: their names, in the order of the first run.
        input_mean: of I(X;T), float64 ``[moments, layers]``, nats; as the rest NaN where it is so in any run.
        label_mean: of I(T;Y), nats.
        input_variance: over the runs, with divisor ``runs - 1``, square nats.
        label_variance: the same of I(T;Y).
        distances: of each run from the mean, float64 ``[runs]``, nats: the root of the sum of squares over both
            coordinates, all moments and layers.
        median_run: number of the run whose distance is the median, of an even number the lower of the two: the one to
            show where a single one is shown.
        notes: on each difference that was allowed.
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
    """Take the mean and the variance of repeated trainings, and find the run of middling distance from the mean.

    Do not show the mean alone: where runs are of two sorts it is none of them; the distances tell.

    Args:
        runs: of each the planes at its moments, layer -> point. All of as many moments.
        allow_mismatch: names of fields that may differ: see `check_points`, and "layers" (then those that all have
            are aggregated) and "num_units" (of a layer of one name).

    Returns:
        Mean, variance and distances. Values that are not finite in any run count for no distance.

    Raises:
        TypeError: ``allow_mismatch`` is one string.
        ValueError: fewer than two runs, no moments or not as many in all, no layer in common, points that differ in how
            they were measured, or ``allow_mismatch`` names no field.

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
            f"runs: as many moments in each, and at least one, are required, got {moments}; cut them to those that all "
            "have."
        )
    notes = check_comparable(_fields(runs), allow_mismatch, argument="runs")
    layers = tuple(layer for layer in runs[0][0] if all(layer in plane for run in runs for plane in run))
    if not layers:
        raise ValueError(
            f"runs: a layer that all have is required, got none: {list(runs[0][0])} in run 0, {list(runs[-1][-1])} in "
            "the last; give runs of one network."
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
