"""Many checkpoints in one figure: what the measures say against what was done to the training."""

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

# Marker and dashes tell them apart without colours.
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
    """Draw mean mutual information and mean entropy of checkpoints against a level that is known of each.

    One point a checkpoint; the line joins the means of the checkpoints of each level.

    Args:
        levels: of every checkpoint, such as the share of random labels.
        entropy: mean entropy of every checkpoint, nats; NaN leaves its point out.
        mutual_information: mean mutual information of every checkpoint, nats; NaN leaves its point out.
        accuracy: on clean data, a share between 0 and 1, on a second axis of both panels; None draws none.
        level_name: label of the horizontal axis.

    Returns:
        A figure with the mutual information to the left and the entropy to the right.

    Raises:
        ValueError: no checkpoint, sequences of different lengths, or an accuracy beyond 0 and 1.
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
    """The points, the line through the mean of each level, and the handle of both for a legend."""
    at, value = np.asarray(levels, dtype=float), np.asarray(values, dtype=float)
    at, value = at[np.isfinite(value)], value[np.isfinite(value)]
    steps = np.unique(at)
    means = [value[at == step].mean() for step in steps]
    color = look["color"]
    axes.plot(steps, means, color=color, linestyle=look["linestyle"], linewidth=style.THICK)
    axes.plot(
        at,
        value,
        color=color,
        marker=look["marker"],
        linestyle="",
        markersize=style.cloud_dot_size(len(at)),
        alpha=style.SOLID,
    )
    return Line2D([], [], label=label, linewidth=style.THICK, markersize=style.MARK, **look)  # type: ignore[arg-type]


def _check(levels: Sequence[float], values: Mapping[str, Sequence[float] | None]) -> None:
    if len(levels) == 0:
        raise UsageValueError("levels: at least one checkpoint is required, got none; pass one level a checkpoint.")
    for name, sequence in values.items():
        check_one_each(sequence, len(levels), name=name, of="levels")
    accuracy = values["accuracy"]
    check_shares([] if accuracy is None else accuracy, name="accuracy")
