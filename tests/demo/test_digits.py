import numpy as np
import pytest
import torch

from lightning_infomem.demo.digits import LEVELS, colored_digits, shuffled_digits


def color_of(images):
    """Which of the two planes an image is in."""
    planes = images.reshape(len(images), 2, 64).sum(2)
    return (planes[:, 1] > planes[:, 0]).long()


@pytest.mark.parametrize("task", [colored_digits, shuffled_digits])
def test_levels_of_a_seed_share_images_probe_and_clean_data(task):
    first, last = task(0.0, seed=3), task(1.0, seed=3)
    assert torch.equal(first.probe, last.probe)
    for one, other in zip(first.clean.tensors, last.clean.tensors, strict=True):
        assert torch.equal(one, other)
    assert len(first.train) == 1197
    assert len(first.probe) == len(first.clean) == 600
    assert not torch.equal(first.probe, task(0.0, seed=4).probe)


@pytest.mark.parametrize("level", LEVELS)
def test_color_agrees_with_the_label_as_often_as_the_level_says(level):
    images, labels = colored_digits(level, seed=0).train.tensors
    agreement = (color_of(images) == labels).double().mean().item()
    # Binomial with 1,197 images: standard deviation at most .0145; four of them.
    assert agreement == pytest.approx((1 + level) / 2, abs=0.058)


def test_color_says_nothing_on_clean_images():
    images, labels = colored_digits(1.0, seed=0).clean.tensors
    assert (color_of(images) == labels).double().mean().item() == pytest.approx(0.5, abs=0.082)  # four of .0204


def test_a_quarter_of_the_labels_are_flipped_whatever_the_shortcut():
    # The clean labels of the held-out images are true; those to learn agree with the shape in three quarters.
    labels = [colored_digits(level, seed=0).train.tensors[1] for level in LEVELS]
    assert all(torch.equal(labels[0], other) for other in labels)


@pytest.mark.parametrize("level", LEVELS)
def test_a_share_of_labels_is_random(level):
    clean, noisy = (shuffled_digits(beta, seed=0).train.tensors[1] for beta in (0.0, level))
    changed = (clean != noisy).double().mean().item()
    assert changed == pytest.approx(0.9 * level, abs=0.058)  # a tenth of the drawn labels is right by chance


def test_the_probe_mixes_the_colors_of_all_levels():
    task = colored_digits(0.5, seed=0)
    true = task.clean.tensors[1]
    agreement = (color_of(task.probe) == true).double().mean().item()
    # On average colours follow the flipped label in 3/4, and that the true one in 3/4: 3/4 * 3/4 + 1/4 * 1/4.
    assert agreement == pytest.approx(0.625, abs=4 * np.sqrt(0.625 * 0.375 / 600))
