"""Figure of one run over its measurements: what is watched, when it memorizes, and which checkpoint to keep."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lightning_infomem._checks import check_one_each
from lightning_infomem._errors import UsageValueError
from lightning_infomem.plots import style
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.runs.alarm import PATIENCE, THRESHOLD

__all__ = ["plot_run"]

_WIDTH, _PANEL_HEIGHT, _FOOT_HEIGHT = 8.0, 1.5, 0.75  # inches
_TITLE_HEIGHT, _LINE_HEIGHT = 0.38, 0.17  # inches
_LONGEST_LINE = 100  # characters of 9 points that fit in a line in any font
# Smallest range of a panel, so that noise does not look like a drop; in other panels, a share of the highest value.
_NARROWEST_OF_ALARM, _NARROWEST_SHARE = 2 * THRESHOLD, 0.1


@dataclass(frozen=True)
class _Panel:
    """One line: its heading, values and colour, and its drop if the alarm depends on it."""

    heading: str
    values: Sequence[float]
    color: str
    drop: float | None = None  # from the highest to the last value, NaN if unknown; None if no alarm depends on it


def plot_run(
    epochs: Sequence[float],
    mutual_information: Sequence[float],
    smoothness: Sequence[float],
    judgement: Judgement,
    *,
    memorizing: Sequence[bool],
    steps: Sequence[float] | None = None,
    metric: Sequence[float] | None = None,
    metric_name: str = "metric",
) -> Figure:
    """Draw what is watched along one run, when the alarm was on, and the checkpoint to keep.

    Do not compare two runs by eye: the axes follow the data.

    Args:
        epochs: Epoch of each measurement, oldest first; at least one.
        mutual_information: Mean over pairs and layers at each measurement, in nats. Here and below, NaN leaves a gap.
        smoothness: Mean of `prediction_smoothness` over layers at each measurement.
        judgement: Judgement of the run at its last measurement, see `judge`. If it covers fewer moments than there are
            measurements, they are the last ones.
        memorizing: Whether the run was judged to memorize at each measurement. The judgement replaces the last one.
        steps: Step of each measurement, drawn instead of epochs that are fractional or occur twice.
        metric: Any other metric at each measurement, such as an accuracy on labels, drawn in a separate panel.
        metric_name: Heading of that panel.

    Returns:
        A figure without a window or pyplot state, with up to four panels, one above the other. Panels of predictions
        are left out if no prediction is known. The alarm depends on two lines; a dotted line lies `THRESHOLD` below the
        highest value of each. The alarm goes on when both are below at `PATIENCE` measurements in a row. These and all
        later ones are shaded until it goes off. While it is on, a dashed line marks the checkpoint to keep. The title
        gives the verdict; without one, the reason is below.

        The dotted lines, and the agreement with the consensus, are those of the last measurement. They differed
        slightly at earlier alarms.

    Raises:
        ValueError: There is no measurement, or sequences differ in length.

    Cost:
        About 0.3 s to draw and save, whatever the number of measurements.
    """
    given = {"mutual_information": mutual_information, "smoothness": smoothness, "memorizing": memorizing}
    _check(epochs, {**given, "steps": steps, "metric": metric}, judgement)
    unit, places = _axis(epochs, steps)
    alarms = _alarms([*map(bool, memorizing[:-1]), judgement.is_memorizing])
    unknown = len(epochs) - len(judgement.agreement)
    kept = places[unknown + judgement.kept] if judgement.is_memorizing else None
    panels = [_Panel("mean mutual information of pairs of hidden units (nats)", mutual_information, style.INFORMATION)]
    agreement = [*[math.nan] * unknown, *judgement.agreement]
    if any(map(math.isfinite, [*smoothness, *agreement])):
        heading = "smoothness: how similar the predictions of neighbours in a layer are"
        panels.append(_Panel(heading, smoothness, style.SMOOTHNESS, judgement.smoothness_drop))
        heading = "consensus: share of inputs with their most frequent prediction in this run"
        panels.append(_Panel(heading, agreement, style.AGREEMENT, judgement.consensus_drop))
    if metric is not None:
        panels.append(_Panel(textwrap.fill(metric_name, _LONGEST_LINE), metric, style.METRIC))

    reason = textwrap.wrap(judgement.abstention or "", _LONGEST_LINE)
    head = _TITLE_HEIGHT + _LINE_HEIGHT * len(reason) + 0.1
    height = head + _PANEL_HEIGHT * len(panels) + _FOOT_HEIGHT
    figure = Figure(figsize=(_WIDTH, height), layout=ConstrainedLayoutEngine(rect=(0, 0, 1, 1 - head / height)))
    start = None if kept is None else places[alarms[-1][0]]
    title = _title(judgement, start, kept, unit, was_alarmed=bool(alarms))
    left, below_title = 0.1 / _WIDTH, 1 - _TITLE_HEIGHT / height
    figure.suptitle(title, x=left, y=1 - 0.1 / height, ha="left", va="top", fontsize=style.TITLE)
    text = figure.text(left, below_title, "\n".join(reason), va="top", fontsize=style.NOTE, parse_math=False)
    text.set_color(style.DARK)
    rows = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, panel in zip(rows, panels, strict=True):
        _draw(axes, places, panel)
        for first, last in alarms:
            axes.axvspan(places[first], places[last], color=style.ALARM, alpha=style.SHADED, linewidth=0, zorder=0)
        if kept is not None:
            axes.axvline(kept, color=style.BLACK, linestyle="--", linewidth=style.THIN, zorder=1.5)
    if kept is not None:
        _label_kept(rows[0], kept, f"kept: {_name(unit, kept)}")
    rows[-1].set_xlabel(unit, fontsize=style.LABEL)
    style.set_whole_ticks(rows[-1].xaxis, 8)
    handles = _legend(panels, is_alarmed=bool(alarms))
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize=style.NOTE)
    return figure


def _draw(axes: Axes, places: Sequence[float], panel: _Panel) -> None:
    # Markers of many measurements are no wider than the line; they show a single value between two gaps.
    values = np.array(panel.values, dtype=np.float64)
    values[~np.isfinite(values)] = np.nan  # infinite values leave gaps, too
    axes.plot(places, values, "o-", color=panel.color, linewidth=style.LINE, markersize=style.dot_size(len(places)))
    axes.set_title(panel.heading, fontsize=style.TEXT, loc="left", color=panel.color, parse_math=False)
    style.frame(axes, labels=style.NOTE)
    shown = values[np.isfinite(values)]
    if not len(shown):
        axes.text(0.5, 0.5, "unknown", transform=axes.transAxes, ha="center", va="center", color=style.MIDDLE)
        axes.set_yticks([])
        return
    level = _level(panel)
    if math.isfinite(level):
        axes.axhline(level, color=style.LEVEL, linestyle=":", linewidth=style.THIN, zorder=1)
        shown = np.append(shown, level)
    low, high = shown.min(), shown.max()
    is_free = panel.drop is None
    narrowest = (_NARROWEST_SHARE * max(abs(low), abs(high)) or 1.0) if is_free else _NARROWEST_OF_ALARM
    around = max(0.0, narrowest - (high - low)) / 2
    margin = 0.06 * max(high - low, narrowest)
    axes.set_ylim(low - around - margin, high + around + margin)
    style.set_round_ticks(axes.yaxis, 5)


def _level(panel: _Panel) -> float:
    """Return the level below which the last value would count towards an alarm; NaN if there is none."""
    return math.nan if panel.drop is None else panel.values[-1] + panel.drop - THRESHOLD


def _label_kept(axes: Axes, kept: float, label: str) -> None:
    """Place the label beside the line at the top of the panel, and make room for it."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.2 * (high - low))
    left, right = axes.get_xlim()
    is_right = kept > (left + right) / 2
    axes.annotate(
        label, (kept, 1.0), xycoords=("data", "axes fraction"), xytext=(-5 if is_right else 5, -1),
        textcoords="offset points", ha="right" if is_right else "left", va="top", fontsize=style.TEXT,
    )  # fmt: skip


