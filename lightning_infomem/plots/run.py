"""One run over its measurements as a figure: what is watched, whether it memorizes, and the moment to keep."""

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
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from lightning_infomem._checks import check_one_each
from lightning_infomem._errors import UsageValueError
from lightning_infomem.plots import style
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.runs.alarm import PATIENCE, THRESHOLD

__all__ = ["plot_run"]

_WIDTH, _PANEL_HEIGHT, _FOOT_HEIGHT = 8.0, 1.5, 0.75  # inches
_TITLE_HEIGHT, _LINE_HEIGHT = 0.38, 0.17  # inches
_LONGEST_LINE = 100  # characters of 9 points that fit beside one another, whatever the font
# A panel shows no less than this, else noise would fill it like a fall; the other panels, as a share of the highest.
_NARROWEST_OF_ALARM, _NARROWEST_SHARE = 2 * THRESHOLD, 0.1


@dataclass(frozen=True)
class _Panel:
    """One line: its values, and by how much it must have fallen for an alarm."""

    heading: str
    values: Sequence[float]
    color: str
    drop: float | None = None  # of the last value from the highest, if the alarm waits for that; NaN where not known


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
    """Draw what is watched along one run, where the alarm was on, and the moment to keep.

    Not for comparing two runs by eye: the axes follow the data.

    Args:
        epochs: of every measurement, oldest first; at least one.
        mutual_information: mean over pairs and layers at each, nats; NaN leaves a gap here and below.
        smoothness: mean of `prediction_smoothness` over layers at each.
        judgement: of the run at its last measurement, see `judge`. Where it knows fewer moments than there are
            measurements, they are the last ones.
        memorizing: whether the run memorized at each, as was told then; the last one is that of the judgement.
        steps: likewise; drawn in place of epochs that are not whole or come twice.
        metric: any value of the user's at each, such as an accuracy on labels, in a panel of its own.
        metric_name: heads that panel.

    Returns:
        A figure that belongs to no window and no pyplot state, of up to four panels above one another. Panels of
        predictions are left out where no prediction is known. A dotted line lies `THRESHOLD` below the highest value
        of each of the two lines that the alarm waits for: it is on when both were below at `PATIENCE` measurements in
        a row. Those and all that follow are shaded until it is off again. While it is on, a dashed line marks the
        moment to keep. The title says what the run has come to; an abstention gives its reason below.

        The dotted lines, and the agreement with the consensus, are those of the last measurement: what an earlier
        alarm went by was somewhat different.

    Raises:
        ValueError: no measurement, or sequences of different lengths.

    Cost:
        About 0.3 s to draw and save, however many measurements there are.
    """
    given = {"mutual_information": mutual_information, "smoothness": smoothness, "memorizing": memorizing}
    _check(epochs, {**given, "steps": steps, "metric": metric}, judgement)
    unit, places = _axis(epochs, steps)
    alarms = _alarms([*map(bool, memorizing[:-1]), judgement.is_memorizing])
    unknown = len(epochs) - len(judgement.agreement)
    kept = places[unknown + judgement.kept] if judgement.is_memorizing else None
    panels = [_Panel("mutual information of pairs of hidden units, mean (nats)", mutual_information, style.INFORMATION)]
    agreement = [*[math.nan] * unknown, *judgement.agreement]
    if any(map(math.isfinite, [*smoothness, *agreement])):
        words = "smoothness: how alike neighbours in a layer are predicted"
        panels.append(_Panel(words, smoothness, style.SMOOTHNESS, judgement.smoothness_drop))
        words = "consensus: share of inputs predicted as at most moments of this run"
        panels.append(_Panel(words, agreement, style.AGREEMENT, judgement.consensus_drop))
    if metric is not None:
        panels.append(_Panel(textwrap.fill(metric_name, _LONGEST_LINE), metric, style.METRIC))

    reason = textwrap.wrap(judgement.abstention or "", _LONGEST_LINE)
    head = _TITLE_HEIGHT + _LINE_HEIGHT * len(reason) + 0.1
    height = head + _PANEL_HEIGHT * len(panels) + _FOOT_HEIGHT
    figure = Figure(figsize=(_WIDTH, height), layout=ConstrainedLayoutEngine(rect=(0, 0, 1, 1 - head / height)))
    title = _title(judgement, alarms, kept, unit, places)
    left = 0.1 / _WIDTH
    figure.suptitle(title, x=left, y=1 - 0.1 / height, ha="left", va="top", fontsize=style.TITLE)
    figure.text(
        left,
        1 - _TITLE_HEIGHT / height,
        "\n".join(reason),
        va="top",
        fontsize=style.NOTE,
        color=style.DARK,
        parse_math=False,
    )
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
    rows[-1].xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    rows[-1].xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    handles = _legend(panels, is_alarmed=bool(alarms))
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize=style.NOTE)
    return figure


