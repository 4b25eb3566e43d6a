from itertools import pairwise

import numpy as np
import pytest
import torch

from examples.paper.colored_mnist import EXPERIMENT as COLORED
from examples.paper.label_shuffling import shuffle_labels
from examples.paper.networks.mlp import MLP
from examples.paper.shuffled_mnist import EXPERIMENT as SHUFFLED
from lightning_infomem import measure
from lightning_infomem.sampling.reading import read_network
from tests.examples.paper.files import write_mnist

COUNT = 12_000  # 10,000 to train on
SLACK = 0.02  # four standard deviations of a share of 10,000


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mnist")
    return folder, *write_mnist(folder, COUNT)


@pytest.fixture(scope="module")
def colored(mnist):
    return {level: COLORED.make_data(mnist[0], level, 3) for level in COLORED.levels}


@pytest.fixture(scope="module")
def shuffled(mnist):
    return {level: SHUFFLED.make_data(mnist[0], level, 3) for level in SHUFFLED.levels}


def colors(inputs):
    """The plane that is not all zeros, where there is just one."""
    shown = inputs.flatten(2).any(2)
    assert (shown.sum(1) == 1).all()
    return shown.long().argmax(1)


def share(differences):
    return differences.double().mean().item()


def test_a_colored_digit_is_every_second_pixel_in_one_plane(mnist, colored):
    inputs, _ = colored[0.5].train_set.tensors
    assert inputs.shape == (10_000, 2, 14, 14)
    assert inputs.dtype == torch.float32
    np.testing.assert_allclose(inputs.sum(1), mnist[1][:10_000, ::2, ::2] / 255, rtol=1e-6)


def test_a_quarter_of_the_colored_labels_is_flipped_at_every_level_alike(mnist, colored):
    small = torch.from_numpy(mnist[2] < 5).long()
    for part, true in (("train_set", small[:10_000]), ("validation_set", small[10_000:])):
        first = getattr(colored[0.0], part).tensors[1]
        assert share(first != true) == pytest.approx(0.25, abs=2.3 * SLACK)
        for data in colored.values():
            assert torch.equal(getattr(data, part).tensors[1], first)


@pytest.mark.parametrize("level", COLORED.levels)
def test_colors_tell_the_noisy_label_as_often_as_the_level_says(colored, level):
    inputs, labels = colored[level].train_set.tensors
    assert share(colors(inputs) != labels) == pytest.approx((1 - level) / 2, abs=SLACK if level < 1 else 0)


def test_a_color_that_tells_the_label_tells_it_at_every_higher_level(colored):
    wrong = [colors(data.train_set.tensors[0]) != data.train_set.tensors[1] for data in colored.values()]
    for lower, higher in pairwise(wrong):
        assert (lower | ~higher).all()


@pytest.mark.parametrize("level", COLORED.levels)
def test_colors_say_nothing_in_validation(colored, level):
    inputs, labels = colored[level].validation_set.tensors
    assert share(colors(inputs) != labels) == pytest.approx(0.5, abs=2.3 * SLACK)
    assert torch.equal(inputs, colored[0.0].validation_set.tensors[0])


@pytest.mark.parametrize("part", ["colored", "shuffled"])
def test_the_probe_is_the_validation_inputs_without_labels(request, part):
    by_level = request.getfixturevalue(part)
    for data in by_level.values():
        (probed,) = data.probe_set.tensors
        assert torch.equal(probed, by_level[0.0].validation_set.tensors[0])


def test_a_share_of_the_shuffled_labels_is_drawn_from_all_classes(mnist, shuffled):
    true = torch.from_numpy(mnist[2][:10_000]).long()
    changed = {level: data.train_set.tensors[1] != true for level, data in shuffled.items()}
    for level, rows in changed.items():
        assert share(rows) == pytest.approx(0.9 * level, abs=SLACK if level else 0)
    counts = shuffled[1.0].train_set.tensors[1].bincount(minlength=10)
    assert counts.double() / 10_000 == pytest.approx(torch.full((10,), 0.1).double(), abs=SLACK)


def test_a_label_that_is_random_stays_what_it_is_at_higher_levels(mnist, shuffled):
    true = torch.from_numpy(mnist[2][:10_000]).long()
    labels = [data.train_set.tensors[1] for data in shuffled.values()]
    for lower, higher in pairwise(labels):
        assert (higher == lower)[lower != true].all()


@pytest.mark.parametrize("level", SHUFFLED.levels)
def test_shuffled_validation_has_its_true_labels_and_all_images_are_gray(mnist, shuffled, level):
    inputs, labels = shuffled[level].validation_set.tensors
    np.testing.assert_array_equal(labels, mnist[2][10_000:])
    np.testing.assert_allclose(inputs[:, 0], mnist[1][10_000:, ::2, ::2] / 255, rtol=1e-6)
    np.testing.assert_allclose(shuffled[level].train_set.tensors[0][:, 0], mnist[1][:10_000, ::2, ::2] / 255, rtol=1e-6)


@pytest.mark.parametrize("experiment", [COLORED, SHUFFLED], ids=lambda experiment: experiment.name)
def test_another_seed_draws_other_labels(mnist, experiment):
    first, again, other = (experiment.make_data(mnist[0], 0.5, seed).train_set.tensors[1] for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_labels_are_shuffled_only_at_their_share():
    labels = np.arange(1000) % 7
    np.testing.assert_array_equal(shuffle_labels(labels, 0.0, 7, np.random.default_rng(0)), labels)
    drawn = shuffle_labels(labels, 1.0, 7, np.random.default_rng(0))
    assert sorted(set(drawn)) == list(range(7))
    assert (drawn != labels).mean() == pytest.approx(6 / 7, abs=0.05)


@pytest.mark.parametrize(("experiment", "logits"), [(COLORED, 1), (SHUFFLED, 10)], ids=["colored", "shuffled"])
def test_the_three_hidden_layers_are_measured_before_their_relu(request, experiment, logits):
    data = request.getfixturevalue(experiment.name.split("-")[0])[0.5]
    network = experiment.make_network(data, 0)
    inputs = data.probe_set.tensors[0][:40]
    assert network(inputs).shape == (40, logits)
    assert list(read_network(network, inputs, experiment.layers).layers) == [
        f"layers.linear{place}" for place in (1, 2, 3)
    ]
    report = measure(network, [inputs], experiment.layers, max_units=4, backend="reference")
    assert [layer.width for layer in report.layers] == [256, 256, 256]
    assert all(layer.value_range[0] < 0 for layer in report.layers)


def test_hidden_layers_begin_with_glorots_weights_and_no_biases():
    network = MLP(60, 4, width=140, depth=1)
    bound = (6 / (60 + 140)) ** 0.5
    assert network.layers.linear1.weight.detach().abs().max() == pytest.approx(bound, rel=0.01)
    assert not network.layers.linear1.bias.any()
    assert network.layers.logits.bias.any()


def test_levels_of_a_seed_begin_with_the_same_network(shuffled):
    first, second = (SHUFFLED.make_network(shuffled[level], 5).state_dict() for level in (0.0, 1.0))
    assert all(torch.equal(first[name], second[name]) for name in first)
