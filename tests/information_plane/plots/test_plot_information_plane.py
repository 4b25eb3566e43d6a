from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from lightning_infomem.information_plane import Binning
from lightning_infomem.information_plane.plane import Plane, measure_plane_samples
from lightning_infomem.information_plane.plots import plot_information_plane


def planes(count, layers=3, scale=1.0):
    torch.manual_seed(0)
    labels = torch.arange(200) % 2
    made = []
    for epoch in range(count):
        samples = {
            f"layer.{place}": torch.tanh(
                (labels[:, None] - 0.5) * (epoch + 1) * scale / (place + 1) + torch.randn(200, 2)
            )
            for place in range(layers)
        }
        made.append(measure_plane_samples(samples, labels, [Binning(), Binning(4)], epoch=epoch, step=epoch))
    return made


def words(figure):
    return "\n".join(text.get_text() for axes in figure.axes for text in axes.texts) + figure.get_supxlabel()


def test_a_line_a_layer_ends_with_its_name_and_the_notes_say_what_the_numbers_are():
    figure = plot_information_plane(planes(5))
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("I(X;T) in bits", "I(T;Y) in bits")
    assert len(axes.lines) == 3
    told = words(figure)
    for name in ("layer.0", "layer.1", "layer.2", "Binning: bins 30, value range layer; 200 samples", "neither bound"):
        assert name in told
    assert figure.get_suptitle() == "Binning"
    assert figure.axes[1].get_ylabel() == "epoch"


def test_points_stand_where_they_were_measured_in_the_order_of_epochs():
    made = planes(4)
    figure = plot_information_plane([made[2], made[0], made[3], made[1]], "Binning(bins=4)")
    (x, y) = figure.axes[0].lines[1].get_data()
    assert x.tolist() == [plane.points["layer.1"]["Binning(bins=4)"].input_bits for plane in made]
    assert y.tolist() == [plane.points["layer.1"]["Binning(bins=4)"].label_bits for plane in made]


def test_flags_are_counted_below():
    torch.manual_seed(0)
    wide = {"fc": torch.randn(50, 20)}  # every sample has a pattern of its own
    plane = measure_plane_samples(wide, torch.arange(50) % 2, [Binning()])
    assert "flagged, of 1 points: saturated 1" in words(plot_information_plane([plane]))


def test_points_without_a_value_are_left_out():
    made = planes(3)
    for points in made[1].points.values():
        object.__setattr__(points["Binning"], "input_information", math.nan)
    assert len(plot_information_plane(made).axes[0].lines[0].get_xdata()) == 2


def test_nothing_to_draw_is_an_error():
    with pytest.raises(ValueError, match="planes: at least one is required"):
        plot_information_plane([])
    with pytest.raises(ValueError, match=r"one of Binning, Binning\(bins=4\) is required, got 'MINE'"):
        plot_information_plane(planes(1), "MINE")
    with pytest.raises(ValueError, match="one of none is required"):
        plot_information_plane([Plane({})])


def test_points_that_were_not_measured_alike_are_not_drawn_together():
    few, many = planes(1)[0], planes(2)[1]
    for point in few.points["layer.0"].values():
        object.__setattr__(point, "num_samples", 100)
    with pytest.raises(ValueError, match=r"a difference in num_samples: 100 in"):
        plot_information_plane([few, many])
    told = words(plot_information_plane([few, many], allow_mismatch=["num_samples"]))
    assert "compared all the same: they differ in num_samples" in told


def test_the_figure_says_of_what_the_samples_are_and_draws_those_of_two_sets_in_none():
    modules = {f"layer.{place}": "Tanh" for place in range(3)}
    first, last = (replace(each, modules=modules, pooling="flatten", split="validation") for each in planes(2))
    assert "T: outputs of Tanh; pooling: flatten; split: validation" in words(plot_information_plane([first, last]))
    assert "outputs of" not in words(plot_information_plane(planes(2)))
    trained = replace(last, split="training")
    with pytest.raises(ValueError, match="a difference in split: validation in 'plane 1' but training in 'plane 2'"):
        plot_information_plane([first, trained])
    told = words(plot_information_plane([first, trained], allow_mismatch=["split"]))
    assert "split: validation, training" in told
    assert "compared all the same: they differ in split" in told
    before = replace(last, modules={**modules, "layer.1": "Linear"})
    with pytest.raises(ValueError, match=r"modules.layer.1: Tanh in 'plane 1' but Linear in 'plane 2'"):
        plot_information_plane([first, before])
    # What an earlier version wrote does not know it.
    assert plot_information_plane([first, planes(2)[1]]).axes
