"""Add a known amount of noise to images or labels: missing pixels, missing objects, or wrong labels."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_infomem._checks import check_classes, check_count, check_finite, describe
from lightning_infomem._errors import UsageTypeError, UsageValueError

__all__ = ["massart_labels", "missing_objects", "missing_pixels"]


def missing_pixels(images: Tensor, fraction: float, *, blank: float = 0.0, seed: int = 0) -> Tensor:
    """Blank a fraction of the pixels of every image ("missing pixels" in the reference).

    Each image loses different pixels. The remaining ones still identify the class, but carry less information. Do not
    use it for inputs whose columns are not pixels, such as counts.

    Args:
        images: Floating-point ``[samples, pixels]``, ``[samples, height, width]`` or
            ``[samples, channels, height, width]``, on any device; not modified. All channels of a pixel are blanked.
        fraction: Fraction of the pixels to blank, 0 to 1: exactly ``round(fraction * pixels)`` per image, whether or
            not they were blank before.
        blank: Value of a missing pixel. For standardised images, use the value of their background.
        seed: Seed for the choice of pixels, which is the same on every device; the global generators are left
            unchanged. Use another seed for other images, such as held-out ones.

    Returns:
        A new tensor like ``images``.

    Raises:
        TypeError: ``images`` is not a floating-point tensor.
        ValueError: ``images`` has another number of dimensions, or ``fraction`` lies outside of 0 to 1.

    Cost:
        12 bytes per pixel of all images: a random number and an index.

    Reference:
        Model information as an analysis tool in deep learning (ICLR 2021 submission), table 2.

    >>> missing_pixels(torch.ones(3, 8), 0.25).sum(1)
    tensor([6., 6., 6.])
    """
    _check_images(images)
    _check_share(fraction)
    has_channels = images.ndim == 4
    shape = images[:, 0].shape if has_channels else images.shape
    num_pixels = shape[1:].numel()
    draws = torch.rand(len(images), num_pixels, generator=_generator(seed))
    chosen = draws.topk(round(fraction * num_pixels), dim=1).indices
    missing = torch.zeros(len(images), num_pixels, dtype=torch.bool).scatter_(1, chosen, True).reshape(shape)
    missing = missing[:, None] if has_channels else missing
    return images.masked_fill(missing.to(images.device), check_finite(blank, name="blank"))


def missing_objects(images: Tensor, fraction: float, *, blank: float = 0.0, seed: int = 0) -> Tensor:
    """Blank a fraction of the images and keep their labels ("missing objects" in the reference).

    The other images identify the class as before; the class of a blank image can only be guessed.

    Args:
        images: Floating-point ``[samples, ...]``, on any device; not modified.
        fraction: Fraction of the images to blank, 0 to 1: exactly ``round(fraction * samples)`` of them.
        blank: Value of every pixel of a blank image; see `missing_pixels`.
        seed: Seed for the choice of images; see `missing_pixels`.

    Returns:
        A new tensor like ``images``.

    Raises:
        TypeError: ``images`` is not a floating-point tensor.
        ValueError: ``images`` has another number of dimensions, or ``fraction`` lies outside of 0 to 1.

    Reference:
        As `missing_pixels`, table 3. The reference does not say what replaces an object; here nothing does.

    >>> missing_objects(torch.ones(8, 2), 0.25).sum()
    tensor(12.)
    """
    _check_images(images)
    chosen = _choose(len(images), _check_share(fraction), _generator(seed))
    return images.index_fill(0, chosen.to(images.device), check_finite(blank, name="blank"))


def massart_labels(labels: Tensor, fraction: float, *, num_classes: int, seed: int = 0) -> Tensor:
    """Replace a fraction of the labels by wrong ones, uniformly over the other classes ("Massart" noise).

    Massart noise changes the label of each sample with a probability of at most a bound, at which the true class is
    still the most likely. This is the simplest case, where every sample is at the bound.

    Args:
        labels: int64 ``[samples]``, below ``num_classes``, on any device; not modified.
        fraction: Fraction of the labels to change, at least 0 and below ``1 - 1 / num_classes``, where labels would
            carry no information. **Exactly** ``round(fraction * samples)`` labels **become wrong**; all samples are
            equally likely to be chosen.
        num_classes: Number of classes, at least 2.
        seed: Seed for the choice of samples and wrong labels; see `missing_pixels`.

    Returns:
        A new tensor like ``labels``.

    Raises:
        TypeError, ValueError: ``labels`` holds no valid labels, or ``fraction`` is not below the bound.

    Reference:
        As `missing_pixels`, table 4; Massart and Nedelec (2006), Risk bounds for statistical learning, Annals of
        Statistics 34.

    >>> labels = torch.arange(10)
    >>> (massart_labels(labels, 0.3, num_classes=10) != labels).sum()
    tensor(3)
    """
    check_classes(labels)
    check_count(num_classes, name="num_classes", minimum=2)
    if int(labels.amax()) >= num_classes:
        raise UsageValueError(
            f"labels: class numbers below num_classes={num_classes} are required, got {int(labels.amax())}; raise "
            "num_classes."
        )
    remedy = "above, the true class would not be the most likely: draw uninformative labels with torch.randint"
    check_finite(fraction, name="fraction", minimum=0, below=1 - 1 / num_classes, remedy=remedy)
    generator = _generator(seed)
    wrong = _choose(len(labels), fraction, generator).to(labels.device)
    steps = torch.randint(1, num_classes, (len(wrong),), generator=generator).to(labels.device)
    changed = labels.clone()
    changed[wrong] = (labels[wrong] + steps) % num_classes
    return changed


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(check_count(seed, name="seed", minimum=0))


def _choose(count: int, fraction: float, generator: torch.Generator) -> Tensor:
    """Choose indices. With one seed, larger choices contain the smaller ones, so noise grows instead of moving."""
    return torch.randperm(count, generator=generator)[: round(fraction * count)]


def _check_share(fraction: float) -> float:
    return check_finite(fraction, name="fraction", minimum=0, maximum=1, remedy="divide percentages by 100")


def _check_images(images: object) -> None:
    if not isinstance(images, Tensor) or not images.is_floating_point():
        raise UsageTypeError(
            f"images: a floating-point torch tensor [samples, ...] is required, got {describe(images)}; convert it, "
            "and divide bytes by 255."
        )
    if images.ndim not in (2, 3, 4):
        raise UsageValueError(
            "images: [samples, pixels], [samples, height, width] or [samples, channels, height, width] is required, "
            f"got {describe(images)}; reshape them."
        )
