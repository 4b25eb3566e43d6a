import pytest
import torch

from examples.choosing.neighbors import leave_one_out_accuracy, nearest_examples


def test_neighbors_are_nearest_in_direction_from_the_mean():
    examples = torch.tensor([[10.0, 11.0], [11.0, 10.0], [10.0, 9.0], [9.0, 10.0]])  # around (10, 10)
    inputs = torch.tensor([[10.0, 90.0], [7.0, 9.0]])
    assert nearest_examples(inputs, examples, 1).tolist() == [[0], [3]]
    assert nearest_examples(inputs, examples, 4)[1].tolist() == [3, 2, 0, 1]


def test_images_are_flattened():
    images = torch.randn(30, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(nearest_examples(images, images, 5), nearest_examples(images.flatten(1), images.flatten(1), 5))


def test_no_example_is_its_own_neighbor():
    examples = torch.randn(1500, 3, generator=torch.Generator().manual_seed(0))
    nearest = nearest_examples(examples, examples, 5, are_examples=True)
    assert not (nearest == torch.arange(1500)[:, None]).any()
    assert (nearest_examples(examples, examples, 1)[:, 0] == torch.arange(1500)).all()


def test_a_wrong_label_is_outvoted_by_its_neighbors():
    angles = torch.cat([torch.linspace(0, 0.5, 10), torch.linspace(3.2, 3.7, 10)])
    examples = torch.stack([angles.cos(), angles.sin()], 1)
    labels = torch.tensor([0] * 10 + [1] * 10)
    assert leave_one_out_accuracy(examples, labels) == 1
    labels[4] = 1
    assert leave_one_out_accuracy(examples, labels) == pytest.approx(0.95)


def test_of_equal_votes_the_nearer_win():
    angles = torch.tensor([0.0, 0.1, 0.25, 3.0])
    examples = torch.stack([angles.cos(), angles.sin()], 1)
    # The two nearest of the first example are the second and the third.
    assert leave_one_out_accuracy(examples, torch.tensor([1, 1, 0, 2]), 2) == pytest.approx(0.5)
