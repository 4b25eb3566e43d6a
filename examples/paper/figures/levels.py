"""Draw the entropy of units and the mutual information of pairs for networks of several levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from examples.paper.experiment import Experiment
from examples.paper.figures.panels import (
    draw_entropy,
    draw_information,
    information_range,
    legend_entries,
    level_values,
    of_experiment,
    title,
)

__all__ = ["draw_levels"]


def draw_levels(records: Sequence[Mapping[str, Any]], experiment: Experiment, preset: str = "released_code") -> Figure:
    """Draw the distributions over all units of a network, level by level, with pooled seeds.

    Do not use it to decide whether a difference is more than chance, because units of one network are not independent.
    Use `draw_trends` for that.

    Args:
        records: Records of any experiments, as `study.run` returns them.
        experiment: Experiment to draw.
        preset: "default", "paper" or "released_code".

    Returns:
        A figure without pyplot state. Left: notched boxes of the entropy of units in nats, with quartiles, whiskers of
        1.5 times the interquartile range, and the 95 % interval of the median (from order statistics). Right: the
        density of the mutual information of pairs in nats, a mixture of up to five Gaussians chosen by BIC and scaled
        to its peak, over the range with 97 % of the pairs of every level; a triangle marks the mean of all pairs. Pairs
        of exactly 0 are a line and not part of the density. The legend has the validation accuracy of each level, as a
        mean over seeds.

    Raises:
        ValueError: There is no record of the experiment, or the preset is unknown.

    Reference:
        "Measures of Information Reflect Memorization Patterns" (NeurIPS 2022), similar to figures 2, 3,
        6 and 7.
    """
    chosen = of_experiment(records, experiment)
    levels = level_values(chosen, experiment, preset)
    figure = Figure(figsize=(8.0, 3.2), layout="constrained")
    boxes, densities = figure.subplots(1, 2, width_ratios=[1.0, 1.3])
    draw_entropy(boxes, levels)
    boxes.set_xlabel(experiment.level_name, fontsize=11)
    boxes.set_ylabel("entropy of a unit (nats)", fontsize=11)
    draw_information(densities, levels, information_range(levels))
    densities.set_xlabel("mutual information of a pair of units (nats)", fontsize=11)
    densities.set_ylabel("density, each to its peak", fontsize=11)
    figure.suptitle(title(chosen, experiment, preset), fontsize=12)
    figure.legend(
        handles=legend_entries(levels),
        title=f"{experiment.level_name}\n(validation\naccuracy)",
        loc="outside right center",
        frameon=False,
        fontsize=10,
    )
    return figure
