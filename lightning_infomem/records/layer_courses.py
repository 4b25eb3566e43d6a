"""Mean entropy and mutual information of every layer over the moments of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lightning_infomem.records.descriptions import describe_measurement
from lightning_infomem.records.report import InformationReport

__all__ = ["LayerCourses", "layer_courses"]


@dataclass(frozen=True, eq=False)
class LayerCourses:
    """The course of every layer of a run: one row per layer, one column per moment.

    Attributes:
        names: Names of the layers, in the order of the network.
        unit: Unit of the moments: "epoch", "step" or "measurement".
        moments: Moments in ascending order.
        entropy: Mean over units in nats, float64 ``[layers, moments]``; NaN if missing.
        mutual_information: Mean over pairs in nats, float64 ``[layers, moments]``; NaN if missing.
        measurement: Settings of the measurement, as text for a title.
    """

    names: list[str]
    unit: str
    moments: list[int]
    entropy: NDArray[Any]
    mutual_information: NDArray[Any]
    measurement: str = ""

    @classmethod
    def along(
        cls,
        names: list[str],
        epochs: Sequence[float],
        steps: Sequence[float],
        entropy: ArrayLike,
        mutual_information: ArrayLike,
        measurement: str = "",
    ) -> LayerCourses:
        """Build the courses over epochs, or over steps if an epoch is fractional or occurs twice."""
        are_epochs = len(set(epochs)) == len(epochs) and all(float(epoch).is_integer() for epoch in epochs)
        unit, moments = ("epoch", epochs) if are_epochs else ("step", steps)
        means = np.asarray(entropy), np.asarray(mutual_information)
        return cls(names, unit, [int(moment) for moment in moments], *means, measurement=measurement)


def layer_courses(run: Sequence[InformationReport] | LayerCourses) -> LayerCourses:
    """Collect the layer means of all reports of a run; `LayerCourses` are returned unchanged.

    Args:
        run: Reports of one run, in any order. Moments are epochs; if these are unknown or occur twice, steps; if those
            are too, the measurements are numbered from 1 in the given order.

    Raises:
        ValueError: There is no report with a layer.

    Cost:
        About 0.05 ms per layer and moment, for small layers.
    """
    if isinstance(run, LayerCourses):
        return run
    reports = run
    names = _names(reports)
    if not names:
        got = f"{len(reports)} without a layer; see their skipped for the reasons" if reports else "none; measure first"
        raise ValueError(f"reports: at least one with a measured layer is required, got {got}.")
    unit, moments = _moments(reports)
    order = sorted(range(len(reports)), key=lambda index: moments[index])
    rows = {name: row for row, name in enumerate(names)}
    means = np.full((2, len(names), len(reports)), np.nan)
    for column, index in enumerate(order):
        for layer in reports[index].layers:
            means[0, rows[layer.name], column] = layer.finite_entropy().mean().item()
            means[1, rows[layer.name], column] = layer.pairs().mean().item()
    in_order, words = [moments[index] for index in order], describe_measurement(reports)
    return LayerCourses(names, unit, in_order, means[0], means[1], words)


def _names(reports: Sequence[InformationReport]) -> list[str]:
    """Merge the layer names of all reports, placing each name after its predecessor in its own report."""
    names: list[str] = []
    for report in reports:
        place = 0
        for layer in report.layers:
            if layer.name not in names:
                names.insert(place, layer.name)
            place = names.index(layer.name) + 1
    return names


def _moments(reports: Sequence[InformationReport]) -> tuple[str, list[int]]:
    for unit in ("epoch", "step"):
        moments = [getattr(report, unit) for report in reports]
        if None not in moments and len(set(moments)) == len(moments):
            return unit, moments
    return "measurement", list(range(1, len(reports) + 1))
