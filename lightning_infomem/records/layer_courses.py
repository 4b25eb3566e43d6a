"""The means of every layer at every moment of a run."""

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
    """A row a layer, a column a moment.

    Attributes:
        names: of the layers, in the order of the network.
        unit: of the moments: "epoch", "step" or "measurement".
        moments: in rising order.
        entropy: float64 ``[layers, moments]``, mean over units, nats; NaN where there is none.
        mutual_information: float64 ``[layers, moments]``, mean over pairs, nats; NaN where there is none.
        measurement: with what settings was measured, for a title.
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
        """The means of a run whose moments are its epochs, or its steps where epochs are not whole or come twice."""
        are_epochs = len(set(epochs)) == len(epochs) and all(float(epoch).is_integer() for epoch in epochs)
        unit, moments = ("epoch", epochs) if are_epochs else ("step", steps)
        means = np.asarray(entropy), np.asarray(mutual_information)
        return cls(names, unit, [int(moment) for moment in moments], *means, measurement=measurement)


def layer_courses(run: Sequence[InformationReport] | LayerCourses) -> LayerCourses:
    """Gather the means of the layers of all reports; courses stay what they are.

    Args:
        run: reports of one run, in any order. Where epochs are not known or come twice, steps count; where these are
            not known or come twice either, the measurements are numbered from 1 in the order given.

    Raises:
        ValueError: no report, or none with a layer.

    Cost:
        About 0.05 ms a layer and moment, for small layers.
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
    """Of all layers; one that is not in every report stands behind the one that it follows in its own."""
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
