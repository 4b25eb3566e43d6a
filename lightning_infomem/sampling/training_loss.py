"""The mean loss of the latest training steps, gathered without waiting for the device."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

__all__ = ["TrainingLoss", "mean_over_ranks"]


class TrainingLoss:
    """Mean of the losses since `begin` was called last, or since the epoch began, whichever was later.

    A new mean begins with the next loss, so that the last one can be read until then. The sum stays on the device of
    the losses, and no graph of a loss is kept.
    """

    def __init__(self) -> None:
        self._sum: Tensor | None = None
        self._count = 0
        self._epoch = -1
        self._begins = True

    def add(self, loss: Tensor, epoch: int, *, factor: float = 1.0) -> None:
        """Add the loss of a training step, a tensor with one value; others are ignored."""
        if loss.numel() != 1 or not loss.is_floating_point():
            return
        if self._begins or epoch != self._epoch:
            self._sum, self._count, self._epoch, self._begins = None, 0, epoch, False
        value = loss.detach().reshape(()).float() * factor
        self._sum = value if self._sum is None else self._sum + value
        self._count += 1

    def begin(self) -> None:
        """Begin a new mean with the next loss."""
        self._begins = True

    def mean(self) -> float | None:
        """Return the mean; None if there is no loss or it is not finite."""
        mean = math.nan if self._sum is None else self._sum.item() / self._count
        return mean if math.isfinite(mean) else None


def mean_over_ranks(means: Sequence[float | None]) -> float | None:
    """Return the mean over processes with as many steps each; None if that of one is unknown."""
    known = [mean for mean in means if mean is not None]
    return sum(known) / len(known) if known and len(known) == len(means) else None
