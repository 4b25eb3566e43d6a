"""Draw figure 1 of the paper: the predictions of three networks on the circles, and the measures of their units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import nn

from examples.paper.data import PaperData
from lightning_infomem import InformationReport, measure
from lightning_infomem.plots.density import mixture_density

__all__ = ["Shown", "draw_circles"]

# Okabe and Ito's colours, which are distinguishable with every kind of colour vision.
_OUTER, _INNER = "#D55E00", "#0072B2"
_NETWORKS = ("#009E73", "#CC79A7", "#000000")
_DASHES = ("-", "--", ":")
_SIDE = 2.0  # extent of the map to each side
_CELLS = 121  # number of map points along each side
# Values of the third feature over which the map is averaged, with their shares of the points.
_THIRD = ((-3.0, 0.375), (0.5, 0.25), (3.0, 0.375))
_NUM_PATTERNS = 200  # number of examples whose activations are shown
_MEASURED = "layers.relu*"  # the released code measures the activations here


@dataclass(frozen=True)
class Shown:
    """One network of the figure: its name, its data, and the trained network."""

    label: str
    data: PaperData
    network: nn.Module


def draw_circles(networks: Sequence[Shown]) -> Figure:
    """Draw eight panels.

    * (a) to (c), one per network: its training points with their training labels, over a map of its predictions at each
      position, averaged over the distribution of the third feature. The map is pale if the network depends little on
      the position.
    * (d) to (f): activations of its hidden units (rows) for 200 inputs of the probe (columns), outer circle first,
      ordered by the third feature; from white for zero to black for the largest activations.
    * (g): the entropy of the units, measured on the probe; notches are about the 95 % interval of the median.
    * (h): the density of the mutual information of the pairs of units of each layer.

    Args:
        networks: Three networks with their training data; their layers are those of `networks.mlp.MLP`.

    Returns:
        A figure without pyplot state.
    """
    figure = Figure(figsize=(12, 11.5), layout="constrained")
    grid = figure.add_gridspec(3, 6, height_ratios=[1.0, 0.75, 0.75])
    letters = iter("abcdefgh")
    for column, shown in enumerate(networks):
        _draw_map(figure.add_subplot(grid[0, 2 * column : 2 * column + 2]), shown, next(letters))
    for column, shown in enumerate(networks):
        _draw_patterns(figure.add_subplot(grid[1, 2 * column : 2 * column + 2]), shown, next(letters))
    reports = [
        measure(shown.network, shown.data.probe_dataloader(), _MEASURED, max_samples=2000, bins=20)
        for shown in networks
    ]
    labels = [shown.label for shown in networks]
    _draw_entropy(figure.add_subplot(grid[2, :3]), labels, reports, next(letters))
    _draw_information(figure.add_subplot(grid[2, 3:]), labels, reports, next(letters))
    return figure


def _draw_map(axes: Axes, shown: Shown, letter: str) -> None:
    along = torch.linspace(-_SIDE, _SIDE, _CELLS)
    places = torch.cartesian_prod(along, along)
    inner = torch.zeros(len(places))
    with torch.no_grad():
        for value, weight in _THIRD:
            points = torch.cat([places, torch.full((len(places), 1), value)], dim=1)
            inner += weight * shown.network(points).softmax(1)[:, 1]
    axes.imshow(
        inner.reshape(_CELLS, _CELLS).T.numpy(),
        origin="lower",
        extent=(-_SIDE, _SIDE, -_SIDE, _SIDE),
        cmap=LinearSegmentedColormap.from_list("labels", [_OUTER, "white", _INNER]),
        vmin=0,
        vmax=1,
        alpha=0.45,
    )
    points, labels = shown.data.train_set[:]
    few = len(points.unique(dim=0)) < len(points)  # repeated, see `Circles`
    for label, (color, marker, name) in enumerate(((_OUTER, "o", "outer"), (_INNER, "^", "inner"))):
        of_label = points[labels == label].numpy()
        look = {
            "s": 26 if few else 7,
            "alpha": 1 if few else 0.6,
            "linewidths": 0,
        }  # keeps the map visible
        axes.scatter(*of_label[:, :2].T, c=color, marker=marker, label=f"labelled {name}", **look)
    given, true = (_accuracy(shown.network, *part[:]) for part in (shown.data.train_set, shown.data.validation_set))
    axes.set_title(
        f"({letter}) {shown.label}\naccuracy: training {given:.0%}, held out {true:.0%}", fontsize=12, loc="left"
    )
    axes.set(xlim=(-_SIDE, _SIDE), ylim=(-_SIDE, _SIDE), xlabel="first feature", ylabel="second feature")
    if letter == "a":
        axes.legend(loc="lower left", fontsize=9, markerscale=2)


def _draw_patterns(axes: Axes, shown: Shown, letter: str) -> None:
    inputs, labels = shown.data.validation_set[:]
    inputs, labels = inputs[:_NUM_PATTERNS], labels[:_NUM_PATTERNS]
    order = np.lexsort((inputs[:, 2].numpy(), labels.numpy()))
    activations, values = [], inputs[torch.from_numpy(order)]
    with torch.no_grad():
        for module in shown.network.layers:
            values = module(values)
            if isinstance(module, nn.ReLU):
                activations.append(values)
    answers = torch.cat(activations, dim=1).T.numpy()
    axes.imshow(answers, aspect="auto", cmap="Greys", vmin=0, vmax=np.quantile(answers, 0.98), interpolation="nearest")
    for boundary in np.cumsum([layer.shape[1] for layer in activations])[:-1]:
        axes.axhline(boundary - 0.5, color=_INNER, linewidth=1)
    border = int((labels == 0).sum()) - 0.5
    axes.axvline(border, color=_INNER, linewidth=1)
    axes.set_xticks([border / 2, (border + len(labels)) / 2], ["outer", "inner"])
    axes.set_title(f"({letter}) activations", fontsize=12, loc="left")
    axes.set_xlabel("inputs, by circle and third feature")
    if letter == "d":
        axes.set_ylabel("hidden units")


def _draw_entropy(axes: Axes, labels: Sequence[str], reports: Sequence[InformationReport], letter: str) -> None:
    entropies = [torch.cat([layer.finite_entropy() for layer in report.layers]).numpy() for report in reports]
    boxes = axes.boxplot(
        entropies, notch=True, widths=0.55, patch_artist=True, medianprops={"color": "black", "linewidth": 1.6}
    )
    for box, color in zip(boxes["boxes"], _NETWORKS, strict=True):
        box.set(facecolor=color, alpha=0.45, edgecolor=color)
    for place, values in enumerate(entropies, start=1):
        # Side by side, so that equal values are all visible.
        axes.plot(
            np.linspace(place - 0.18, place + 0.18, len(values)), np.sort(values), ".", color="0.25", markersize=4
        )
    axes.set_xticks(range(1, len(labels) + 1), labels)
    axes.set_ylabel("entropy per unit (nats)")
    axes.set_title(f"({letter}) entropy of the units", fontsize=12, loc="left")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_information(axes: Axes, labels: Sequence[str], reports: Sequence[InformationReport], letter: str) -> None:
    pairs = [torch.cat([layer.pairs() for layer in report.layers]).numpy() for report in reports]
    # Pairs with a unit that is always 0 have exactly no mutual information: a line, not part of the density.
    answering = [values[values != 0] for values in pairs]
    points = np.linspace(min(map(np.min, answering)), max(np.quantile(values, 0.995) for values in answering), 400)
    for label, values, smooth, color, dashes in zip(labels, pairs, answering, _NETWORKS, _DASHES, strict=True):
        density = mixture_density(smooth, max_values=3000)(points)
        axes.plot(
            points, density, color=color, linestyle=dashes, linewidth=2, label=f"{label}, mean {values.mean():.2f}"
        )
        axes.axvline(values.mean(), ymax=0.06, color=color, linestyle=dashes, linewidth=2)
    axes.set(xlabel="mutual information of two units of a layer (nats)", ylabel="density", ylim=(0, None))
    axes.set_title(f"({letter}) mutual information of the pairs", fontsize=12, loc="left")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _accuracy(network: nn.Module, inputs: torch.Tensor, labels: torch.Tensor) -> float:
    with torch.no_grad():
        return (network(inputs).argmax(1) == labels).double().mean().item()
