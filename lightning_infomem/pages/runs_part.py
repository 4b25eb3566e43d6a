"""A comparison of several runs as part of a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lightning_infomem.pages.drawing import Drawing
from lightning_infomem.pages.run_part import MEASURES
from lightning_infomem.records.table import Column, Table
from lightning_infomem.runs.recorded_runs import RecordedRun

__all__ = ["RunsPart"]

_MOST_DRAWN = 3  # with more runs, single runs have no figures


@dataclass(frozen=True)
class RunsPart:
    """The values that the template shows of several runs together."""

    runs: Sequence[RecordedRun]
    names: Sequence[str]

    @property
    def are_drawn_each(self) -> bool:
        """Whether each run is drawn separately, too."""
        return len(self.runs) <= _MOST_DRAWN

    def table(self) -> Table:
        """Return the last measurement of each run; runs with the alarm on are marked."""
        rows = [
            {
                "run": name,
                "measured": len(run.course.steps),
                "epoch": int(run.last.epoch),
                **{column.name: run.course.last(column.name) for column in MEASURES},
                "alarm": run.state[0],
            }
            for run, name in zip(self.runs, self.names, strict=True)
        ]
        note = "Last measurement of each run; means over layers, nats. Compare runs with the same settings and inputs."
        is_on = [run.last.is_memorizing for run in self.runs]
        columns = [Column("run"), Column("measured"), Column("epoch", "last epoch"), *MEASURES, Column("alarm")]
        return Table(columns, rows, notes=[note], styles={place: "yellow" for place, on in enumerate(is_on) if on})

    def figures(self) -> Iterator[Drawing]:
        """Draw the courses of the runs, and their newest reports."""
        from lightning_infomem.plots import plot_comparison, plot_runs  # late, because it imports matplotlib

        if any(len(run.course.steps) > 1 for run in self.runs):
            courses = [run.course.layer_courses() for run in self.runs]
            if len({each.unit for each in courses}) > 1:
                courses = [run.course.layer_courses(by_step=True) for run in self.runs]
            yield Drawing.of(plot_runs(courses, self.names), "Means over the layers along each run")
        known = [(run.report, name) for run, name in zip(self.runs, self.names, strict=True) if run.report]
        drawn = [(report, name) for report, name in known if report.layers]
        if len(drawn) > 1:
            reports, names = zip(*drawn, strict=True)
            yield Drawing.of(plot_comparison(reports, names), "Entropy of units and mutual information of their pairs")
