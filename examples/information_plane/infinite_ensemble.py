"""Closed forms for ensembles of infinitely wide random networks, whose outputs are jointly normal."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lightning_infomem._checks import check_count, check_samples, describe

__all__ = ["ensemble_information", "infinite_relu_kernel"]


def infinite_relu_kernel(
    inputs: Tensor, *, layers: int = 1, weight_variance: float = 2.0, bias_variance: float = 0.0
) -> Tensor:
    """Covariance of the outputs of infinitely wide random ReLU networks on given inputs.

    It describes networks at initialisation; training changes it.

    Args:
        inputs: Inputs of the networks, floating point ``[samples, units]``.
        layers: Number of ReLU layers; 0 is a linear network.
        weight_variance: Variance of all weights times the number of units they connect; 2 keeps the scale.
        bias_variance: Variance of all biases.

    Returns:
        float64 ``[samples, samples]``, on the device of the inputs.

    Raises:
        TypeError, ValueError: If the inputs are not such a tensor, ``weight_variance`` is not positive or
            ``bias_variance`` is negative.

    Cost:
        Time ``samples**2 * (units + layers)``. Memory: three such matrices.

    Reference:
        Cho & Saul 2009 (n = 1); Lee et al. 2018, Deep neural networks as Gaussian processes, for
        the recursion over layers.

    >>> infinite_relu_kernel(torch.eye(2, dtype=torch.float64)).round(decimals=6).tolist()  # at right angles: 1 / pi
    [[1.0, 0.31831], [0.31831, 1.0]]
    """
    check_samples(inputs, name="inputs")
    check_count(layers, name="layers", minimum=0)
    if not 0 < weight_variance < math.inf:
        raise ValueError(f"weight_variance: a positive number is required, got {weight_variance!r}; 2 keeps the scale.")
    if not 0 <= bias_variance < math.inf:
        raise ValueError(f"bias_variance: a number of at least 0 is required, got {bias_variance!r}; 0 is no bias.")
    values = inputs.detach().double()
    kernel = bias_variance + weight_variance * (values @ values.T) / values.shape[1]
    for _ in range(layers):
        sizes = kernel.diagonal().sqrt()
        scale = sizes[:, None] * sizes
        cosine = torch.where(scale > 0, kernel / scale, torch.zeros_like(kernel)).clamp(-1, 1)
        cosine.fill_diagonal_(1.0)  # rounding here would be amplified by the square root of 1 - cosine
        angle = cosine.acos()
        second_moment = scale * (angle.sin() + (math.pi - angle) * cosine) / (2 * math.pi)
        kernel = bias_variance + weight_variance * second_moment
    return kernel


def ensemble_information(kernel: Tensor, *, noise: float) -> float:
    """Mutual information of noisy outputs with the network that gave them: ``1/2 sum ln(1 + eigenvalue / noise)``.

    It is a known value to test estimators against. For a linear network with normal weights it equals the normal-linear
    case of `ReplicaLinear`, with the inputs in place of W.

    Args:
        kernel: Covariance of the noise-free outputs, ``[samples, samples]``.
        noise: Variance of the noise on each output.

    Returns:
        The information in nats; 0 for a kernel of zeros.

    Raises:
        TypeError, ValueError: If the kernel is not a symmetric matrix without negative eigenvalues, or the noise is not
            positive.

    Cost:
        The eigenvalues of the kernel, ``samples**3``.

    Reference:
        Cover & Thomas 2006 (parallel normal channels); Shwartz-Ziv & Alemi 2020, Information in infinite
        ensembles of infinitely-wide neural networks, for other closed forms.

    >>> round(ensemble_information(torch.eye(4, dtype=torch.float64), noise=1.0), 6)  # 2 ln 2
    1.386294
    """
    check_samples(kernel, name="kernel")
    values = kernel.detach().double()
    if len(values) != values.shape[1] or not torch.allclose(values, values.T, atol=1e-6 * float(values.abs().max())):
        raise ValueError(f"kernel: a symmetric matrix is required, got {describe(kernel)}; pass a covariance.")
    if not 0 < noise < math.inf:
        raise ValueError(f"noise: a positive variance is required, got {noise!r}; without noise the value is infinite.")
    eigenvalues = torch.linalg.eigvalsh(values)
    if float(eigenvalues[0]) < -1e-6 * float(eigenvalues.abs().max()):
        raise ValueError(
            f"kernel: eigenvalues of at least 0 are required, got {float(eigenvalues[0]):.3g}; pass a covariance."
        )
    return 0.5 * float(torch.log1p(eigenvalues.clamp_min(0) / noise).sum())
