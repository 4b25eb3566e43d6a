"""What the monitoring callbacks of Lightning and of transformers share."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from lightning_infomem._checks import check_choice
from lightning_infomem._errors import UsageValueError
from lightning_infomem.callbacks.listeners import listeners
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.metric_names import Metric, MetricName, check_prefix, metric_name
from lightning_infomem.records.report import COURSE_KEY, REPORT_KEY, InformationReport
from lightning_infomem.reporting.figure_budget import FigureBudget
from lightning_infomem.reporting.loggers import log_pictures
from lightning_infomem.reporting.pictures import Pictures
from lightning_infomem.reporting.run_figures import run_figures
from lightning_infomem.runs.run_course import RunCourse
from lightning_infomem.runs.run_file import RunFile
from lightning_infomem.settings import MeasurementSettings

__all__ = ["RunMonitor"]

_log = logging.getLogger(__name__)


class RunMonitor:
    """The part of a monitoring callback that needs no Trainer: its settings, and the run that it remembers.

    Args:
        layers: Names, patterns or module types.
        settings: Settings of the measurement.
        prefix: First part of every logged name.
        on_error: What happens when a measurement fails: "warn" or "raise".
        figures: Whether loggers get figures.
        per_layer: Whether loggers get the values and histograms of each layer.
    """

    _name: str  # of the callback, for messages

    def __init__(
        self,
        layers: str | list[str],
        settings: MeasurementSettings,
        prefix: str,
        on_error: str,
        *,
        figures: bool = True,
        per_layer: bool = True,
    ) -> None:
        super().__init__()
        self.layers, self.settings, self.prefix = layers, settings, check_prefix(prefix)
        self.on_error = check_choice(on_error, name="on_error", choices=("warn", "raise"))
        self.figures, self.per_layer = figures, per_layer
        self._run_file = RunFile(None, who=self._name)
        self.layer_names: list[str] = []
        self._skipped: set[str] = set()  # layers whose omission was reported
        self._heard: set[str] = set()  # names of NaN, of which those who listen were named
        self._left: set[str] = set()  # layers that left the means, as was reported
        self._start_run()

    @property
    def history(self) -> list[dict[str, float]]:
        """The logged values of every measurement of this run, with ``epoch`` and ``step``, oldest first."""
        return [dict(values) for values in self._course.history]

    @property
    def run_id(self) -> str:
        """Random hexadecimal digits that identify the run in its checkpoints and in its run file."""
        return self._course.run_id

    @property
    def judgement(self) -> Judgement | None:
        """Whether this run has begun to memorize, at its last measurement; None before the first."""
        return self._course.judgement

    def _start_run(self) -> None:
        self.report: InformationReport | None = None
        self._course = RunCourse(self.prefix)
        self._age = 0  # validations since the last measurement, or since the beginning
        self._begin_figures()

    def state_dict(self) -> dict[str, Any]:
        """Return the last report and the course of the run, as tensors, numbers and strings only."""
        report = None if self.report is None else self.report.to_state()
        return {REPORT_KEY: report, COURSE_KEY: self._course.to_state(), "age": self._age}

    def _from_state(self, state: Mapping[str, Any]) -> None:
        """Continue a run.

        Raises:
            AttributeError, KeyError, OverflowError, TypeError, ValueError: The state is damaged, or that of another
                monitor; nothing has changed.
        """
        report, course, age = state[REPORT_KEY], RunCourse.from_state(state[COURSE_KEY]), int(state["age"])
        if course.prefix != self.prefix:
            raise UsageValueError(f"prefix: the state of {self.prefix!r} is required, got that of {course.prefix!r}")
        self.report = None if report is None else InformationReport.from_state(report)
        self._course, self._age = course, age

    def _report_skipped(self, report: InformationReport) -> None:
        """Warn once of each layer that a report leaves out, or raise; and once of each that leaves the means."""
        new = {name: why for name, why in report.skipped.items() if name not in self._skipped}
        self._skipped.update(new)
        message = "; ".join(f"layer {name!r}: {why}" for name, why in new.items())
        if new and self.on_error == "raise":
            raise UsageValueError(f"{self._name}: {message}.")
        measured = {layer.name for layer in report.layers}
        before = [name for name in self._course.layers_in_means if name not in self._left]
        left = [name for name in before if name not in measured]
        self._left.update(left)
        said = [f"leaves out {message}"] if new else []
        if left:
            said.append(
                f"takes means over {len(measured)} of {len(before)} layers from now on, without "
                f"{', '.join(map(repr, left))}: do not compare them with earlier ones "
                f"({metric_name(self.prefix, Metric.LAYERS_MEASURED)} counts the layers)"
            )
        if said:
            warnings.warn(f"{self._name} {'; it '.join(said)}.", stacklevel=3)

    def _report_listeners(self, callbacks: Iterable[object], values: Mapping[str, float]) -> None:
        """Warn once of each value that is NaN and for which another callback waits."""
        new = {name: who for name, who in listeners(callbacks, values).items() if name not in self._heard}
        if new:
            self._heard.update(new)
            what = "; ".join(f"{name} could not be measured, and is NaN: {who}" for name, who in new.items())
            warnings.warn(f"{self._name}: {what}.", stacklevel=4)

    def _report_alarm(self, folder: object = None, *, is_first_rank: bool = True) -> None:
        """Log once that the run has begun to memorize."""
        message = self._course.warning(folder)
        if message is not None and is_first_rank:
            _log.warning("%s: %s", self._name, message)

    def _begin_figures(self) -> None:
        self._budget = FigureBudget()
        self._undrawn: int | None = None  # step of the last measurement, if there was no time for its figures

    def _log_pictures(
        self, loggers: Iterable[Any], step: int, values: Mapping[str, float], *, along_run: bool = True
    ) -> float:
        """Log the histograms of the last report, and its figures if there is time; return the seconds that it took."""
        report = self.report
        assert report is not None
        is_time = not along_run or self._budget.has_time(report.seconds)
        self._undrawn = None if is_time or not self.figures else step
        figures = run_figures(self._course, report, along_run=along_run) if is_time and self.figures else {}
        shown = report if self.per_layer else None
        seconds = log_pictures(loggers, Pictures(figures, step, self.prefix, shown, values))
        if figures:
            self._budget.count_drawing(seconds)
        return seconds

    def _log_last_figures(self, loggers: Iterable[Any]) -> None:
        """Log the figures of the last measurement at its step, if there was no time for them before."""
        if self._undrawn is not None and self.report is not None:
            log_pictures(loggers, Pictures(run_figures(self._course, self.report), self._undrawn, self.prefix))
        self._undrawn = None

    def _shown(self, values: Mapping[str, float]) -> dict[str, float]:
        """The values that loggers get: with the age of the measurement, without its epoch and step."""
        shown = {name: value for name, value in values.items() if name not in ("epoch", "step")}
        if not self.per_layer:
            shown = {name: value for name, value in shown.items() if not self._is_of_layer(name)}
        return {**shown, metric_name(self.prefix, Metric.AGE): float(self._age)}

    def _is_of_layer(self, name: str) -> bool:
        parts = MetricName.of(name, self.prefix)
        return parts is not None and parts.layer is not None
