"""One run as part of a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lightning_infomem.pages.drawing import Drawing
from lightning_infomem.records.flag import Flag
from lightning_infomem.records.metric_names import Metric, logged_name
from lightning_infomem.records.table import Column, Table
from lightning_infomem.runs.recorded_runs import RecordedRun
from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.doubts import doubts_of_candidates

__all__ = ["MEASURES", "RunPart"]

MEASURES = (
    Column(Metric.ENTROPY_MEAN, "entropy", ".4f"),
    Column(Metric.MI_MEAN, "MI", ".4f"),
    Column(Metric.MI_DROP, "MI drop", ".0%"),
    Column(Metric.SMOOTHNESS, "smoothness", ".3f"),
)
_OF_A_MEASUREMENT = (
    *MEASURES,
    Column(Metric.SMOOTHNESS_DROP, "smoothness drop", ".3f"),
    Column(Metric.CONSENSUS_DROP, "consensus drop", ".3f"),
    Column(Metric.SECONDS, "seconds", ".2f"),
)
_OF_A_LAYER = (*MEASURES, Column(Metric.DEAD_FRACTION, "dead", ".0%"), Column(Metric.TIE_FRACTION, "ties", ".0%"))
_MOST_OPEN = 25  # rows of a table that is shown unfolded


@dataclass(frozen=True)
class RunPart:
    """The values that the template of a run shows."""

    run: RecordedRun
    name: str

    @property
    def is_undecided(self) -> bool:
        """Whether it is not known, or not yet, if the run memorizes."""
        return self.run.last.abstention is not None

    @property
    def is_long(self) -> bool:
        """Whether the table of measurements is folded."""
        return len(self.run.course.steps) > _MOST_OPEN

    def doubts(self) -> list[Flag]:
        """Return the doubts about the numbers of the newest report."""
        report = self.run.report
        if report is None:
            return []
        skipped = [Flag("skipped", f"layer '{name}' was not measured: {why}") for name, why in report.skipped.items()]
        candidate = Candidate.from_report(Path(self.run.place.name), report)
        if not candidate.layers:
            words = "no layer has a finite entropy and mutual information; has its training diverged?"
            return [*skipped, Flag("not_finite", words)]
        lost = [layer.name for layer in report.layers if layer.name not in candidate.layers]
        not_finite = [Flag("not_finite", f"layer '{name}': no finite entropy or mutual information") for name in lost]
        return [*skipped, *not_finite, *doubts_of_candidates([candidate], list(candidate.layers), None)]

    def figures(self) -> Iterator[Drawing]:
        """Draw the run, the courses of its layers, and its newest report."""
        from lightning_infomem.plots import (  # late, because it imports matplotlib
            plot_epochs_map,
            plot_information_map,
            plot_layers,
            plot_plane,
            plot_run,
        )
        from lightning_infomem.records.descriptions import describe_settings

        run, course = self.run, self.run.course
        report = run.report if run.report is not None and run.report.layers else None
        if run.judgement is not None:
            information, smoothness, alarm = map(course.values, (Metric.MI_MEAN, Metric.SMOOTHNESS, Metric.MEMORIZING))
            memorizing, steps = [value == 1 for value in alarm], course.steps
            drawn = plot_run(course.epochs, information, smoothness, run.judgement, memorizing=memorizing, steps=steps)
            yield Drawing.of(drawn, "The run: what is watched, and where the alarm was on")
        courses = course.layer_courses("" if report is None else describe_settings([report]))
        if len(courses.moments) > 1:
            yield Drawing.of(plot_epochs_map(courses), "Means of every layer at every measurement")
            yield Drawing.of(plot_plane(courses), "The way of every layer in the plane of both measures")
        if report is not None:
            words = "Entropy of units and mutual information of their pairs, newest report"
            yield Drawing.of(plot_layers(report), words)
            words = "Mutual information of all pairs of units, similar units side by side, newest report"
            yield Drawing.of(plot_information_map(report), words)

    def layers(self) -> Table:
        """Return one row per layer, by the last measurement."""
        known = [] if self.run.report is None else self.run.report.layers
        of_report = {logged_name(layer.name): layer for layer in known}
        rows = []
        for name in self.run.course.layers:
            row = {"layer": name, **{each.name: self.run.course.last(each.name, name) for each in _OF_A_LAYER}}
            if name in of_report:
                layer = of_report[name]
                count, dropped = len(layer.units), layer.num_dropped
                row["units"] = str(count) if count == layer.width else f"{count} of {layer.width}"
                row["samples"] = f"{layer.num_samples}, {dropped} dropped" if dropped else str(layer.num_samples)
            rows.append(row)
        note = (
            "At the last measurement, nats. MI drop: how far mutual information is below its highest value in this "
            "run. Dead: constant units. Ties: samples that share their value with another."
        )
        text = (Column("layer"), Column("units", align="right"), Column("samples", align="right"))
        return Table([*text, *_OF_A_LAYER], rows, notes=[note])

    def measurements(self) -> Table:
        """Return one row per measurement; rows are marked if the alarm was on."""
        course = self.run.course
        values = {column.name: course.values(column.name) for column in _OF_A_MEASUREMENT}
        rows = [
            {"moment": f"step {step}", "epoch": int(epoch), **{name: each[place] for name, each in values.items()}}
            for place, (step, epoch) in enumerate(zip(course.steps, course.epochs, strict=True))
        ]
        styles = {place: "yellow" for place, value in enumerate(course.values(Metric.MEMORIZING)) if value == 1}
        note = "Means over layers, nats." + (" Marked: the alarm was on." if styles else "")
        columns = [Column("moment", "measured at"), Column("epoch"), *_OF_A_MEASUREMENT]
        return Table(columns, rows, notes=[note], styles=styles)

    def settings(self) -> Table:
        """Return the settings that the numbers depend on, from the newest report."""
        report = self.run.report
        assert report is not None
        settings = {**report.settings, "backend": report.backend, "version of lightning-infomem": report.version}
        rows = [
            {"setting": name.replace("_", " "), "value": str(value)}
            for name, value in settings.items()
            if value is not None
        ]
        return Table([Column("setting"), Column("value")], rows)
