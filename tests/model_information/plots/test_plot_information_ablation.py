from __future__ import annotations

import numpy as np
import pytest
import torch

from lightning_infomem.model_information import InformationAblation
from lightning_infomem.model_information.plots import plot_information_ablation
from tests.plots.figures import information_ablation


def test_bars_are_bits_and_bits_per_parameter_with_intervals_and_numbers():
    result = information_ablation()
    figure = plot_information_ablation(result)
    records = result.to_records()[:-2]
    for axes, name in zip(figure.axes, ("bits", "bits_per_parameter"), strict=True):
        assert [bar.get_width() for bar in axes.patches] == [row[name] for row in records]
        (lines,) = (lines.get_segments() for lines in axes.collections)
        for segment, row in zip(lines, records, strict=True):
            half = row[f"{name}_spread"]
            assert segment[:, 0].tolist() == pytest.approx([row[name] - half, row[name] + half])
    assert [text.get_text() for text in figure.axes[0].texts] == ["400", "726", "1,994", "-128"]
    assert [text.get_text() for text in figure.axes[1].texts] == ["0.925", "0.154", "0.0838", "-0.05"]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(result.components)
    assert figure.axes[0].get_ylim() == (3.5, -0.5)


def test_the_sum_stands_beside_the_whole_which_a_line_marks():
    figure = plot_information_ablation(information_ablation())
    assert figure.get_suptitle() == "mean of 2 runs · whole model 2,800 bits, sum of components 2,990: not additive"
    assert 2800 in [line.get_xdata()[0] for line in figure.axes[0].lines]


def one_run(count):
    bits = torch.arange(float(count), dtype=torch.float64)[None]
    return InformationAblation(
        {f"layer {place}": max(place - 1, 0) for place in range(count)}, bits, bits.sum(1), 100, (0,), {}
    )


def test_one_run_has_no_intervals_and_a_component_without_parameters_no_bits_a_parameter():
    figure = plot_information_ablation(one_run(3))
    assert not any(axes.collections for axes in figure.axes)
    assert [bar.get_width() for bar in figure.axes[0].patches] == [0, 1, 2]
    assert np.isnan(figure.axes[1].patches[0].get_width())
    assert [text.get_text() for text in figure.axes[1].texts] == ["2"]
    assert figure.get_suptitle().startswith("one run · whole model 3 bits")


def test_of_many_components_the_numbers_are_left_out():
    assert len(plot_information_ablation(one_run(40)).axes[0].texts) == 40
    assert not plot_information_ablation(one_run(41)).axes[0].texts
