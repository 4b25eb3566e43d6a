"""Draw panels that compare levels: entropy of units as boxes, mutual information of pairs as densities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cbook import boxplot_stats
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from examples.paper.experiment import Experiment
from examples.paper.measures import NETWORK, PRESETS
from lightning_infomem._checks import check_choice
from lightning_infomem.plots.density import mixture_density

__all__ = [
    "LevelValues",
    "draw_entropy",
    "draw_information",
    "information_range",
    "layer_names",
    "legend_entries",
    "level_color",
    "level_name",
    "level_values",
    "of_experiment",
    "title",
]

_FEWEST_VALUES = 10  # for a density
_SAME = 1e-3  # nats; values that differ by less are drawn as a line, which is how their density would look
_MASS = 0.02  # a larger share of pairs at 0 comes from constant units, a smaller one from rounding
_SHOWN = (0.002, 0.97)  # the released code includes pairs of a unit with itself, which are far to the right

Record = Mapping[str, Any]


@dataclass(frozen=True)
class LevelValues:
    """The measures of the networks of one level (one per seed), in one layer or in all.

    Attributes:
        name: Name of the level.
        color: Colour of the level in all panels.
        accuracy: Validation accuracy, mean over seeds; None if no network has one.
        entropy: Quantiles over units of all seeds, in nats.
        information: Quantiles over pairs of all seeds, in nats.
        mean_information: Mean over pairs and seeds, in nats.
        num_units: Number of units of all seeds.
    """

    name: str
    color: tuple[float, float, float, float]
    accuracy: float | None
    entropy: NDArray[Any]
    information: NDArray[Any]
    mean_information: float
    num_units: int


def of_experiment(records: Sequence[Record], experiment: Experiment) -> list[Record]:
    """Select the records of one experiment, lowest level first.

    Raises:
        ValueError: There is none.
    """
    found = [record for record in records if record["experiment"] == experiment.name]
    if not found:
        raise ValueError(
            f"records: at least one of the experiment {experiment.name!r} is required, got none among {len(records)}; "
            "run the study first."
        )
    return sorted(found, key=lambda record: (record["level"], record["seed"]))


def level_values(
    records: Sequence[Record], experiment: Experiment, preset: str, layer: str = NETWORK
) -> list[LevelValues]:
    """Collect the values of one layer by level; see `of_experiment` for the records."""
    check_choice(preset, name="preset", choices=PRESETS)
    levels = sorted({record["level"] for record in records})
    gathered = []
    for place, level in enumerate(levels):
        there = [record for record in records if record["level"] == level]
        distributions = [record["distributions"][preset][layer] for record in there]
        accuracies = [record["extrinsic"].get("validation_accuracy") for record in there]
        known = [accuracy for accuracy in accuracies if accuracy is not None]
        units = [record["units"] for record in there]
        gathered.append(
            LevelValues(
                name=level_name(experiment, level),
                color=level_color(place, len(levels)),
                accuracy=fmean(known) if known else None,
                entropy=np.concatenate([each["entropy"] for each in distributions]),
                information=np.concatenate([each["mutual_information"] for each in distributions]),
                mean_information=fmean(_mean_information(record, preset, layer) for record in there),
                num_units=sum(sum(each.values()) if layer == NETWORK else each[layer] for each in units),
            )
        )
    return gathered


def layer_names(records: Sequence[Record], preset: str) -> list[str]:
    """Return the layers that all records have, in order."""
    check_choice(preset, name="preset", choices=PRESETS)
    first, *others = (record["distributions"][preset] for record in records)
    return [layer for layer in first if layer != NETWORK and all(layer in each for each in others)]


def level_name(experiment: Experiment, level: float) -> str:
    """Return the name of a level, as in tables."""
    if experiment.level_labels and level in experiment.levels:
        return experiment.level_labels[list(experiment.levels).index(level)]
    return f"{level:g}"


def level_color(place: int, count: int) -> tuple[float, float, float, float]:
    """Choose colours from dark violet (generalising) to light green (memorizing), ordered in gray too."""
    # Without the ends of the scale: bright yellow is hard to see on white, and the darkest violet hides the median.
    red, green, blue, opacity = matplotlib.colormaps["viridis"](0.12 + 0.76 * place / max(1, count - 1))
    return red, green, blue, opacity


def title(records: Sequence[Record], experiment: Experiment, preset: str) -> str:
    """Return a title with experiment, preset and number of seeds."""
    levels = [record["level"] for record in records]
    counts = sorted({levels.count(level) for level in levels})
    seeds = f"{counts[0]} to {counts[-1]} seeds" if len(counts) > 1 else f"{counts[0]} seed{'s' * (counts[0] > 1)}"
    return f"{experiment.title} · {preset.replace('_', ' ')} · {seeds}"


def draw_entropy(axes: Axes, levels: Sequence[LevelValues]) -> None:
    """Draw one notched box per level: quartiles, whiskers of 1.5 times their distance, 95 % interval of the median."""
    for position, level in enumerate(levels):
        stats = boxplot_stats(level.entropy)[0]
        # From the number of units, not from the number of quantiles that were kept.
        reach = min(0.5, 1.96 / 2 / level.num_units**0.5)
        stats["cilo"], stats["cihi"] = np.quantile(level.entropy, [0.5 - reach, 0.5 + reach])
        axes.bxp(
            [stats],
            positions=[position],
            widths=0.7,
            shownotches=True,
            patch_artist=True,
            manage_ticks=False,
            boxprops={"facecolor": (*level.color[:3], 0.45), "edgecolor": level.color},
            medianprops={"color": "black", "linewidth": 1.5},
            whiskerprops={"color": level.color},
            capprops={"color": level.color},
            flierprops={"marker": ".", "markersize": 3, "markerfacecolor": level.color, "markeredgecolor": "none"},
        )
    axes.set_xlim(-0.6, len(levels) - 0.4)
    axes.set_xticks(range(len(levels)), [level.name for level in levels], parse_math=False)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    _plain(axes)


def draw_information(axes: Axes, levels: Sequence[LevelValues], shown: tuple[float, float]) -> None:
    """Draw one density per level, scaled to its peak, with a triangle at the mean of all pairs.

    Pairs of exactly 0, from constant units, are a line and not part of the density. Too few values, or equal values,
    are lines too.

    Args:
        axes: Axes to draw on.
        levels: Levels to draw.
        shown: Range of the axis; see `information_range`.
    """
    left, right = shown
    for level in levels:
        values = level.information
        continuous = values[values != 0] if (values == 0).mean() > _MASS else values
        if len(continuous) >= _FEWEST_VALUES and np.ptp(continuous) > _SAME:
            points = np.linspace(left, right, 500)
            density = mixture_density(continuous, max_values=len(continuous))(points)
            height = np.where(density > 0.003 * density.max(), density / density.max(), np.nan)
            axes.fill_between(points, 0, height, color=(*level.color[:3], 0.15), linewidth=0)
            axes.plot(points, height, color=level.color, linewidth=1.8, label=level.name)
            lines = np.zeros(min(1, len(values) - len(continuous)))
        else:
            lines = np.unique(values)[:_FEWEST_VALUES]
        axes.vlines(lines, 0, 1, color=level.color, linewidth=2, label=f"{level.name}: pairs")
        axes.plot(level.mean_information, -0.06, "^", color=level.color, markersize=7, clip_on=False, zorder=3)
    axes.set_xlim(left, right)
    axes.set_ylim(-0.12, 1.05)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    _plain(axes)


def information_range(levels: Sequence[LevelValues]) -> tuple[float, float]:
    """Return a range with 97 % of the pairs of every level and all means, with a margin.

    A single outlying pair must not flatten the others.
    """
    ends = [np.quantile(level.information, _SHOWN) for level in levels]
    means = [level.mean_information for level in levels]
    left, right = min(np.min(ends), *means), max(np.max(ends), *means)
    margin = 0.05 * (right - left) if right - left > _SAME else 0.1
    return float(left - margin), float(right + margin)


def legend_entries(levels: Sequence[LevelValues]) -> list[Patch]:
    """Return legend entries with colour, name and validation accuracy of each level."""
    return [
        Patch(
            facecolor=(*level.color[:3], 0.6),
            edgecolor=level.color,
            label=level.name if level.accuracy is None else f"{level.name}  ({level.accuracy:.1%})",
        )
        for level in levels
    ]


def _mean_information(record: Record, preset: str, layer: str) -> float:
    wanted = (preset, "before", layer)
    entries = record["measures"]
    return next(float(e["mutual_information"]) for e in entries if (e["preset"], e["values"], e["layer"]) == wanted)


def _plain(axes: Axes) -> None:
    axes.tick_params(labelsize=10)
    axes.spines[["top", "right"]].set_visible(False)
