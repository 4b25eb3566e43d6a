"""Draw both measures against the level, to see whether each seed has the sign of the hypothesis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from examples.paper.experiment import Experiment
from examples.paper.figures.panels import level_name, of_experiment
from examples.paper.measures import NETWORK, PRESETS
from examples.paper.summary import expected_signs

__all__ = ["draw_trends"]

# Okabe and Ito's colours, which are distinguishable with every kind of colour vision.
_COLORS = {"entropy": "#D55E00", "mutual_information": "#0072B2"}
_WORDS = {
    "entropy": "entropy, mean\nover units (nats)",
    "mutual_information": "mutual information,\nmean over pairs (nats)",
}


def draw_trends(
    records: Sequence[Mapping[str, Any]], experiment: Experiment, presets: Sequence[str] = PRESETS
) -> Figure:
    """Draw mean entropy and mean mutual information of the network against the level.

    Args:
        records: Records of any experiments, as `study.run` returns them.
        experiment: Experiment to draw.
        presets: Presets to draw, one column each.

    Returns:
        A figure without pyplot state, with a thin line per seed and the mean over seeds in bold. The heading of each
        panel says what the hypothesis expects, and for how many of the seeds with more than one level the slope of the
        least-squares line has that sign. Named levels are drawn at equal distances.

    Raises:
        ValueError: There is no record of the experiment.

    Reference:
        "Measures of Information Reflect Memorization Patterns" (NeurIPS 2022): with heuristic memorization entropy
        falls and mutual information rises, with memorization of examples it is the other way round.
    """
    chosen = of_experiment(records, experiment)
    figure = Figure(figsize=(0.8 + 2.4 * len(presets), 4.4), layout="constrained")
    rows = figure.subplots(len(_WORDS), len(presets), squeeze=False, sharex=True)
    for panels, (measure, words) in zip(rows, _WORDS.items(), strict=True):
        for axes, preset in zip(panels, presets, strict=True):
            lines = _lines(chosen, preset, measure)
            _draw(axes, lines, _COLORS[measure])
            axes.set_title(_verdict(lines, -expected_signs(experiment)[measure]), fontsize=10)
        panels[0].set_ylabel(words, fontsize=11)
    for axes, preset in zip(rows[0], presets, strict=True):
        axes.annotate(
            preset.replace("_", " "), (0.5, 1.0), xycoords="axes fraction", xytext=(0, 22), textcoords="offset points",
            ha="center", fontsize=11, fontweight="bold",
        )  # fmt: skip
    levels = sorted({record["level"] for record in chosen})
    for axes in rows[-1]:
        axes.set_xticks(levels, [level_name(experiment, level) for level in levels], parse_math=False)
        axes.set_xlabel(experiment.level_name, fontsize=11)
    seeds = len({record["seed"] for record in chosen})
    figure.suptitle(f"{experiment.title} · {seeds} seed{'s' * (seeds > 1)}, the mean in bold", fontsize=12)
    return figure


def _lines(records: Sequence[Mapping[str, Any]], preset: str, measure: str) -> dict[int, dict[float, float]]:
    """Map seed and level to the measure of the network."""
    lines: dict[int, dict[float, float]] = {}
    for record in records:
        for entry in record["measures"]:
            if (entry["preset"], entry["values"], entry["layer"]) == (preset, "before", NETWORK):
                lines.setdefault(record["seed"], {})[record["level"]] = entry[measure]
    return lines


def _draw(axes: Axes, lines: Mapping[int, Mapping[float, float]], color: str) -> None:
    for line in lines.values():
        axes.plot(list(line), list(line.values()), "o-", color=color, alpha=0.35, linewidth=1, markersize=2.5)
    levels = sorted({level for line in lines.values() for level in line})
    means = [fmean(line[level] for line in lines.values() if level in line) for level in levels]
    axes.plot(levels, means, "o-", color=color, linewidth=2.5, markersize=5, label="mean")
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _verdict(lines: Mapping[int, Mapping[float, float]], expected: int) -> str:
    """Count the seeds with the expected sign."""
    slopes = [np.polyfit(list(line), list(line.values()), 1)[0] for line in lines.values() if len(line) > 1]
    agreeing = sum(slope * expected > 0 for slope in slopes)
    way = "rises" if expected > 0 else "falls"
    return f"expected: {way}" + (f" · {agreeing} of {len(slopes)} seeds" if slopes else "")
