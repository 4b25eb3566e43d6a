import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from examples.paper.circles import EXPERIMENT, main, train
from examples.paper.figures.circles import Shown, draw_circles
from lightning_infomem.sampling.reading import read_network

SLACK = 0.05  # more than four standard deviations of a share of 2,000


@pytest.fixture(scope="module")
def by_level():
    return {level: EXPERIMENT.make_data(None, level, 4) for level in EXPERIMENT.levels}


@pytest.fixture(scope="module")
def shown(by_level):
    return [
        Shown(label, data, train(data, 0, epochs=6))
        for label, data in zip(EXPERIMENT.level_labels, by_level.values(), strict=True)
    ]


def agreement(dataset):
    """Of the points whose third feature is of a class, how many; and the share of those whose label it is."""
    inputs, labels = dataset[:]
    of_one_class = inputs[:, 2].abs() > 2
    told = (inputs[:, 2] > 0) == labels.bool()
    return of_one_class.double().mean().item(), told[of_one_class].double().mean().item()


def test_outer_points_are_labelled_zero_and_inner_ones_one(by_level):
    inputs, labels = by_level[0.0].train_set[:]
    radius = inputs[:, :2].norm(dim=1)
    assert len(labels) == 2000
    assert radius[labels == 0].mean() > 0.9
    assert radius[labels == 1].mean() < 0.6


@pytest.mark.parametrize(("level", "share"), [(0.0, 0.5), (1.0, 1.0)])
def test_the_third_feature_tells_the_label_only_to_the_heuristic_network(by_level, level, share):
    of_one_class, told = agreement(by_level[level].train_set)
    assert of_one_class == pytest.approx(0.75, abs=SLACK)
    assert told == pytest.approx(share, abs=SLACK if share < 1 else 0)


def test_the_third_feature_is_near_three_or_between_zero_and_one(by_level):
    third = by_level[1.0].train_set[:][0][:, 2]
    far = third.abs() > 2
    assert third[far].abs().mean() == pytest.approx(3, abs=0.01)
    assert third[far].abs().std() == pytest.approx(0.1, abs=0.01)
    assert third[~far].min() >= 0
    assert third[~far].max() <= 1


def test_the_held_out_points_are_the_same_for_all_and_their_third_feature_tells_nothing(by_level):
    assert agreement(by_level[1.0].validation_set)[1] == pytest.approx(0.5, abs=SLACK)
    for data in by_level.values():
        for mine, first in zip(data.validation_set[:], by_level[0.0].validation_set[:], strict=True):
            assert torch.equal(mine, first)
        assert torch.equal(data.probe_set[:][0], data.validation_set[:][0])


def test_a_hundred_points_with_random_labels_stand_twenty_times(by_level):
    inputs, labels = by_level[2.0].train_set[:]
    assert torch.equal(inputs, inputs[:100].repeat(20, 1))
    assert torch.equal(labels, labels[:100].repeat(20))
    true_inputs, true = by_level[0.0].train_set[:]
    assert torch.equal(inputs[:100], true_inputs[:100])
    assert 0.3 < (labels[:100] != true[:100]).double().mean() < 0.7  # four standard deviations


def test_both_hidden_layers_are_measured(by_level):
    network = EXPERIMENT.make_network(by_level[0.0], 0)
    assert list(read_network(network, torch.randn(5, 3), EXPERIMENT.layers).layers) == [
        "layers.linear1",
        "layers.linear2",
    ]
    assert network(torch.zeros(5, 3)).shape == (5, 2)


def test_a_network_learns_the_circles(by_level):
    network = train(by_level[0.0], 0, epochs=20)
    inputs, labels = by_level[0.0].validation_set[:]
    assert (network(inputs).argmax(1) == labels).double().mean() > 0.85


def test_the_figure_has_eight_panels_with_the_points_in_their_colours(shown):
    figure = draw_circles(shown)
    assert [axes.get_title(loc="left")[:3] for axes in figure.axes] == [f"({letter})" for letter in "abcdefgh"]
    assert [axes.get_title(loc="left").splitlines()[0][4:] for axes in figure.axes[:3]] == [*EXPERIMENT.level_labels]
    for axes, part in zip(figure.axes, shown, strict=False):
        points, labels = part.data.train_set[:]
        for label, drawn in enumerate(axes.collections):
            np.testing.assert_allclose(drawn.get_offsets(), points[labels == label, :2], rtol=1e-6)
    assert all(axes.images[0].get_array().shape == (32, 200) for axes in figure.axes[3:6])
    assert [text.get_text() for text in figure.axes[6].get_xticklabels()] == [*EXPERIMENT.level_labels]
    assert len(figure.axes[7].get_legend().get_texts()) == 3


def test_the_command_draws_the_three_networks_of_its_seed(tmp_path, capsys, monkeypatch):
    drawn = []

    def draw(networks):
        drawn.extend(networks)
        return Figure()

    monkeypatch.setattr("examples.paper.figures.circles.draw_circles", draw)
    main(["--output", str(tmp_path / "circles.png"), "--epochs", "1", "--seed", "9"])
    assert (tmp_path / "circles.png").read_bytes()[:4] == b"\x89PNG"
    assert capsys.readouterr().out == f"drew {tmp_path / 'circles.png'}\n"
    assert [(shown.label, shown.data.level, shown.data.seed) for shown in drawn] == [
        ("generalising", 0.0, 9),
        ("heuristic", 1.0, 9),
        ("example-level", 2.0, 9),
    ]
