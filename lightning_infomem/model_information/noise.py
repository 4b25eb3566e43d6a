"""Noise of three kinds, of known amount, to put into images or labels: in the pixels, in the objects, in the labels."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_infomem._checks import check_classes, check_count, check_finite, describe

__all__ = ["massart_labels", "missing_objects", "missing_pixels"]


def missing_pixels(images: Tensor, fraction: float, *, blank: float = 0.0, seed: int = 0) -> Tensor:
    """Blank some pixels of every image, chosen anew for each: "missing pixels" in the reference.

    What is left still tells the class, but less of it. Not for inputs whose columns are no pixels, such as counts.

    Args:
        images: floating point ``[samples, pixels]``, ``[samples, height, width]`` or
            ``[samples, channels, height, width]``, any device; not changed. All channels of a pixel are blanked.
        fraction: of the pixels of an image, 0 to 1: exactly ``round(fraction * pixels)`` of each are blanked, whether
            or not they were blank before.
        blank: value of a missing pixel. Where images are standardised, that of their background.
        seed: of the choice, the same on every device; the global generators are left as they were. Take another one
            for other images, such as those held out.

    Returns:
        A new tensor like ``images``.

    Raises:
        TypeError: no floating-point tensor.
        ValueError: another number of dimensions, or a fraction beyond 0 and 1.

    Cost:
        A random number and an index for each pixel of all images, 12 bytes.

    Reference:
        Model information as an analysis tool in deep learning (ICLR 2021 submission), table 2.

    >>> missing_pixels(torch.ones(3, 8), 0.25).sum(1)
    tensor([6., 6., 6.])
    """
    _check_images(images)
    _check_share(fraction)
    channels = 1 if images.ndim == 4 else None
    shape = [len(images), *(images.shape[1:] if channels is None else images.shape[2:])]
    num_pixels = int(torch.Size(shape[1:]).numel())
    draws = torch.rand(len(images), num_pixels, generator=_generator(seed))
    chosen = draws.topk(round(fraction * num_pixels), dim=1).indices
    missing = torch.zeros(len(images), num_pixels, dtype=torch.bool).scatter_(1, chosen, True).reshape(shape)
    if channels is not None:
        missing = missing[:, None]
    return images.masked_fill(missing.to(images.device), float(check_finite(blank, name="blank")))


def missing_objects(images: Tensor, fraction: float, *, blank: float = 0.0, seed: int = 0) -> Tensor:
    """Replace some images by ones without an object; labels stay as they are: "missing objects" in the reference.

    What is left of the images tells the class as before; of the blank ones it can only be guessed.

    Args:
        images: floating point ``[samples, ...]``, any device; not changed.
        fraction: of the images, 0 to 1: exactly ``round(fraction * samples)`` of them become blank.
        blank: value of every pixel of such an image; see `missing_pixels`.
        seed: of the choice; see `missing_pixels`.

    Returns:
        A new tensor like ``images``.

    Raises:
        TypeError: no floating-point tensor.
        ValueError: another number of dimensions, or a fraction beyond 0 and 1.

    Reference:
        As `missing_pixels`, table 3. What stands there in the place of an object is not told; here nothing does.

    >>> missing_objects(torch.ones(8, 2), 0.25).sum()
    tensor(12.)
    """
    _check_images(images)
    changed = images.clone()
    changed[_some(len(images), _check_share(fraction), _generator(seed)).to(images.device)] = check_finite(
        blank, name="blank"
    )
    return changed


def massart_labels(labels: Tensor, fraction: float, *, num_classes: int, seed: int = 0) -> Tensor:
    """Make some labels wrong, each the other classes alike: "Massart" noise in the reference.

    Massart noise changes the label of each sample with a probability of at most a bound, at which the true class is
    still the likeliest. This is its simplest case, where every sample is at the bound.

    Args:
        labels: int64 ``[samples]``, below ``num_classes``, any device; not changed.
        fraction: of the labels, from 0 to below ``1 - 1 / num_classes``, at which they would tell nothing: **exactly**
            ``round(fraction * samples)`` of them **become wrong**, none by chance right again, each sample as probably
            as any other.
        num_classes: that there are, at least 2.
        seed: of both choices; see `missing_pixels`.

    Returns:
        A new tensor like ``labels``.

    Raises:
        TypeError, ValueError: no labels, one beyond the classes, or a fraction that is not below the bound.

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
        raise ValueError(
            f"labels: class numbers below num_classes={num_classes} are required, got {int(labels.amax())}; raise "
            "num_classes."
        )
    bound = 1 - 1 / num_classes
    if _check_share(fraction) >= bound:
        raise ValueError(
            f"fraction: a share below {bound:g} is required with {num_classes} classes, so that the true one stays the "
            f"likeliest, got {fraction}; for labels that tell nothing draw them with torch.randint."
        )
    generator = _generator(seed)
    wrong = _some(len(labels), fraction, generator).to(labels.device)
    steps = torch.randint(1, num_classes, (len(wrong),), generator=generator).to(labels.device)
    changed = labels.clone()
    changed[wrong] = (labels[wrong] + steps) % num_classes
    return changed


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(check_count(seed, name="seed", minimum=0))


def _some(count: int, fraction: float, generator: torch.Generator) -> Tensor:
    """Places of some samples. Of one seed more of them hold the fewer, so that noise grows and does not move."""
    return torch.randperm(count, generator=generator)[: round(fraction * count)]


def _check_share(fraction: float) -> float:
    if not 0 <= check_finite(fraction, name="fraction") <= 1:
        raise ValueError(f"fraction: a share between 0 and 1 is required, got {fraction}; divide percentages by 100.")
    return fraction


def _check_images(images: object) -> None:
    if not isinstance(images, Tensor) or not images.is_floating_point():
        raise TypeError(
            f"images: a floating-point torch tensor [samples, ...] is required, got {describe(images)}; convert it, "
            "and divide bytes by 255."
        )
    if images.ndim not in (2, 3, 4):
        raise ValueError(
            "images: [samples, pixels], [samples, height, width] or [samples, channels, height, width] is required, "
            f"got {describe(images)}; reshape them."
        )
