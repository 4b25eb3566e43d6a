"""Figure of information capacity against the number of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from lightning_infomem._errors import UsageValueError
from lightning_infomem.model_information.plots.plot_task_difficulty import describe_seeds, draw_intervals
from lightning_infomem.plots import style
from lightning_infomem.plots.names import name_round_numbers, shorten_name

if TYPE_CHECKING:
    from lightning_infomem.model_information.information_capacity import InformationCapacity

__all__ = ["plot_information_capacity"]

_STYLES = ("--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))  # of the grey tasks; styles repeat after four
_LONGEST_NAME = 16  # characters; several names stand side by side


def plot_information_capacity(result: InformationCapacity) -> Figure:
    """Draw the capacity of models, and their bits per parameter, against the number of parameters.

    Do not mix different kinds of models: the line joins models in the order of their number of parameters.

    Args:
        result: Result of `information_capacity`.

    Returns:
        A figure without a window or pyplot state. Left: the capacity of each model, with its name and the 95 % interval
        over seeds of the task that gave it; with several tasks, the mean of each in grey. Right: bits per parameter.
        Parameters and bits per parameter have logarithmic axes. Non-finite values are left out, on the right
        non-positive ones too.

    Raises:
        ValueError: There is no model.
    """
    rows = sorted(result.to_records(), key=lambda row: int(row["parameters"]))
    if not rows:
        raise UsageValueError("result: at least one model is required, got none; measure first.")
    counts = np.array([row["parameters"] for row in rows], dtype=float)
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    tasks = next(iter(result.learned.values())).tasks
    for place, task in enumerate(tasks if len(tasks) > 1 else ()):
        bits = [result.bits(str(row["model"]))[task] for row in rows]
        look = {"linestyle": _STYLES[place % len(_STYLES)], "color": style.MIDDLE, "linewidth": style.DASHED}
        left.plot(counts, bits, label=shorten_name(task), zorder=1, **look)
    draw_intervals(left, counts, rows, "capacity", 0, label="capacity")
    positive = np.array([row["bits_per_parameter"] > 0 for row in rows])
    held = [row for row, keep in zip(rows, positive, strict=True) if keep]
    draw_intervals(right, counts[positive], held, "bits_per_parameter", 1)
    left.set_title("capacity (bits)", fontsize=style.LABEL, loc="left")
    right.set_title("bits a parameter", fontsize=style.LABEL, loc="left")
    for row in rows:
        if np.isfinite(row["capacity"]):
            above = row["capacity"] + np.nan_to_num(row["capacity_spread"])
            left.annotate(
                shorten_name(str(row["model"]), _LONGEST_NAME), (row["parameters"], above), xytext=(6, 6),
                textcoords="offset points", ha="right", fontsize=style.TEXT, parse_math=False,
            )  # fmt: skip
    if held:
        right.set_yscale("log")
        name_round_numbers(right.yaxis)
    for axes in (left, right):
        axes.set_xscale("log")
        name_round_numbers(axes.xaxis)
        axes.margins(0.12)
        axes.set_xlabel("parameters", fontsize=style.LABEL)
        style.frame(axes, labels=style.TEXT)
    if len(tasks) > 1:
        handles, labels = left.get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=min(6, len(labels)), frameon=False, fontsize=style.TEXT
        )
    figure.suptitle(f"what models can take up · {describe_seeds(rows)}", fontsize=style.HEADING, parse_math=False)
    return figure
