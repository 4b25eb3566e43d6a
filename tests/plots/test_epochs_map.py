from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from lightning_infomem.plots import plot_epochs_map
from lightning_infomem.records.report import InformationReport, LayerInformation
from tests.plots.test_layers import layer, report


def of_means(name: str, entropy: float, information: float) -> LayerInformation:
    """A layer of two units with these means."""
    measured = layer(name, units=2, information=information)
    return dataclasses.replace(measured, entropy=torch.tensor([entropy - 0.5, entropy + 0.5], dtype=torch.float64))


def moment(layers: Mapping[str, tuple[float, float]], **when: int | None) -> InformationReport:
    return report(*(of_means(name, *means) for name, means in layers.items()), **when)


RUN = [
    moment({"conv": (4.0, 0.25), "fc": (3.0, 0.75)}, epoch=0, step=10),
    moment({"conv": (3.5, 0.5)}, epoch=4, step=20),
    moment({"conv": (3.0, 0.125), "norm": (1.0, 0.0), "fc": (2.0, 1.5)}, epoch=6, step=30),
]


def maps(figure: Figure) -> list[np.ndarray]:
    return [np.ma.filled(axes.images[0].get_array(), np.nan) for axes in figure.axes[:2]]


def columns(figure: Figure) -> list[str]:
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    return [label for label in labels if label]


def test_a_row_is_a_layer_and_a_column_a_moment_in_order() -> None:
    entropy, information = maps(plot_epochs_map([RUN[2], RUN[0], RUN[1]]))
    none = math.nan
    np.testing.assert_array_equal(entropy, [[4.0, 3.5, 3.0], [none, none, 1.0], [3.0, none, 2.0]])
    np.testing.assert_array_equal(information, [[0.25, 0.5, 0.125], [none, none, 0.0], [0.75, none, 1.5]])


def test_layers_epochs_and_units_are_named() -> None:
    figure = plot_epochs_map(RUN)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["conv", "norm", "fc"]
    assert [axes.get_title() for axes in figure.axes[:2]] == ["mean entropy", "mean mutual information"]
    assert [axes.get_ylabel() for axes in figure.axes[2:]] == ["nats", "nats"]
    assert [axes.get_xlabel() for axes in figure.axes[:2]] == ["epoch", "epoch"]
    assert columns(figure) == ["0", "4", "6"]
    assert figure.get_suptitle() == "1,024 samples, k = 3, 100 bins"


@pytest.mark.parametrize(
    ("epochs", "steps", "unit", "named"),
    [
        ([None] * 3, [3000, 1000, 2000], "step", ["1,000", "2,000", "3,000"]),
        ([0, 0, 1], [1, 2, 3], "step", ["1", "2", "3"]),
        ([0, 1, 2], [1, 1, 1], "epoch", ["0", "1", "2"]),
        ([0, None, 2], [1, None, 1], "measurement", ["1", "2", "3"]),
        ([0, 0, 2], [1, 1, 2], "measurement", ["1", "2", "3"]),
    ],
)
def test_moments_are_epochs_or_steps_or_numbers(
    epochs: list[int | None], steps: list[int | None], unit: str, named: list[str]
) -> None:
    moments = zip(epochs, steps, strict=True)
    figure = plot_epochs_map([moment({"fc": (1.0, 0.5)}, epoch=epoch, step=step) for epoch, step in moments])
    assert figure.axes[0].get_xlabel() == unit
    assert columns(figure) == named


def test_what_was_not_measured_is_grey() -> None:
    image = plot_epochs_map(RUN).axes[1].images[0]
    assert image.to_rgba(image.get_array())[1, 0].tolist() == [0.75, 0.75, 0.75, 1.0]


@pytest.mark.parametrize(
    ("only", "scale"),
    [
        (moment({"fc": (2.0, 0.5)}, epoch=3), (0.0, 0.5)),
        (moment({"fc": (2.0, 0.0)}, epoch=3), (0.0, 1.0)),
        (report(layer("fc", units=1), epoch=3), (0.0, 1.0)),
        (report(layer("fc", units=4, missing=4), epoch=3), (0.0, 1.0)),
    ],
)
def test_one_moment_of_one_layer_is_drawn(only: InformationReport, scale: tuple[float, float]) -> None:
    figure = plot_epochs_map([only])
    assert columns(figure) == ["3"]
    assert figure.axes[1].images[0].get_clim() == scale
    assert figure.get_suptitle() == "epoch 3 · 1,024 samples, k = 3, 100 bins"


def test_a_hundred_layers_at_five_hundred_moments_are_two_images_and_few_labels() -> None:
    layers = tuple(of_means(f"blocks.{index}", 2.0, 0.01 * index) for index in range(100))
    figure = plot_epochs_map([report(*layers, epoch=epoch) for epoch in range(500)])
    for axes in figure.axes[:2]:
        assert axes.images[0].get_array().shape == (100, 500)
        assert len(axes.images) == 1
        assert not axes.lines
        assert not axes.texts
        assert not axes.collections
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [f"blocks.{i}" for i in range(0, 100, 5)]
    assert figure.get_suptitle().endswith("100 layers, one in 5 named")
    assert columns(figure) == ["0", "100", "200", "300", "400"]
    assert figure.get_figheight() <= 6


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(ValueError, match="reports: at least one with a measured layer is required, got none"):
        plot_epochs_map([])
    with pytest.raises(ValueError, match="got 2 without a layer"):
        plot_epochs_map([report(), report()])
