"""Figure of both measures of many checkpoints against a level of their training, such as random labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lightning_infomem._checks import check_one_each, check_shares
from lightning_infomem._errors import UsageValueError
from lightning_infomem.plots import style

__all__ = ["plot_zoo"]

# Markers and dashes distinguish them without colours.
_MEASURE = {"color": style.BLUE, "marker": "o", "linestyle": "-"}
_ACCURACY = {"color": style.ACCURACY, "marker": "s", "linestyle": "--"}


def plot_zoo(
    levels: Sequence[float],
    entropy: Sequence[float],
    mutual_information: Sequence[float],
    accuracy: Sequence[float] | None,
    *,
    level_name: str,
) -> Figure:
    """Draw mean mutual information and mean entropy of checkpoints against a known level.

    Each point is a checkpoint; the line joins the mean of each level.

    Args:
        levels: Level of each checkpoint, such as the share of random labels.
        entropy: Mean entropy of each checkpoint in nats; NaN draws no point.
        mutual_information: Mean mutual information of each checkpoint in nats; NaN draws no point.
        accuracy: Accuracy of each checkpoint on clean data, between 0 and 1, drawn on a second axis of both panels.
            None draws no accuracy.
        level_name: Label of the horizontal axis.

    Returns:
        A figure without a window or pyplot state. Left: mutual information; right: entropy.

    Raises:
        ValueError: There is no checkpoint, sequences differ in length, or an accuracy is not between 0 and 1.
    """
    _check(levels, {"entropy": entropy, "mutual_information": mutual_information, "accuracy": accuracy})
    figure = Figure(figsize=(10, 4), layout="constrained")
    panels = figure.subplots(1, 2)
    names = ("mean mutual information", "mean entropy")
    for axes, name, values in zip(panels, names, (mutual_information, entropy), strict=True):
        handles = [_draw(axes, levels, values, name, _MEASURE)]
        axes.set_xlabel(level_name, fontsize=style.HEADING)
        axes.set_ylabel(f"{name} (nats)", fontsize=style.HEADING, color=_MEASURE["color"])
        style.frame(axes)
        if accuracy is not None:
            twin = axes.twinx()
            handles.append(_draw(twin, levels, accuracy, "accuracy on clean data", _ACCURACY))
            twin.set_ylim(-0.03, 1.03)
            twin.set_ylabel("accuracy on clean data (share)", fontsize=style.HEADING, color=_ACCURACY["color"])
            twin.tick_params(labelsize=style.LABEL)
            twin.spines["top"].set_visible(False)
            axes.legend(
                handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, handlelength=2.4,
                columnspacing=1.2, frameon=False, fontsize=style.LABEL,
            )  # fmt: skip
    return figure


def _draw(axes: Axes, levels: Sequence[float], values: Sequence[float], label: str, look: Mapping[str, str]) -> Line2D:
    """Draw the points and the line through the mean of each level; return the handle of both for a legend."""
    at, value = np.asarray(levels, dtype=float), np.asarray(values, dtype=float)
    at, value = at[np.isfinite(value)], value[np.isfinite(value)]
    steps = np.unique(at)
    means = [value[at == step].mean() for step in steps]
    axes.plot(steps, means, **{**look, "marker": ""}, linewidth=style.THICK)  # type: ignore[arg-type]
    size = style.cloud_dot_size(len(at))
    axes.plot(at, value, **{**look, "linestyle": ""}, markersize=size, alpha=style.SOLID)  # type: ignore[arg-type]
    return Line2D([], [], label=label, linewidth=style.THICK, markersize=style.MARK, **look)  # type: ignore[arg-type]


def _check(levels: Sequence[float], values: Mapping[str, Sequence[float] | None]) -> None:
    if len(levels) == 0:
        raise UsageValueError("levels: at least one checkpoint is required, got none; pass one level for each.")
    for name, sequence in values.items():
        check_one_each(sequence, len(levels), name=name, of="levels")
    accuracy = values["accuracy"]
    check_shares([] if accuracy is None else accuracy, name="accuracy")
