"""Settings of an online code: blocks, training and seed. They are checked once and stored with every result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from lightning_infomem._checks import check_choice, check_count, check_finite
from lightning_infomem._errors import UsageValueError
from lightning_infomem._lightning import Trainer, check_trainer
from lightning_infomem.model_information.online_code import SCHEDULES, block_sizes

__all__ = ["CodelengthSettings"]


@dataclass(frozen=True)
class CodelengthSettings:
    """Settings of an online code, including the training of its models.

    Args:
        blocks: Where blocks end: the name of a schedule, or percentages; see `block_sizes`.
        start: Initial weights for each block: "cold" starts from the given weights, "warm" from those of the previous
            block. A warm start is cheaper, but its codes are often longer, because weights fitted to few samples
            generalise less well after training on more.
        first_block: How to code the first block: "uniform" costs ``log2 C`` bits per label, "model" uses the given
            weights. Use "model" only for a trained model; an untrained one predicts at random.
        holdout: Share of the samples before a block that is held out of training for early stopping. The weights with
            the lowest cross-entropy on it are kept; the initial weights count too. Sender and receiver of the code
            both have these samples.
        patience: Number of epochs without improvement to tolerate; training stops at the next one.
        max_epochs: Maximum number of epochs of each training; ignored if a ``trainer`` is given.
        batch_size: Batch size for training and coding. None takes the DataLoader's batch size, or 32 without one.
        learning_rate: Adam's learning rate for plain modules. A LightningModule uses its own optimisers, which are
            created anew for each block.
        seed: Seed for the order of the samples, the batches, and the random draws during training.
        trainer: Unused Trainer that is copied for each training, with its device, precision, strategy, epochs and
            callbacks. Its loggers and checkpoints write for every block. A LightningModule with a ``validation_step``
            is validated on the held-out share. The default Trainer shows and writes nothing.
        progress: Show a progress bar on standard error.

    Raises:
        TypeError, ValueError: A setting is unknown or invalid; the message names it.
    """

    blocks: str | Sequence[float] = "orgad"
    start: str = "cold"
    first_block: str = "uniform"
    holdout: float = 0.2
    patience: int = 5
    max_epochs: int = 50
    batch_size: int | None = None
    learning_rate: float = 1e-3
    seed: int = 0
    trainer: Trainer | None = None
    progress: bool = True

    def __post_init__(self) -> None:
        block_sizes(1, self.blocks)
        check_choice(self.start, name="start", choices=("cold", "warm"))
        check_choice(self.first_block, name="first_block", choices=("uniform", "model"))
        check_finite(self.holdout, name="holdout", above=0, below=1, remedy="0.2 is usual")
        check_count(self.patience, name="patience", minimum=0)
        check_count(self.max_epochs, name="max_epochs")
        if self.batch_size is not None:
            check_count(self.batch_size, name="batch_size")
        check_finite(self.learning_rate, name="learning_rate", above=0, remedy="1e-3 is usual")
        check_count(self.seed, name="seed", minimum=0)
        if self.trainer is None:
            return
        check_trainer(self.trainer)
        if self.trainer.state.fn is not None:
            raise UsageValueError(
                "trainer: an unused Trainer is required, because each block trains with a fresh copy of it, got one "
                f"that ran {self.trainer.state.fn.value!r}; create another with the same arguments."
            )

    def state(self) -> dict[str, Any]:
        """Return every setting that affects the result, as plain values."""
        state = {
            each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("trainer", "progress")
        }
        if not isinstance(self.blocks, str):
            state["blocks"] = list(map(float, self.blocks))
        if self.trainer is not None:
            state["max_epochs"] = self.trainer.max_epochs
            state["trainer"] = f"max_steps={self.trainer.max_steps}, precision={self.trainer.precision}"
        return state

    def sizes(self, num_samples: int) -> tuple[int, ...]:
        """Return the number of samples in each block.

        Raises:
            ValueError: There are too few samples for a non-empty first block.
        """
        sizes = block_sizes(num_samples, self.blocks)
        if not sizes[0]:
            first = (SCHEDULES[self.blocks] if isinstance(self.blocks, str) else self.blocks)[0]
            raise UsageValueError(
                f"data: at least {math.ceil(100 / first)} samples are required to fill the first block of "
                f"{self.blocks!r}, got {num_samples}; give more, or a schedule with a larger first block."
            )
        return sizes
