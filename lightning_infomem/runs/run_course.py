"""The course of a run while it goes on."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from lightning_infomem._errors import UsageValueError
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.metric_names import Metric, MetricName, logged_name, metric_name
from lightning_infomem.records.moment import Moment
from lightning_infomem.records.report import InformationReport
from lightning_infomem.runs.alarm import PATIENCE, judge_next, read_judged
from lightning_infomem.runs.course import Course
from lightning_infomem.runs.run_file import Measurement
from lightning_infomem.runs.scalars import (
    OF_EACH_LAYER,
    OF_EVERY_MEASUREMENT,
    drop_error,
    mutual_information_drop,
    scalars,
)

__all__ = ["RunCourse"]


class RunCourse(Course):
    """The measurements of one run, oldest first, to which more can be added.

    Args:
        prefix: First part of every logged name.

    Attributes:
        run_id: Random hexadecimal digits, which the run keeps when it is resumed.
        time: Seconds since 1970 at the last measurement; NaN before the first.
        history: Logged name -> value at each measurement, with ``epoch`` and ``step``.
        moments: What `judge` needs of each measurement.
        judgement: Judgement of the run at its last measurement; None before the first.
    """

    def __init__(self, prefix: str) -> None:
        super().__init__(prefix)
        self.run_id = uuid.uuid4().hex  # from the operating system: the training's generators stay as they are
        self.time = math.nan
        self.moments: list[Moment] = []
        self.judgement: Judgement | None = None
        self._highest: dict[str, Tensor] = {}  # layer -> mutual information of its units when their mean was highest
        self._has_warned = False

    def add(
        self, report: InformationReport, *, epoch: float, step: int, training_confidence: float | None = None
    ) -> dict[str, float]:
        """Add a measurement.

        Args:
            report: The measures.
            epoch: Epoch of the run.
            step: Global step of the run.
            training_confidence: Mean confidence on training inputs, if it is known.

        Returns:
            Name -> value, with ``epoch`` and ``step``. What could not be measured is NaN: names logged before stay,
            since callbacks that monitor one fail if it is missing. Only those of layers that were not to be measured
            go.
        """
        values = scalars(report, prefix=self.prefix)
        names = [layer.name for layer in report.layers]
        values |= mutual_information_drop([*self.history, values], names, prefix=self.prefix)
        confidence = report.scores.get("mean_confidence") if report.task == "classification" else None
        if training_confidence is not None and confidence is not None:
            values[metric_name(self.prefix, Metric.TRAINING_CONFIDENCE)] = training_confidence
            values[metric_name(self.prefix, Metric.CONFIDENCE_GAP)] = training_confidence - confidence
        moments = [*self.moments, Moment.of(report)]
        judgement = judge_next(moments, self.judgement)
        over_layers = {
            **self._drop_errors(report, values),
            Metric.SMOOTHNESS_DROP: judgement.smoothness_drop,
            Metric.CONSENSUS_DROP: judgement.consensus_drop,
            Metric.CONSENSUS_DROP_ERROR: judgement.consensus_drop_error,
            Metric.MEMORIZING: float(judgement.is_memorizing),
        }
        for measure, value in over_layers.items():
            # Callbacks may monitor these names, so each needs a number, even before anything can be judged.
            values[metric_name(self.prefix, measure)] = value if math.isfinite(value) else 0.0
        for name in self.repeated([*names, *report.skipped]):
            values.setdefault(name, math.nan)
        values |= {"epoch": float(epoch), "step": float(step)}
        self.moments, self.judgement = moments, judgement
        self.history.append(values)
        self.time = time.time()
        return values

    def repeated(self, layers: Iterable[str]) -> dict[str, float]:
        """Return the values of the last measurement to log again: those over all layers, and those of these layers."""
        last = self.history[-1] if self.history else {}
        own = {logged_name(layer) for layer in layers}
        return {name: value for name, value in last.items() if (layer := self._layer_of(name)) is None or layer in own}

    def unmeasured(self, layers: Iterable[str]) -> dict[str, float]:
        """Return what to log when a measurement fails.

        Args:
            layers: Names of the layers that were to be measured.

        Returns:
            The last values over all layers, NaN where there are none yet; and NaN for each value of the layers.
        """
        if self.history:
            return {**dict.fromkeys(self.repeated(layers), math.nan), **self.repeated(())}
        names = [metric_name(self.prefix, measure, layer) for layer in layers for measure in OF_EACH_LAYER]
        names += [metric_name(self.prefix, measure) for measure in (*OF_EACH_LAYER, *OF_EVERY_MEASUREMENT)]
        return dict.fromkeys(names, math.nan)

    @property
    def layers_in_means(self) -> list[str]:
        """Names of the layers over which the last means are taken; empty before the first measurement."""
        return list(self.moments[-1].smoothness) if self.moments else []

    def _layer_of(self, name: str) -> str | None:
        found = MetricName.of(name, self.prefix)
        return None if found is None else found.layer

    def last_measurement(self) -> Measurement:
        """Return the last measurement as the run file holds it.

        Raises:
            ValueError: There is no measurement.
        """
        judgement = self.judgement
        if judgement is None:
            raise UsageValueError("course: at least one measurement is required, got none; measure first.")
        values, kept = dict(self.history[-1]), self.moments[judgement.kept]
        return Measurement(
            run_id=self.run_id,
            prefix=self.prefix,
            number=len(self.history) - 1,
            epoch=values.pop("epoch"),
            step=int(values.pop("step")),
            time=self.time,
            values=values,
            is_memorizing=judgement.is_memorizing,
            kept_epoch=kept.epoch,
            kept_step=kept.step,
            abstention=judgement.abstention,
        )

    def warning(self, folder: object = None) -> str | None:
        """Return the message for the user when the run begins to memorize, once a run; else None.

        Args:
            folder: Folder of the checkpoints, if it is known.
        """
        judgement = self.judgement
        if judgement is None or not judgement.is_memorizing or self._has_warned:
            return None
        self._has_warned = True
        kept, since = self.moments[judgement.kept], self.moments[-PATIENCE]
        drops = {name: self.last(Metric.MI_DROP, name) for name in self.moments[-1].smoothness}
        most = max(drops, key=lambda name: drops[name] if math.isfinite(drops[name]) else -math.inf, default="")
        fallen = f"; MI of {most!r} is {drops[most]:.0%} below its highest" if drops.get(most, 0) > 0 else ""
        place = "" if folder is None else f" of '{Path(str(folder))}'"
        return (
            f"from {since.name} on this network stores single examples: neighbours in its layers are predicted "
            f"less alike than before (by {judgement.smoothness_drop:.2f}), and {judgement.consensus_drop:.0%} more "
            f"of the validation inputs are predicted otherwise than by most moments of the run{fallen}. The checkpoint "
            f"of {kept.name}{place} is the one to keep; judge_run(folder) finds it."
        )

    def to_state(self) -> dict[str, Any]:
        """Return the course as tensors, numbers and strings only."""
        names = list(dict.fromkeys(name for values in self.history for name in values))
        # One tensor, because a checkpoint loads single numbers slowly: seconds after some hundred measurements. NaN is
        # what could not be measured, and infinity what was not logged.
        rows = [[values.get(name, math.inf) for name in names] for values in self.history]
        table = torch.tensor(rows, dtype=torch.float64).reshape(len(rows), len(names))
        return {
            "prefix": self.prefix,
            "run_id": self.run_id,
            "time": self.time,
            "history": {"names": names, "values": table},
            "moments": [moment.to_state() for moment in self.moments],
            "highest": dict(self._highest),
            "has_warned": self._has_warned,
            "judgement": None if self.judgement is None else self.judgement.to_state(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> RunCourse:
        """Restore a course from `to_state`, without sharing memory with the state.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: The state is damaged.
        """
        course = cls(str(state["prefix"]))
        course.run_id, course.time = str(state["run_id"]), float(state["time"])
        names = [str(name) for name in state["history"]["names"]]
        for row in state["history"]["values"].tolist():
            values = zip(names, row, strict=True)
            course.history.append({name: value for name, value in values if not math.isinf(value)})
            if not all(math.isfinite(course.history[-1].get(name, math.nan)) for name in ("epoch", "step")):
                raise UsageValueError("a measurement without epoch or step")
        course.moments, course.judgement = read_judged(state)
        course._highest = {str(name): values.clone() for name, values in state["highest"].items()}
        course._has_warned = bool(state["has_warned"])
        if len(course.moments) != len(course.history):
            raise UsageValueError(f"{len(course.moments)} moments of {len(course.history)} measurements")
        return course

    def _drop_errors(self, report: InformationReport, values: dict[str, float]) -> dict[str, float]:
        """Put the standard error of each layer's drop into ``values``, and return their median over layers."""
        errors = []
        for layer in report.layers:
            units = layer.unit_information()
            highest = self._highest.get(layer.name)
            if highest is None or highest.shape != units.shape or units.nanmean() > highest.nanmean():
                self._highest[layer.name] = highest = units
            error = drop_error(units, highest)
            if math.isfinite(error):
                errors.append(error)
                values[metric_name(self.prefix, Metric.MI_DROP_ERROR, layer.name)] = error
        return {Metric.MI_DROP_ERROR: median(errors)} if errors else {}