def _legend(panels: Sequence[_Panel], *, is_alarmed: bool) -> list[Line2D | Patch]:
    """Return handles only for what is in the figure and needs an explanation."""
    handles: list[Line2D | Patch] = []
    if any(math.isfinite(_level(panel)) for panel in panels):
        label = f"current alarm level: both lines {THRESHOLD} below their peaks, {PATIENCE} times in a row"
        handles.append(Line2D([], [], color=style.LEVEL, linestyle=":", linewidth=style.THIN, label=label))
    if is_alarmed:
        handles.append(Patch(color=style.ALARM, alpha=style.SHADED, linewidth=0, label="alarm is on"))
    return handles


def _axis(epochs: Sequence[float], steps: Sequence[float] | None) -> tuple[str, list[float]]:
    are_epochs = len(set(epochs)) == len(epochs) and all(float(epoch).is_integer() for epoch in epochs)
    if steps is None or are_epochs:
        return "epoch", list(epochs)
    return "step", list(steps)


def _alarms(memorizing: Sequence[bool]) -> list[tuple[int, int]]:
    """Return the first and last index of every alarm, each from the first of the measurements that caused it."""
    stretches: list[tuple[int, int]] = []
    for index, is_on in enumerate(memorizing):
        if not is_on:
            continue
        first = max(index - PATIENCE + 1, 0)
        if stretches and first <= stretches[-1][1]:
            first = stretches.pop()[0]
        stretches.append((first, index))
    return stretches


def _title(judgement: Judgement, start: float | None, kept: float | None, unit: str, *, was_alarmed: bool) -> str:
    if judgement.abstention is not None:
        return "memorization: no verdict"
    if start is not None and kept is not None:
        return f"memorizes from {_name(unit, start)} on: keep the checkpoint of {_name(unit, kept)}"
    return "no longer any sign of memorization" if was_alarmed else "no sign of memorization"


def _name(unit: str, place: float) -> str:
    return f"{unit} {place:,.0f}" if float(place).is_integer() else f"{unit} {place:,.2f}"


def _check(epochs: Sequence[float], values: Mapping[str, Sequence[float] | None], judgement: Judgement) -> None:
    if len(epochs) == 0:
        raise UsageValueError("epochs: at least one measurement is required, got none; measure first.")
    for name, sequence in values.items():
        check_one_each(sequence, len(epochs), name=name, of="epochs")
    if len(judgement.agreement) > len(epochs):
        raise UsageValueError(
            f"judgement: at most {len(epochs)} moments, one per epoch, are required, got {len(judgement.agreement)}; "
            "judge the moments that are drawn."
        )
