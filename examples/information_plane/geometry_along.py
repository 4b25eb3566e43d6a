"""The geometry of layers along a run, on the way of the estimators."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from torch import Tensor

from lightning_infomem.information_plane.geometry import measure_geometry
from lightning_infomem.information_plane.plane_point import PlanePoint

__all__ = ["Geometry"]


@dataclass(frozen=True)
class Geometry:
    """Gives no information, but the numbers of `measure_geometry` as scores: without them no fall is explained.

    Args:
        samples: how many are looked at, the last ones.
    """

    samples: int = 2000

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Measure; see `PlaneEstimator`."""
        hidden, labels = hidden[-self.samples :].flatten(1), labels[-self.samples :]
        measured = asdict(measure_geometry(hidden, labels))
        return PlanePoint.measured(
            self,
            hidden,
            labels,
            input_information=math.nan,
            label_information=math.nan,
            input_kind="neither",
            label_kind="neither",
            scores={name: float(value) for name, value in measured.items() if isinstance(value, (float, int))},
        )
