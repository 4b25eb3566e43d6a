"""Effective dimension of the samples: three measures from singular values."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lightning_infomem.functional.standardization import scale_to_one
from lightning_infomem.functional.usable_samples import usable_samples

__all__ = ["alpha_req", "participation_ratio", "rankme"]

_RANKME_EPSILON = 1e-7
_LAST_INDEX = 100


def rankme(samples: Tensor) -> Tensor:
    """Effective rank of the sample matrix: the exponential of the entropy of its normalised singular values.

    Units are not centred, so a large common mean pulls it towards 1. Compare it only between equal numbers of samples
    and units.

    Args:
        samples: ``[samples, units]``, floating point, any device; computed in float64.

    Returns:
        float64 scalar tensor, from 1 to ``min(samples, units)``. The paper's epsilon of 1e-7 shifts it by a relative
        2e-6 at most for each singular value. NaN if all samples are zero. Rows with a non-finite value are dropped for
        all units, with a warning; units without any finite value are ignored.

    Raises:
        TypeError: If ``samples`` is not a floating-point tensor.
        ValueError: If the shape is wrong or no row is finite.

    Cost:
        One singular value decomposition without vectors, ``samples * units * min(samples, units)``.

    Reference:
        Garrido et al. (2023), RankMe: assessing the downstream performance of pretrained self-supervised
        representations by their rank, ICML, eq. 1 and 2.

    >>> round(rankme(torch.eye(4)).item(), 3)
    4.0
    """
    kept, _, _ = usable_samples(samples)
    singular = torch.linalg.svdvals(_scaled(kept))
    share = singular / singular.sum() + _RANKME_EPSILON
    rank: Tensor = torch.special.entr(share).sum().exp()
    return rank


def participation_ratio(samples: Tensor) -> Tensor:
    """Number of directions that share the variance: ``sum(l)**2 / sum(l**2)`` for the covariance eigenvalues l.

    It is less sensitive to weak directions than `rankme`. Do not compare different numbers of samples.

    Args:
        samples: ``[samples, units]``, floating point, any device; computed in float64.

    Returns:
        float64 scalar tensor, from 1 to ``min(samples - 1, units)``. NaN if all units are constant. Rows with a
        non-finite value are dropped for all units, with a warning; units without any finite value are ignored.

    Raises:
        TypeError: If ``samples`` is not a floating-point tensor.
        ValueError: If the shape is wrong or no row is finite.

    Cost:
        One matrix product, ``samples * units * min(samples, units)``; no eigenvalues are computed.

    Reference:
        Gao et al. (2017), A theory of multineuronal dimensionality, dynamics and measurement, eq. 5.

    >>> round(participation_ratio(torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])).item(), 4)
    2.0
    """
    kept, _, _ = usable_samples(samples)
    gram = _covariance_gram(kept)
    # The two sums are the trace and the squared Frobenius norm.
    return gram.trace().square() / gram.square().sum()


def alpha_req(samples: Tensor) -> Tensor:
    """Exponent of the power-law decay of the covariance eigenvalues: ``l_i ~ i**-alpha``.

    Values of about 1 are said to be good; larger values mean fewer dimensions. Do not use it for layers with few units,
    and give several times more samples than units: too few samples bend the end of the spectrum down and alpha up.

    A line is fitted by least squares in log-log coordinates, over the indices from 5 to 100 (counted from 1) or up to
    the last nonzero eigenvalue. The largest four eigenvalues hold what all samples have in common and seldom lie on the
    line; the far tail is noise. With fewer than 16 eigenvalues only the largest quarter, rounded down, is skipped.

    Args:
        samples: ``[samples, units]``, floating point, any device; computed in float64.

    Returns:
        float64 scalar tensor. Eigenvalues below ``max(samples, units) * 2**-52`` of the largest are zero up to rounding
        and are ignored; NaN if fewer than two remain. Rows with a non-finite value are dropped for all units, with a
        warning; units without any finite value are ignored.

    Raises:
        TypeError: If ``samples`` is not a floating-point tensor.
        ValueError: If the shape is wrong or no row is finite.

    Cost:
        Eigenvalues of a matrix of size ``min(samples, units)``.

    Reference:
        Agrawal et al. (2022), alpha-ReQ: assessing representation quality in self-supervised learning by measuring
        eigenspectrum decay, NeurIPS. Departure: the range of indices; theirs suits one wide layer at a time.

    >>> axes = torch.cat([torch.eye(3), -torch.eye(3)])  # one eigenvalue per axis: the square of its length
    >>> round(alpha_req(axes / torch.tensor([1.0, 2.0, 3.0])).item(), 4)
    2.0
    """
    kept, _, _ = usable_samples(samples)
    eigenvalues = torch.linalg.eigvalsh(_covariance_gram(kept)).flip(0)
    eigenvalues = eigenvalues[eigenvalues > eigenvalues[0] * max(kept.shape) * torch.finfo(torch.float64).eps]
    skipped = min(4, len(eigenvalues) // 4)
    heights = eigenvalues[skipped:_LAST_INDEX].log()
    if len(heights) < 2:
        return torch.full((), math.nan, dtype=torch.float64, device=samples.device)
    places = torch.arange(skipped + 1, skipped + 1 + len(heights), device=heights.device).double().log()
    places -= places.mean()
    exponent: Tensor = -(places * heights).sum() / places.square().sum()
    return exponent


def _scaled(samples: Tensor) -> Tensor:
    """Float64 samples scaled by a power of two: all three measures ignore the scale, and squares must not overflow."""
    samples = samples.detach().double()
    return scale_to_one(samples, samples.abs().max())


def _covariance_gram(samples: Tensor) -> Tensor:
    """Smaller of the two Gram matrices of the centred samples; its eigenvalues are proportional to the covariance's."""
    samples = _scaled(samples)
    varying = samples.amin(0) != samples.amax(0)
    # Centre twice: the mean itself is rounded, and a constant unit must become exactly zero.
    centred = samples - samples.mean(0)
    centred = (centred - centred.mean(0)) * varying
    centred = _scaled(centred)
    return centred.T @ centred if centred.shape[1] <= centred.shape[0] else centred @ centred.T