def _draw(axes: Axes, places: Sequence[float], panel: _Panel) -> None:
    # Of many measurements the marker is no wider than the line: only one between two gaps is seen by it.
    values = np.array(panel.values, dtype=np.float64)
    values[~np.isfinite(values)] = np.nan  # a gap
    axes.plot(places, values, "o-", color=panel.color, linewidth=style.LINE, markersize=style.dot_size(len(places)))
    axes.set_title(panel.heading, fontsize=style.TEXT, loc="left", color=panel.color, parse_math=False)
    style.frame(axes, labels=style.NOTE)
    shown = values[np.isfinite(values)]
    if not len(shown):
        axes.text(0.5, 0.5, "not known", transform=axes.transAxes, ha="center", va="center", color=style.MIDDLE)
        axes.set_yticks([])
        return
    level = _level(panel)
    if math.isfinite(level):
        axes.axhline(level, color=style.LEVEL, linestyle=":", linewidth=style.THIN, zorder=1)
        shown = np.append(shown, level)
    low, high = shown.min(), shown.max()
    narrowest = _NARROWEST_SHARE * max(abs(low), abs(high)) or 1.0
    if panel.drop is not None:
        narrowest = _NARROWEST_OF_ALARM
    around = max(0.0, narrowest - (high - low)) / 2
    margin = 0.06 * max(high - low, narrowest)
    axes.set_ylim(low - around - margin, high + around + margin)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))


def _level(panel: _Panel) -> float:
    """Below it the last value would be low enough for an alarm."""
    return math.nan if panel.drop is None else panel.values[-1] + panel.drop - THRESHOLD


def _label_kept(axes: Axes, kept: float, label: str) -> None:
    """Beside the line, at the top of the panel, where room is made for it."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.2 * (high - low))
    left, right = axes.get_xlim()
    is_right = kept > (left + right) / 2
    axes.annotate(
        label, (kept, 1.0), xycoords=("data", "axes fraction"), xytext=(-5 if is_right else 5, -1),
        textcoords="offset points", ha="right" if is_right else "left", va="top", fontsize=style.TEXT,
    )  # fmt: skip


def _legend(panels: Sequence[_Panel], *, is_alarmed: bool) -> list[Line2D | Patch]:
    """Only what is in the figure and does not explain itself."""
    handles: list[Line2D | Patch] = []
    if any(math.isfinite(_level(panel)) for panel in panels):
        label = f"alarm level now: both lines {THRESHOLD} below their highest, {PATIENCE} times in a row"
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
    """First and last index of every stretch with the alarm on, each from the first of the moments that it rests on."""
    stretches: list[tuple[int, int]] = []
    for index, is_on in enumerate(memorizing):
        if not is_on:
            continue
        first = max(index - PATIENCE + 1, 0)
        if stretches and first <= stretches[-1][1]:
            first = stretches.pop()[0]
        stretches.append((first, index))
    return stretches


def _title(
    judgement: Judgement,
    alarms: Sequence[tuple[int, int]],
    kept: float | None,
    unit: str,
    places: Sequence[float],
) -> str:
    if judgement.abstention is not None:
        return "memorization: nothing can be told"
    if kept is not None:
        return f"memorizes from {_name(unit, places[alarms[-1][0]])} on: keep the checkpoint of {_name(unit, kept)}"
    return "no sign of memorization any more" if alarms else "no sign of memorization"


def _name(unit: str, place: float) -> str:
    return f"{unit} {place:,.0f}" if float(place).is_integer() else f"{unit} {place:,.2f}"


def _check(epochs: Sequence[float], values: Mapping[str, Sequence[float] | None], judgement: Judgement) -> None:
    if len(epochs) == 0:
        raise UsageValueError("epochs: at least one measurement is required, got none; measure first.")
    for name, sequence in values.items():
        check_one_each(sequence, len(epochs), name=name, of="epochs")
    if len(judgement.agreement) > len(epochs):
        raise UsageValueError(
            f"judgement: at most {len(epochs)} moments, one an epoch, are required, got {len(judgement.agreement)}; "
            "judge the moments that are drawn."
        )
