"""Draw networks of several levels, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from examples.paper.experiment import Experiment
from examples.paper.figures.panels import (
    draw_entropy,
    draw_information,
    information_range,
    layer_names,
    legend_entries,
    level_values,
    of_experiment,
    title,
)

__all__ = ["draw_layers"]

_ROW_HEIGHT, _HEAD = 1.75, 0.9  # inches


def draw_layers(records: Sequence[Mapping[str, Any]], experiment: Experiment, preset: str = "released_code") -> Figure:
    """Draw the panels of `draw_levels` for each layer, one row per layer from the first, with pairs within the layer.

    Args:
        records: Records of any experiments, as `study.run` returns them.
        experiment: Experiment to draw, with the layers that all its records have.
        preset: "default", "paper" or "released_code".

    Returns:
        A figure without pyplot state; all rows share their axes.

    Raises:
        ValueError: There is no record of the experiment, or the preset is unknown.

    Reference:
        "Measures of Information Reflect Memorization Patterns" (NeurIPS 2022), similar to figure 9.
    """
    chosen = of_experiment(records, experiment)
    names = layer_names(chosen, preset)
    figure = Figure(figsize=(8.0, _HEAD + _ROW_HEIGHT * len(names)), layout="constrained")
    rows = figure.subplots(len(names), 2, squeeze=False, sharex="col", sharey="col", width_ratios=[1.0, 1.3])
    by_layer = [level_values(chosen, experiment, preset, name) for name in names]
    shown = information_range([level for levels in by_layer for level in levels])
    for (boxes, densities), name, levels in zip(rows, names, by_layer, strict=True):
        draw_entropy(boxes, levels)
        draw_information(densities, levels, shown)
        boxes.set_ylabel(name, fontsize=10, parse_math=False)
    rows[0, 0].set_title("entropy of a unit (nats)", fontsize=11)
    rows[0, 1].set_title("density, each to its peak", fontsize=11)
    rows[-1, 0].set_xlabel(experiment.level_name, fontsize=11)
    rows[-1, 1].set_xlabel("mutual information of a pair of units (nats)", fontsize=11)
    figure.suptitle(title(chosen, experiment, preset), fontsize=12)
    figure.legend(
        handles=legend_entries(by_layer[0]),
        title=f"{experiment.level_name}\n(validation\naccuracy)",
        loc="outside right center",
        frameon=False,
        fontsize=10,
    )
    return figure
