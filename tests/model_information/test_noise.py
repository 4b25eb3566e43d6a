from __future__ import annotations

import math

import pytest
import torch

from lightning_infomem.model_information import massart_labels, missing_objects, missing_pixels

IMAGES = torch.rand(200, 3, 5, 8, generator=torch.Generator().manual_seed(7)) + 0.5  # none is 0
LABELS = torch.arange(2000) % 5


@pytest.mark.parametrize("images", [IMAGES, IMAGES[:, 0], IMAGES[:, 0].flatten(1)], ids=["4d", "3d", "2d"])
def test_as_many_pixels_of_every_image_are_missing_in_all_channels_and_others_stay(images):
    noisy = missing_pixels(images, 0.2)
    missing = noisy == 0
    by_pixel = missing.all(1) if images.ndim == 4 else missing
    assert by_pixel.flatten(1).sum(1).tolist() == [8] * 200
    if images.ndim == 4:
        assert torch.equal(missing, missing[:, :1].expand_as(missing))
    assert torch.equal(noisy[~missing], images[~missing])
    assert len(torch.unique(by_pixel.flatten(1).int(), dim=0)) > 150  # chosen anew for each image


def test_every_pixel_is_missing_alike_often():
    counts = (missing_pixels(torch.ones(4000, 20), 0.25) == 0).sum(0)
    assert (counts - 1000).abs().max() < 5 * math.sqrt(4000 * 0.25 * 0.75)  # five deviations of a binomial


def test_as_many_images_miss_their_object_and_others_stay():
    noisy = missing_objects(IMAGES, 0.3, blank=-1.0)
    blank = (noisy == -1).flatten(1).all(1)
    assert int(blank.sum()) == 60
    assert torch.equal(noisy[~blank], IMAGES[~blank])


def test_exactly_the_fraction_of_labels_becomes_wrong_and_the_other_classes_are_alike_often():
    noisy = massart_labels(LABELS, 0.4, num_classes=5)
    wrong = noisy != LABELS
    assert int(wrong.sum()) == 800
    steps = torch.bincount((noisy - LABELS)[wrong] % 5, minlength=5)
    assert steps[0] == 0
    assert (steps[1:] - 200).abs().max() < 5 * math.sqrt(800 * 0.25 * 0.75)
    assert (torch.bincount(LABELS[wrong]) - 160).abs().max() < 5 * math.sqrt(800 * 0.2 * 0.8)


@pytest.mark.parametrize(
    "add",
    [
        lambda fraction, seed: missing_pixels(IMAGES, fraction, seed=seed),
        lambda fraction, seed: missing_objects(IMAGES, fraction, seed=seed),
        lambda fraction, seed: massart_labels(LABELS, fraction, num_classes=5, seed=seed),
    ],
    ids=["missing_pixels", "missing_objects", "massart_labels"],
)
def test_noise_is_the_seeds_alone_grows_with_the_fraction_and_changes_nothing_in_place(add):
    images, labels, state = IMAGES.clone(), LABELS.clone(), torch.get_rng_state()
    some, more = add(0.1, 3), add(0.3, 3)
    assert torch.equal(some, add(0.1, 3))
    assert not torch.equal(some, add(0.1, 4))
    clean = add(0.0, 3)
    assert torch.equal(clean, IMAGES if clean.ndim > 1 else LABELS)
    was_changed = some != clean
    assert torch.equal(some[was_changed], more[was_changed])
    assert torch.equal(images, IMAGES)
    assert torch.equal(labels, LABELS)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(
    ("call", "fault", "message"),
    [
        (
            lambda: missing_pixels(IMAGES, 20),
            ValueError,
            "fraction: a finite number >= 0 and <= 1 .* got 20; divide",
        ),
        (lambda: missing_objects(IMAGES, math.nan), ValueError, "fraction: a finite number"),
        (lambda: missing_pixels(IMAGES.byte(), 0.2), TypeError, "images: a floating-point .* divide bytes by 255"),
        (lambda: missing_pixels(IMAGES[0, 0, 0], 0.2), ValueError, r"images: \[samples, pixels\], .* reshape them"),
        (
            lambda: massart_labels(LABELS, 0.8, num_classes=5),
            ValueError,
            "number >= 0 and < 0.8 is required, got 0.8",
        ),
        (lambda: massart_labels(LABELS, 0.1, num_classes=4), ValueError, "below num_classes=4 are required, got 4"),
        (lambda: massart_labels(LABELS.float(), 0.1, num_classes=5), TypeError, "labels: an int64 torch tensor"),
    ],
)
def test_wrong_input_is_refused(call, fault, message):
    with pytest.raises(fault, match=message):
        call()
