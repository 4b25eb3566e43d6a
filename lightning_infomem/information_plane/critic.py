"""The network that tells pairs that belong together from others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Critic", "Evaluation"]


class Evaluation(NamedTuple):
    """Of a critic on held-out samples.

    Attributes:
        value: the tangent of the bound, nats; a lower bound in expectation where the tangent is of other samples.
        donsker_varadhan: the bound with the logarithm of a mean, nats.
        log_mean: that logarithm.
        step: of training.
    """

    value: float
    donsker_varadhan: float
    log_mean: float
    step: float


class Critic:
    """A perceptron of two hidden layers, whose weights are drawn from a generator of its own.

    Args:
        x: float32 ``[samples, ...]``, whose means and deviations scale all later ones.
        t: the same of the other variable.
        width: of the hidden layers.
        generator: on the CPU, so that the draws are the same on every device.
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
        """Values of pairs, ``[samples]``."""
        return self._above(self._x_part(x), self._t_part(t))

    @torch.no_grad()
    def evaluate(self, x: Tensor, t: Tensor, *, rolls: int, tangent_at: float | None = None) -> Evaluation:
        """Compare pairs that belong together with those of shifted samples.

        Args:
            x: ``[samples, ...]``.
            t: ``[samples, ...]``.
            rolls: number of shifts, of at most ``samples - 1``.
            tangent_at: log of the mean over pairs apart, from other samples; nothing for that of these.
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
        """As they are now."""
        return [each.detach().clone() for each in self.weights]

    @torch.no_grad()
    def restore(self, weights: Sequence[Tensor]) -> None:
        """Take weights that were copied."""
        for mine, other in zip(self.weights, weights, strict=True):
            mine.copy_(other)

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
    """Of each column; the scale of constant ones is 0."""
    deviation, mean = torch.std_mean(values, dim=0, correction=0)
    return mean, torch.where(deviation > 0, 1 / deviation, torch.zeros_like(deviation))
