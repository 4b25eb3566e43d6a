"""What the measurements of one run add up to: the values that are logged, and what they tell of it."""

from __future__ import annotations

import math
import time
import uuid
import warnings
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from torch import Tensor

from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.metric_names import Metric, metric_name
from lightning_infomem.records.moment import Moment
from lightning_infomem.records.report import InformationReport
from lightning_infomem.runs.alarm import PATIENCE, judge_next, read_judged
from lightning_infomem.runs.history import history_from_state, history_to_state
from lightning_infomem.runs.run_file import Measurement
from lightning_infomem.runs.scalars import drop_error, mutual_information_drop, scalars

__all__ = ["RunCourse", "tell_skipped"]


class RunCourse:
    """The measurements of one run, oldest first.

    Args:
        prefix: first part of every logged name.

    Attributes:
        run_id: Random hexadecimal digits, which the run keeps when it is resumed.
        time: Seconds since 1970 at the last measurement; NaN before there is one.
        history: the logged values of each, with ``epoch`` and ``step``.
        moments: of each what `judge` looks at.
        judgement: of the run at its last measurement; None before there is one.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.run_id = uuid.uuid4().hex  # of the operating system: the training's own generators draw as they would
        self.time = math.nan
        self.history: list[dict[str, float]] = []
        self.moments: list[Moment] = []
        self.judgement: Judgement | None = None
        self._highest: dict[str, Tensor] = {}  # layer -> mutual information of its units when their mean was highest
        self._has_warned = False

    def add(
        self, report: InformationReport, *, epoch: float, step: int, training_confidence: float | None = None
    ) -> dict[str, float]:
        """Continue the run.

        Args:
            report: the measures.
            epoch: of the run.
            step: of the run.
            training_confidence: mean confidence on training inputs, where it is known.

        Returns:
            Name -> value, with ``epoch`` and ``step``. All names logged before stay: monitors fail on a missing one.
        """
        values = {**self.last, **scalars(report, prefix=self.prefix)}
        names = [layer.name for layer in report.layers]
        values |= mutual_information_drop([*self.history, values], names, prefix=self.prefix)
        values |= self._drop_errors(report)
        confidence = report.scores.get("mean_confidence")
        if training_confidence is not None and confidence is not None:
            values[self._name(Metric.TRAINING_CONFIDENCE)] = training_confidence
            values[self._name(Metric.CONFIDENCE_GAP)] = training_confidence - confidence
        self.moments.append(Moment.of(report))
        self.judgement = judge_next(self.moments, self.judgement)
        values |= self._told(self.judgement)
        values |= {"epoch": float(epoch), "step": float(step)}
        self.history.append(values)
        self.time = time.time()
        return values

    @property
    def last(self) -> dict[str, float]:
        """The logged values of the last measurement; empty before there is one."""
        return self.history[-1] if self.history else {}

    def last_measurement(self) -> Measurement:
        """What the run file says of the last measurement.

        Raises:
            ValueError: there is none yet.
        """
        judgement = self.judgement
        if judgement is None:
            raise ValueError("course: at least one measurement is required, got none; measure first.")
        values, kept = self.history[-1], self.moments[judgement.kept]
        return Measurement(
            run_id=self.run_id,
            prefix=self.prefix,
            number=len(self.history) - 1,
            epoch=values["epoch"],
            step=int(values["step"]),
            time=self.time,
            values={name: value for name, value in values.items() if name not in ("epoch", "step")},
            is_memorizing=judgement.is_memorizing,
            kept_epoch=kept.epoch,
            kept_step=kept.step,
            abstention=judgement.abstention,
        )

    def warning(self, folder: object = None) -> str | None:
        """What to tell the user: once a run, when it begins to memorize.

        Args:
            folder: where checkpoints are saved, if that is known.
        """
        judgement = self.judgement
        if judgement is None or not judgement.is_memorizing or self._has_warned:
            return None
        self._has_warned = True
        kept, since = self.moments[judgement.kept], self.moments[-PATIENCE]
        drops = {
            name: value
            for name in self.moments[-1].smoothness
            if (value := self.history[-1].get(self._name(Metric.MI_DROP, name))) is not None
        }
        most = max(drops, key=lambda name: drops[name], default=None)
        fallen = "" if most is None or drops[most] <= 0 else f"; MI of {most!r} is {drops[most]:.0%} below its highest"
        place = "" if folder is None else f" of '{Path(str(folder))}'"
        return (
            f"from {since.name} on this network stores single examples: neighbours in its layers are predicted "
            f"less alike than before (by {judgement.smoothness_drop:.2f}), and {judgement.consensus_drop:.0%} more "
            f"of the validation inputs are predicted otherwise than by most moments of the run{fallen}. The checkpoint "
            f"of {kept.name}{place} is the one to keep; judge_run(folder) finds it."
        )

    def to_state(self) -> dict[str, Any]:
        """Tensors, numbers and strings only."""
        return {
            "prefix": self.prefix,
            "run_id": self.run_id,
            "time": self.time,
            "history": history_to_state(self.history),
            "moments": [moment.to_state() for moment in self.moments],
            "highest": dict(self._highest),
            "has_warned": self._has_warned,
            "judgement": None if self.judgement is None else self.judgement.to_state(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> RunCourse:
        """The inverse of `to_state`; shares no memory with the state.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: the state is damaged.
        """
        course = cls(str(state["prefix"]))
        course.run_id, course.time = str(state["run_id"]), float(state["time"])
        course.history = history_from_state(state["history"])
        course.moments, course.judgement = read_judged(state)
        course._highest = {str(name): values.clone() for name, values in state["highest"].items()}
        course._has_warned = bool(state["has_warned"])
        if len(course.moments) != len(course.history):
            raise ValueError(f"{len(course.moments)} moments of {len(course.history)} measurements")
        return course

    def _name(self, measure: str, layer: str | None = None) -> str:
        return metric_name(self.prefix, measure, layer) if layer else metric_name(self.prefix, measure)

    def values_of(self, measure: str, layer: str | None = None) -> list[float]:
        """One value at every measurement, NaN where it was not logged; ``epoch`` and ``step`` are measures, too."""
        name = measure if measure in ("epoch", "step") else self._name(measure, layer)
        return [values.get(name, math.nan) for values in self.history]

    def _told(self, judgement: Judgement) -> dict[str, float]:
        """A number for each name, 0 where nothing can be told: callbacks may monitor it."""
        told = {
            Metric.SMOOTHNESS_DROP: judgement.smoothness_drop,
            Metric.CONSENSUS_DROP: judgement.consensus_drop,
            Metric.CONSENSUS_DROP_ERROR: judgement.consensus_drop_error,
            Metric.MEMORIZING: float(judgement.is_memorizing),
        }
        return {self._name(name): value if math.isfinite(value) else 0.0 for name, value in told.items()}

    def _drop_errors(self, report: InformationReport) -> dict[str, float]:
        errors: dict[str, float] = {}
        for layer in report.layers:
            units = layer.unit_information()
            highest = self._highest.get(layer.name)
            if highest is None or highest.shape != units.shape or units.nanmean() > highest.nanmean():
                self._highest[layer.name] = highest = units
            error = drop_error(units, highest)
            if math.isfinite(error):
                errors[self._name(Metric.MI_DROP_ERROR, layer.name)] = error
        return {**errors, self._name(Metric.MI_DROP_ERROR): median(errors.values())} if errors else {}


def tell_skipped(report: InformationReport, told: set[str], *, who: str, strictly: bool) -> None:
    """Warn of the layers that a report leaves out, of each once, or raise.

    Args:
        report: the measures.
        told: the layers of which it was said before; those of this report join them.
        who: the callback, as users know it.
        strictly: raise instead.

    Raises:
        ValueError: a layer is left out, and ``strictly``.
    """
    new = {name: why for name, why in report.skipped.items() if name not in told}
    if not new:
        return
    told.update(new)
    message = "; ".join(f"layer {name!r}: {why}" for name, why in new.items())
    if strictly:
        raise ValueError(f"{who}: {message}.")
    warnings.warn(f"{who} leaves out {message}.", stacklevel=3)
