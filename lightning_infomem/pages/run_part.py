"""One run as parts of a page."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path

from lightning_infomem.pages.elements import UNKNOWN, figure, items, number, section, table
from lightning_infomem.pages.ranking_part import tell_doubts
from lightning_infomem.records.flag import Flag
from lightning_infomem.records.metric_names import Metric, logged_name
from lightning_infomem.records.report import InformationReport, LayerInformation
from lightning_infomem.runs.recorded_runs import RecordedRun
from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.doubts import doubts_of_candidates

__all__ = ["draw_run", "tell_run", "verdict_on_run"]

# Head of a column -> measure over all layers, form of its numbers.
_OF_A_MEASUREMENT: Mapping[str, tuple[str, str]] = {
    "entropy": (Metric.ENTROPY_MEAN, ".4f"),
    "MI": (Metric.MI_MEAN, ".4f"),
    "MI drop": (Metric.MI_DROP, ".0%"),
    "smoothness": (Metric.SMOOTHNESS, ".3f"),
    "smoothness drop": (Metric.SMOOTHNESS_DROP, ".3f"),
    "consensus drop": (Metric.CONSENSUS_DROP, ".3f"),
    "seconds": (Metric.SECONDS, ".2f"),
}
_OF_A_LAYER: Mapping[str, tuple[str, str]] = {
    "entropy": (Metric.ENTROPY_MEAN, ".4f"),
    "MI": (Metric.MI_MEAN, ".4f"),
    "MI drop": (Metric.MI_DROP, ".0%"),
    "smoothness": (Metric.SMOOTHNESS, ".3f"),
    "dead": (Metric.DEAD_FRACTION, ".0%"),
    "ties": (Metric.TIE_FRACTION, ".0%"),
}
_MOST_OPEN = 25  # lines of a table that is shown at once


def verdict_on_run(run: RecordedRun) -> list[str]:
    """What comes first: whether it memorizes, and the doubts."""
    first, *others = run.state
    refused = " refused" if first.startswith(("cannot", "too early")) else ""
    more = "".join(f'<p class="pale">{escape(line)}</p>' for line in others)
    return [f'<div class="verdict{refused}"><p>{escape(first)}</p>{more}</div>', tell_doubts(_doubts(run))]


def draw_run(run: RecordedRun) -> list[str]:
    """The figures of it."""
    from lightning_infomem.plots import (
        plot_epochs_map,
        plot_information_map,
        plot_layers,
        plot_plane,
        plot_run,
    )
    from lightning_infomem.records.descriptions import describe_settings

    report = run.report if run.report is not None and run.report.layers else None
    words = "" if report is None else describe_settings([report])
    courses, parts = run.course.layer_courses(words), []
    judgement = run.judgement
    if judgement is not None:
        information, smoothness, alarm = map(run.course.values, (Metric.MI_MEAN, Metric.SMOOTHNESS, Metric.MEMORIZING))
        memorizing, steps = [value == 1 for value in alarm], run.course.steps
        drawn = plot_run(run.course.epochs, information, smoothness, judgement, memorizing=memorizing, steps=steps)
        parts.append(figure(drawn, "The run: what is watched, and where the alarm was on"))
    if len(courses.moments) > 1:
        parts.append(figure(plot_epochs_map(courses), "Means of every layer at every measurement"))
        parts.append(figure(plot_plane(courses), "The way of every layer in the plane of both measures"))
    if report is not None:
        parts.append(
            figure(plot_layers(report), "Entropy of units and mutual information of their pairs, newest report")
        )
        description = "Mutual information of all pairs of units, like beside like, newest report"
        parts.append(figure(plot_information_map(report), description))
    return parts


def tell_run(run: RecordedRun, level: int = 2) -> list[str]:
    """All that the verdict rests on: tables of layers and measurements, the settings.

    Args:
        run: what its files tell.
        level: of the headings.
    """
    measurements = _measurements(run)
    if (count := len(run.course.steps)) > _MOST_OPEN:
        measurements = f"<details><summary>all {count} measurements</summary>{measurements}</details>"
    return [
        *section("Layers", [_layers(run)], level),
        *section("Measurements", [measurements], level),
        *section("Settings", [_settings(run.report)], level),
        *section("Not read", [items(map(escape, run.faults))] if run.faults else [], level),
    ]


def _doubts(run: RecordedRun) -> list[Flag]:
    if run.report is None:
        return []
    skipped = [Flag("skipped", f"layer '{name}' was not measured: {why}") for name, why in run.report.skipped.items()]
    candidate = Candidate.from_report(Path(run.place.name), run.report)
    if not candidate.layers:
        words = "no layer has a finite entropy and mutual information; has its training diverged?"
        return [*skipped, Flag("not_finite", words)]
    lost = [layer.name for layer in run.report.layers if layer.name not in candidate.layers]
    not_finite = [Flag("not_finite", f"layer '{name}': no finite entropy or mutual information") for name in lost]
    return [*skipped, *not_finite, *doubts_of_candidates([candidate], list(candidate.layers), None)]


def _layers(run: RecordedRun) -> str:
    """A line a layer, by the last measurement."""
    of_report: dict[str, LayerInformation] = {}
    if run.report is not None:
        of_report = {logged_name(layer.name): layer for layer in run.report.layers}
    lines = []
    for name in run.course.layers:
        layer = of_report.get(name)
        line = [name, *([UNKNOWN] * 2 if layer is None else [_of(len(layer.units), layer.width), _samples(layer)])]
        lines.append([*line, *(number(run.course.last(key, name), form) for key, form in _OF_A_LAYER.values())])
    note = (
        "By the last measurement, nats. MI drop: how far mutual information is below its highest value in this run. "
        "Dead: constant units. Ties: samples whose value another has, too."
    )
    told = table(["layer", "units", "samples", *_OF_A_LAYER], lines, text={"layer"})
    return f'{told}<p class="pale">{note}</p>'


def _of(count: int, whole: int) -> str:
    return str(count) if count == whole else f"{count} of {whole}"


def _samples(layer: LayerInformation) -> str:
    return f"{layer.num_samples}" if not layer.num_dropped else f"{layer.num_samples}, {layer.num_dropped} dropped"


def _measurements(run: RecordedRun) -> str:
    """A line a measurement, those at which the run memorized marked."""
    columns = [[number(value, form) for value in run.course.values(key)] for key, form in _OF_A_MEASUREMENT.values()]
    moments = zip(run.course.steps, run.course.epochs, *columns, strict=True)
    lines = [[f"step {step}", str(int(epoch)), *cells] for step, epoch, *cells in moments]
    classes = ["doubtful" if value == 1 else "" for value in run.course.values(Metric.MEMORIZING)]
    told = table(["measured at", "epoch", *_OF_A_MEASUREMENT], lines, classes, text={"measured at"})
    note = "Means over layers, nats." + (" Marked: the alarm was on." if any(classes) else "")
    return f'{told}<p class="pale">{note}</p>'


def _settings(report: InformationReport | None) -> str:
    """What the numbers hang on."""
    if report is None:
        return '<p class="pale">The run file does not hold them, checkpoints do: give the folder with both.</p>'
    told = {**report.settings, "backend": report.backend, "version of lightning-infomem": report.version}
    lines = [[name.replace("_", " "), str(value)] for name, value in told.items() if value is not None]
    return table(["setting", "value"], lines, text={"setting", "value"})
