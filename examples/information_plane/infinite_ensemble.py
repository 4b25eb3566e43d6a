"""Ensembles of infinitely wide random networks, whose outputs are jointly normal: closed forms."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lightning_infomem._checks import check_count, check_samples, describe

__all__ = ["ensemble_information", "infinite_relu_kernel"]


def infinite_relu_kernel(
    inputs: Tensor, *, layers: int = 1, weight_variance: float = 2.0, bias_variance: float = 0.0
) -> Tensor:
    """Covariance of the outputs of infinitely wide random networks with rectifiers, on given inputs.

    Of networks at their start; training changes it.

    Args:
        inputs: ``[samples, units]``, floating point.
        layers: of rectifiers; 0 is a linear network.
        weight_variance: of all weights, times the number of units that they join; 2 keeps the scale.
        bias_variance: of all biases.

    Returns:
        float64 ``[samples, samples]``, on the device of the inputs.

    Raises:
        TypeError, ValueError: inputs that are no such tensor, variances that are not positive or below 0.

    Cost:
        ``samples**2 * (units + layers)``; three such matrices.

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
        raise ValueError(f"bias_variance: a number of at least 0 is required, got {bias_variance!r}; 0 is none.")
    values = inputs.detach().double()
    kernel = bias_variance + weight_variance * (values @ values.T) / values.shape[1]
    for _ in range(layers):
        sizes = kernel.diagonal().sqrt()
        scale = sizes[:, None] * sizes
        cosine = torch.where(scale > 0, kernel / scale, torch.zeros_like(kernel)).clamp(-1, 1)
        cosine.fill_diagonal_(1.0)  # rounding there would show in the square root of what is missing to 1
        angle = cosine.acos()
        second_moment = scale * (angle.sin() + (math.pi - angle) * cosine) / (2 * math.pi)
        kernel = bias_variance + weight_variance * second_moment
    return kernel


def ensemble_information(kernel: Tensor, *, noise: float) -> float:
    """Mutual information of noisy outputs with the network that gave them: ``1/2 sum ln(1 + eigenvalue / noise)``.

    A known value to hold estimators against. Of a linear network of normal weights it is the normal-linear form of
    `ReplicaLinear`, with the inputs in the place of W.

    Args:
        kernel: covariance of the outputs without noise, ``[samples, samples]``.
        noise: variance of the noise on each output.

    Returns:
        Nats; 0 for a kernel of zeros.

    Raises:
        TypeError, ValueError: a kernel that is no symmetric matrix without negative eigenvalues, or no positive noise.

    Cost:
        The eigenvalues of the kernel, ``samples**3``.

    Reference:
        Cover & Thomas 2006 (parallel normal channels); Shwartz-Ziv & Alemi 2020, Information in infinite
        ensembles of infinitely-wide neural networks, for what else is closed there.

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
