"""Critic network of `MINE`: tells joint pairs from shuffled ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Critic", "Evaluation"]


class Evaluation(NamedTuple):
    """Value of a critic on held-out samples.

    Attributes:
        value: Tangent of the bound, in nats; a lower bound in expectation if the tangent point comes from other
            samples.
        donsker_varadhan: Donsker-Varadhan bound, with the logarithm of a mean, in nats.
        log_mean: That logarithm.
        step: Training step of the critic.
    """

    value: float
    donsker_varadhan: float
    log_mean: float
    step: float


class Critic:
    """Perceptron with two hidden layers whose weights come from a given generator.

    Args:
        x: float32 ``[samples, ...]``; its mean and standard deviation scale all later values of this variable.
        t: float32 ``[samples, ...]``; the second variable, scaled the same way.
        width: Number of units in each hidden layer.
        generator: CPU generator, so that draws are the same on every device.
    """

    def __init__(self, x: Tensor, t: Tensor, *, width: int, generator: torch.Generator) -> None:
        self._scales = [_mean_and_scale(each) for each in (x, t)]
        fan_in = x.shape[1] + t.shape[1]
        shapes = [(x.shape[1], width, fan_in), (t.shape[1], width, fan_in), (width, width, width), (width, 1, width)]
        drawn = [torch.randn(a, b, generator=generator) * math.sqrt(2 / fan) for a, b, fan in shapes]
        self.weights = [*(each.to(x.device) for each in drawn), *(torch.zeros(b).to(x.device) for b in (width, width))]
        for each in self.weights:
            each.requires_grad_()

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        """Critic values of pairs, ``[samples]``."""
        return self._above(self._x_part(x), self._t_part(t))

    @torch.no_grad()
    def evaluate(self, x: Tensor, t: Tensor, *, rolls: int, tangent_at: float | None = None) -> Evaluation:
        """Compare joint pairs with pairs of shifted samples.

        Args:
            x: ``[samples, ...]``.
            t: ``[samples, ...]``.
            rolls: Number of shifts; at most ``samples - 1`` are used.
            tangent_at: Log of the mean over unpaired samples, taken from other samples; None uses that of these
                samples.
        """
        x_part, t_part = self._x_part(x), self._t_part(t)
        together = float(self._above(x_part, t_part).double().mean())
        shifts = torch.linspace(1, len(x) - 1, min(rolls, len(x) - 1)).long().tolist()
        apart = [self._above(x_part, t_part.roll(shift, 0)).double() for shift in shifts]
        log_mean = float(torch.cat(apart).logsumexp(0)) - math.log(len(x) * len(shifts))
        tangent = log_mean if tangent_at is None else tangent_at
        excess = math.expm1(min(log_mean - tangent, 700.0))
        return Evaluation(together - tangent - excess, together - log_mean, log_mean, 0)

    def copied_weights(self) -> list[Tensor]:
        """Copy of the current weights."""
        return [each.detach().clone() for each in self.weights]

    @torch.no_grad()
    def restore(self, weights: Sequence[Tensor]) -> None:
        """Load weights returned by `copied_weights`."""
        for current, copied in zip(self.weights, weights, strict=True):
            current.copy_(copied)

    def _x_part(self, x: Tensor) -> Tensor:
        mean, scale = self._scales[0]
        return (x - mean) * scale @ self.weights[0]

    def _t_part(self, t: Tensor) -> Tensor:
        mean, scale = self._scales[1]
        return (t - mean) * scale @ self.weights[1]

    def _above(self, x_part: Tensor, t_part: Tensor) -> Tensor:
        first = (x_part + t_part + self.weights[4]).relu()
        return ((first @ self.weights[2] + self.weights[5]).relu() @ self.weights[3])[:, 0]


def _mean_and_scale(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and inverse standard deviation of each column; the scale of a constant column is 0."""
    deviation, mean = torch.std_mean(values, dim=0, correction=0)
    return mean, torch.where(deviation > 0, 1 / deviation, torch.zeros_like(deviation))
