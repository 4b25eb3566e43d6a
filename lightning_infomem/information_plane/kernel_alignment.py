"""Alignment of Gaussian kernels of several widths with the label kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["kernel_alignments"]

_CHUNK_BYTES = 1 << 24  # a block that fits in the cache is read from memory once for all widths


def kernel_alignments(distances: Tensor, labels: Tensor, widths: Sequence[float], *, label_width: float) -> Tensor:
    """Alignment ``<K, L> / (|K| |L|)`` of ``K = exp(-d^2 / width^2)`` with the kernel L of one-hot labels.

    Kernels are not centred. The authors' public program computes twice the base-2 logarithm of this value.

    Args:
        distances: Squared distances, float64 ``[samples, samples]``.
        labels: Class numbers from 0, int64 ``[samples]``.
        widths: Positive kernel widths to compare.
        label_width: Positive width of the label kernel.

    Returns:
        float64 ``[widths]``, above 0 and at most 1.

    Cost:
        One exponential per pair of samples and width. Memory: 16 MiB, plus the distances.

    Reference:
        Cristianini, Shawe-Taylor, Elisseeff & Kandola 2001, definition of alignment; Wickstrom et al. 2019, its use for
        widths.

    >>> far = torch.tensor([[0.0, 1e9], [1e9, 0.0]], dtype=torch.float64)
    >>> kernel_alignments(far, torch.tensor([0, 1]), [1.0], label_width=0.1)
    tensor([1.], dtype=torch.float64)
    """
    num_samples = len(distances)
    between = math.exp(-2 / label_width**2)
    members = torch.nn.functional.one_hot(labels).double()
    sums = torch.zeros(3, len(widths), dtype=torch.float64, device=distances.device)  # within classes, all, squares
    chunk = max(1, _CHUNK_BYTES // (8 * num_samples))
    for start in range(0, num_samples, chunk):
        block, owners = distances[start : start + chunk], members[start : start + chunk]
        kernel = torch.empty_like(block)
        for at, width in enumerate(widths):
            torch.mul(block, -1 / width**2, out=kernel).exp_()
            by_class = kernel @ members
            sums[0, at] += (by_class * owners).sum()
            sums[1, at] += by_class.sum()
            sums[2, at] += torch.dot(kernel.flatten(), kernel.flatten())
    product = sums[0] + between * (sums[1] - sums[0])
    pairs_within = float(members.sum(0).square().sum())
    label_norm = math.sqrt(pairs_within + between**2 * (num_samples**2 - pairs_within))
    return product / (sums[2].sqrt() * label_norm)
