from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from lightning_infomem.information_plane import KSG, Binning, MatrixRenyi, Plane, measure_plane_samples
from lightning_infomem.information_plane.plots import plot_estimators, plot_information_plane

RENYI = MatrixRenyi(order=2)
WIDTH = ["parameters.hidden_width"]


def planes(count=3):
    torch.manual_seed(0)
    labels = torch.arange(60) % 2
    inputs = torch.randn(60, 12)
    made = []
    for epoch in range(count):
        samples = {f"fc{place}": inputs[:, :3] + (epoch + place) * labels[:, None] for place in range(2)}
        estimators = [Binning(), Binning(4), RENYI, KSG(labels_only=True)]
        made.append(measure_plane_samples(samples, labels, estimators, inputs=inputs, epoch=epoch))
    return made


def panels(figure):
    return {axes.get_title(): axes for axes in figure.axes if axes.get_title()}


def words(axes):
    return "\n".join(text.get_text() for text in axes.texts)


def test_each_estimator_has_a_panel_of_its_own_with_what_its_numbers_are():
    made = planes()
    figure = plot_estimators(made, allow_mismatch=WIDTH)
    assert [axes.get_title() for axes in figure.axes[:4]] == ["Binning", "Binning", "MatrixRenyi", "KSG"]
    for axes, name in zip(figure.axes, made[0].points["fc0"], strict=False):
        assert len(axes.lines) == 2
        y = axes.lines[1].get_ydata()
        assert y.tolist() == [plane.points["fc1"][name].label_bits for plane in made]
        assert "60 samples" in words(axes).replace("\n", " ")
        assert "fc1" in words(axes)
    assert "Binning: bins 4, value range layer" in words(figure.axes[1])
    limits = [axes.get_xlim() for axes in figure.axes[:3]]
    assert len(set(limits)) == 3
    assert figure.get_suptitle() == ("Each panel has its own axes: do not compare the numbers of different estimators.")


def test_without_values_of_the_inputs_a_panel_shows_the_labels_over_the_epochs():
    axes = panels(plot_estimators(planes(), allow_mismatch=WIDTH))["KSG"]
    assert axes.get_xlabel() == "epoch"
    assert axes.lines[0].get_xdata().tolist() == [0, 1, 2]
    assert "I(X;T): not given" in words(axes)


def test_estimators_are_drawn_that_are_named_and_in_that_order():
    figure = plot_estimators(planes(), ["Binning(bins=4)", "Binning"])
    assert [words(axes).count("bins 4") for axes in figure.axes[:2]] == [1, 0]
    assert len(panels(figure)) == 1  # of one title
    assert len(figure.axes) == 3  # with the colours


def test_of_a_parameter_that_the_data_chose_the_range_is_told():
    widths = [plane.points[layer]["MatrixRenyi(order=2)"].parameters["hidden_width"]
              for plane in planes() for layer in ("fc0", "fc1")]  # fmt: skip
    figure = plot_information_plane(planes(), "MatrixRenyi(order=2)", allow_mismatch=WIDTH)
    told = figure.get_supxlabel().replace("\n", " ")
    assert f"hidden width {min(widths):.3g} to {max(widths):.3g}" in told
    assert "compared all the same" not in told


def test_a_bound_far_below_0_is_left_out_and_counted():
    made = planes()
    object.__setattr__(made[1].points["fc0"]["Binning"], "input_information", -1e20)
    axes = plot_estimators(made, ["Binning"]).axes[0]
    assert len(axes.lines[0].get_xdata()) == 2
    assert axes.get_xlim()[0] > 0
    assert "not drawn, more than log N below 0: 1" in words(axes)


def test_what_cannot_be_drawn_is_an_error():
    with pytest.raises(ValueError, match="planes: at least one is required"):
        plot_estimators([])
    with pytest.raises(ValueError, match="estimators: at least one is required"):
        plot_estimators([Plane({})])
    with pytest.raises(ValueError, match=r"one of Binning, .* is required, got 'MINE'"):
        plot_estimators(planes(), ["MINE"])
    with pytest.raises(ValueError, match=r"a difference in parameters\.hidden_width"):
        plot_estimators(planes())
    with pytest.raises(ValueError, match="allow_mismatch: fields that are compared are required, got 'samples'"):
        plot_estimators(planes(), allow_mismatch=["samples"])
    assert math.isnan(planes(1)[0].points["fc0"]["KSG(labels_only=True)"].input_information)


def test_of_what_the_samples_are_is_said_once_whatever_layers_an_estimator_has():
    made = [replace(each, modules={"fc0": "ReLU", "fc1": "Softmax"}, split="validation") for each in planes(2)]
    for plane in made:
        del plane.points["fc0"]["Binning"]
    figure = plot_estimators(made, ["Binning", "Binning(bins=4)"], allow_mismatch=["modules.fc0"])
    assert figure.get_suptitle().endswith("\nT: outputs of ReLU, Softmax; split: validation")
    assert "T: outputs of Softmax; split: validation" in plot_information_plane(made, "Binning").get_supxlabel()
    with pytest.raises(ValueError, match="a difference in split"):
        plot_estimators([made[0], replace(made[1], split="training")], ["Binning(bins=4)"])
