"""Information of a wide random layer about its input, by the replica formula."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from examples.information_plane.replica_channels import Channel, LinearChannel
from examples.information_plane.replica_priors import NormalPrior, Prior
from lightning_infomem._checks import check_count, describe

__all__ = ["ReplicaInformation", "ReplicaLinear"]

_TOLERANCE = 1e-9  # relative, for the fixed point; the information is stationary there, so it is far more accurate
_LEAST_ERROR = 1e-100


class ReplicaInformation(NamedTuple):
    """Result of the replica formula.

    Attributes:
        information: I(X;Y) in nats per input; multiply by the number of inputs for the whole layer.
        error: Mean squared error of the best estimate of an input from the layer.
        is_unique: Whether searches from full and from no knowledge found the same value; otherwise this is the lower
            one.
    """

    information: float
    error: float
    is_unique: bool


@dataclass(frozen=True)
class ReplicaLinear:
    """Mutual information of ``y = channel(W x)`` with ``x``, for a wide rotationally invariant W.

    This is a reference to test estimators against, computed from the singular values of W alone. It is not an estimate
    from samples; for those use the estimators of the plane. It is exact in the limit of many inputs and units: proven
    for normal W, by the replica method for others. Do not use it for trained weights whose singular vectors depend on
    the data.

    Args:
        prior: Distribution of each input.
        channel: Distribution of each unit given its sum.
        max_steps: Largest number of iterations.

    Raises:
        TypeError, ValueError: If ``max_steps`` is not a count or too small for convergence, or the values are not a
            spectrum.

    Cost:
        About ten iterations over some thousand points plus the number of inputs; negligible memory.

    Reference:
        Gabrie et al. 2018, Entropy and mutual information in models of deep neural networks, for one layer, here
        with the spherical integral expressed by its own two saddle points. Not implemented: several layers, and noise
        after the rectifier.

    >>> eigenvalues = torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64)
    >>> found = ReplicaLinear(channel=LinearChannel(0.1)).information(eigenvalues, ratio=2.0)
    >>> expected = 0.5 * torch.log1p(eigenvalues / 0.1).mean()  # closed form for normal inputs
    >>> round(found.information, 9) == round(expected.item(), 9)
    True
    """

    prior: Prior = field(default_factory=NormalPrior)
    channel: Channel = field(default_factory=LinearChannel)
    max_steps: int = 2000

    def __post_init__(self) -> None:
        check_count(self.max_steps, name="max_steps")

    def of_weights(self, weights: Tensor) -> ReplicaInformation:
        """Information of a layer with given weights.

        Args:
            weights: Weights ``[units, inputs]`` with entries of order ``1 / sqrt(inputs)``.
        """
        if not isinstance(weights, Tensor) or weights.ndim != 2 or not weights.is_floating_point():
            raise TypeError(
                f"ReplicaLinear: weights: floats of shape [units, inputs] are required, got {describe(weights)}; "
                "flatten the weights of a convolution."
            )
        units, inputs = weights.shape
        values = torch.linalg.svdvals(weights.detach().double()).square()
        none = torch.zeros(inputs - len(values), dtype=torch.float64, device=values.device)
        return self.information(torch.cat([values, none]), ratio=units / inputs)

    def information(self, eigenvalues: Tensor, *, ratio: float) -> ReplicaInformation:
        """Information of a layer with a given spectrum.

        Args:
            eigenvalues: Eigenvalues of ``W^T W``, ``[inputs]``, including zeros.
            ratio: Number of units divided by number of inputs.
        """
        values = torch.as_tensor(eigenvalues).detach().double().flatten()
        if len(values) == 0 or not bool(torch.isfinite(values).all()) or float(values.min()) < 0 or not values.any():
            raise ValueError(
                f"ReplicaLinear: eigenvalues: finite ones of at least 0, not all 0, are required, got {values.tolist()}"
                "; pass the squared singular values of W."
            )
        rank = float((values > 0).double().mean())
        if not rank - 1e-9 <= ratio < math.inf:
            raise ValueError(
                f"ReplicaLinear: ratio: units over inputs, at least the share of eigenvalues above 0, {rank:.3g}, is "
                f"required, got {ratio!r}; a layer has at most as many as units."
            )
        total = self.prior.variance * float(values.mean()) / ratio  # variance of a unit's sum
        ends = [(1e4 / self.prior.variance, 1e-4 * total), (1e-6 / self.prior.variance, (1 - 1e-6) * total)]
        found = [self._search(values.numpy(), ratio, total, *end) for end in ends]
        lower = min(found)
        return ReplicaInformation(*lower, abs(found[0][0] - found[1][0]) <= 1e-6 * max(1.0, abs(lower[0])))

    def _search(
        self,
        values: np.ndarray[tuple[int], np.dtype[np.float64]],
        ratio: float,
        total: float,
        precision: float,
        unknown: float,
    ) -> tuple[float, float]:
        """Iterate from a precision of the prior's noise and an unknown part of the units' sums; return value and error.

        Each step solves the scalar problem of an input (``precision`` -> ``error``), that of a unit (``unknown`` ->
        ``fisher``) and the normal problem with the same errors, where inputs have precision ``inverse`` and noise of
        variance ``spread`` replaces the channel; the spectrum solves the last. Differences of close numbers are
        expanded.
        """
        for _ in range(self.max_steps):
            _, error = self.prior.scalar(precision)
            _, fisher = self.channel.known_part(unknown, total)
            error = max(
                error, _LEAST_ERROR
            )  # a smaller error overflows its inverse but does not change the information
            inverse, spread = 1 / error - precision, 1 / fisher - unknown
            share = values / (inverse * spread + values)
            renewed = float(share.mean() / np.mean(1 / (inverse + values / spread)))
            left = min(spread * float(share.mean()) / max(ratio - float(share.mean()), 1e-300), total)
            is_fixed = (
                abs(renewed - precision) <= _TOLERANCE * precision and abs(left - unknown) <= _TOLERANCE * unknown
            )
            precision, unknown = renewed, left
            if is_fixed:
                break
        else:
            raise ValueError(
                f"ReplicaLinear: max_steps: enough for convergence are required, got {self.max_steps}, which do not "
                "suffice; raise max_steps or add noise."
            )
        prior_information, error = self.prior.scalar(precision)
        channel_information, fisher = self.channel.known_part(unknown, total)
        error = max(error, _LEAST_ERROR)
        inverse, spread = 1 / error - precision, 1 / fisher - unknown
        spherical = (
            float(np.mean(np.log(inverse * error + values / spread * error)))
            + ratio * math.log(fisher * spread)
            + (1 + ratio - inverse * error - ratio * fisher * spread)
        )
        return prior_information + ratio * channel_information + 0.5 * (
            spherical - precision * error - ratio * fisher * unknown
        ), error
