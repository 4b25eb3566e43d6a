"""Figure of what models have learned from tasks: bits, accuracy and confidence, with intervals over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lightning_infomem._checks import check_levels
from lightning_infomem._errors import UsageValueError
from lightning_infomem.plots import style
from lightning_infomem.plots.names import shorten_name

if TYPE_CHECKING:
    from lightning_infomem.model_information.task_difficulty import TaskDifficulty

__all__ = ["describe_seeds", "draw_intervals", "plot_task_difficulty"]

_PANELS = (("bits", "information learned (bits)"), ("accuracy", "accuracy (share)"), ("confidence", "confidence"))
_MOST_UPRIGHT = 32  # characters of all task names together, below one panel
# Offset between series, so that intervals do not overlap: share of the range of levels, and of the distance of names.
_DODGE, _DODGE_NAMES = 0.012, 0.12


def plot_task_difficulty(
    results: TaskDifficulty | Mapping[str, TaskDifficulty],
    *,
    levels: Sequence[float] | None = None,
    level_name: str = "noise ratio",
) -> Figure:
    """Draw the bits learned from tasks, with the accuracy and confidence on held-out samples.

    Do not judge from overlapping intervals whether two tasks differ: their runs share seeds, so that a difference may
    be more certain than the intervals suggest.

    Args:
        results: Result of `task_difficulty`; or name -> result, at most 7, with the same number of tasks in the same
            order. Each result is one line.
        levels: Horizontal position of each task, such as its noise ratio; finite. By default, tasks are placed side by
            side and named as in the first result.
        level_name: Label of the horizontal axis; used with ``levels``.

    Returns:
        A figure without a window or pyplot state: one panel per known quantity and one point per task, the mean over
        seeds with its 95 % interval by Student's t (no interval for a single seed). With ``levels``, lines join the
        tasks. Non-finite values are left out.

    Raises:
        ValueError: There are no results or more than 7, or the numbers of tasks or levels differ.
    """
    series = dict(results) if isinstance(results, Mapping) else {"": results}
    if not 0 < len(series) <= len(style.SERIES):
        raise UsageValueError(
            f"results: one to {len(style.SERIES)} are required, got {len(series)}; split them into several figures."
        )
    records = {name: result.to_records() for name, result in series.items()}
    first = next(iter(records.values()))
    for name, rows in records.items():
        if len(rows) != len(first):
            raise UsageValueError(
                f"results: {len(first)} tasks in each, as in the first, are required, got {len(rows)} in {name!r}; "
                "leave out tasks that other results lack."
            )
    check_levels(levels, len(first), of="tasks")
    places = np.arange(len(first), dtype=float) if levels is None else np.array(levels, dtype=float)
    step = _DODGE_NAMES if levels is None else _DODGE * (float(np.ptp(places)) or 1.0)
    # Published results lack some of the quantities.
    panels = [
        (column, label)
        for column, label in _PANELS
        if column == "bits" or any(np.isfinite(row[column]) for rows in records.values() for row in rows)
    ]
    figure = Figure(figsize=(11 * len(panels) / 3 + (3 - len(panels)) / 2, 3.9), layout="constrained")
    for axes, (column, label) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for place, (name, rows) in enumerate(records.items()):
            moved = places + (place - (len(records) - 1) / 2) * step
            line = "" if levels is None else "-"
            draw_intervals(axes, moved, rows, column, place, line=line, label=name)
        _finish(axes, label)
        if levels is None:
            _name_tasks(axes, [str(row["task"]) for row in first])
        else:
            axes.set_xlabel(level_name, fontsize=style.LABEL, parse_math=False)
    if len(records) > 1:
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=len(records), frameon=False, fontsize=style.LABEL
        )
    figure.suptitle(f"what was learned of tasks · {describe_seeds(first)}", fontsize=style.HEADING, parse_math=False)
    return figure


def describe_seeds(rows: Sequence[Mapping[str, Any]]) -> str:
    """Describe what the points and intervals show."""
    seeds = rows[0]["seeds"]
    return f"means over seeds {seeds}, 95 % intervals" if "," in seeds else f"seed {seeds}"


def draw_intervals(
    axes: Axes,
    places: Any,
    rows: Sequence[Mapping[str, Any]],
    column: str,
    color: int,
    *,
    line: str = "-",
    label: str = "",
) -> None:
    """Draw points with intervals from records that have a column and its ``_spread``.

    Args:
        axes: Axes to draw on.
        places: Horizontal positions, float64 ``[rows]``.
        rows: Records to draw.
        column: Name of the column with the values.
        color: Index of colour and marker.
        line: Style of the line that joins the points.
        label: Name in the legend.
    """
    values = np.array([row[column] for row in rows], dtype=float)
    spreads = np.array([row[f"{column}_spread"] for row in rows], dtype=float)
    known = np.isfinite(values)
    spreads = np.where(np.isfinite(spreads), spreads, 0.0)
    color %= len(style.SERIES)
    look: dict[str, Any] = {
        "color": style.SERIES[color],
        "marker": style.SERIES_MARKERS[color],
        "linestyle": line,
        "label": label,
    }
    axes.errorbar(
        np.asarray(places)[known],
        values[known],
        spreads[known],
        markersize=style.DOT,
        linewidth=style.MEDIUM,
        elinewidth=style.FINE,
        capsize=3,
        markeredgecolor=style.WHITE,
        **look,
    )


def _finish(axes: Axes, label: str) -> None:
    axes.set_title(label, fontsize=style.LABEL, loc="left")
    style.frame(axes, labels=style.TEXT)


def _name_tasks(axes: Axes, names: Sequence[str]) -> None:
    shortened = [shorten_name(name) for name in names]
    upright = sum(map(len, shortened)) <= _MOST_UPRIGHT
    axes.set_xticks(
        range(len(names)), shortened, parse_math=False,
        rotation=0 if upright else 35, ha="center" if upright else "right", rotation_mode="anchor",
    )  # fmt: skip
    axes.set_xlim(-0.6, len(names) - 0.4)
