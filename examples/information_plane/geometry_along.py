"""Pseudo-estimator that records the geometry of layers along a run."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from torch import Tensor

from lightning_infomem.information_plane.geometry import measure_geometry
from lightning_infomem.information_plane.plane_point import PlanePoint

__all__ = ["Geometry"]


@dataclass(frozen=True)
class Geometry:
    """Estimate no information, but report the numbers of `measure_geometry` as scores; they explain any fall.

    Args:
        samples: Number of samples to use, taken from the end.
    """

    samples: int = 2000

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Measure the geometry; see `PlaneEstimator`."""
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
