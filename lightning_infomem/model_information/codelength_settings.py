"""How a code of labels is made: blocks, training, seeds; checked once, and kept beside every result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from lightning_infomem._checks import check_choice, check_count, check_finite
from lightning_infomem._lightning import Trainer, check_trainer
from lightning_infomem.model_information.online_code import SCHEDULES, block_sizes

__all__ = ["CodelengthSettings"]


@dataclass(frozen=True)
class CodelengthSettings:
    """The settings of every code that models are trained for.

    Args:
        blocks: where blocks end: a schedule's name or percentages, see `block_sizes`.
        start: weights from which each block's model is trained: "cold" are the given ones, "warm" those of the block
            before. Warm costs less, and its codes are often longer: weights that fitted few samples fit more of them
            less well.
        first_block: who codes it: "uniform" is ``log2 C`` bits a label, "model" the given weights. Take "model" only of
            a trained one; what an untrained one says is chance.
        holdout: share of what is before a block that is not trained on and decides when to stop: the weights with the
            lowest cross-entropy there are kept, the initial ones included. Sender and receiver of the code both have
            these samples.
        patience: epochs without a lower one that are borne; the next ends the training.
        max_epochs: of each training, where no ``trainer`` is given.
        batch_size: of training and coding; None takes that of a DataLoader, else 32.
        learning_rate: of Adam, for modules that are no LightningModule; those have their own optimisers, made anew for
            each block.
        seed: of the order of samples, of their batches, and of what the training draws.
        trainer: a Trainer, not used so far, of which each training takes a copy: its device, precision, strategy,
            epochs and callbacks. Loggers and checkpoints that it has are written for every block. A LightningModule
            with a ``validation_step`` is validated on the held-out share. By default one that shows and writes nothing.
        progress: show a bar on standard error.

    Raises:
        TypeError, ValueError: a setting that does not exist or has not such a value; all name it.
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
        if not 0 < check_finite(self.holdout, name="holdout") < 1:
            raise ValueError(f"holdout: a share between 0 and 1 is required, got {self.holdout}; 0.2 is usual.")
        check_count(self.patience, name="patience", minimum=0)
        check_count(self.max_epochs, name="max_epochs")
        if self.batch_size is not None:
            check_count(self.batch_size, name="batch_size")
        if not check_finite(self.learning_rate, name="learning_rate") > 0:
            raise ValueError(f"learning_rate: a number above 0 is required, got {self.learning_rate}; 1e-3 is usual.")
        check_count(self.seed, name="seed", minimum=0)
        if self.trainer is None:
            return
        check_trainer(self.trainer)
        if self.trainer.state.fn is not None:
            raise ValueError(
                "trainer: a Trainer that was not used yet is required, for each block begins anew, got one that ran "
                f"{self.trainer.state.fn.value!r}; make another with the same arguments."
            )

    def state(self) -> dict[str, Any]:
        """All that changes a result, as plain values."""
        told = {
            each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("trainer", "progress")
        }
        if not isinstance(self.blocks, str):
            told["blocks"] = list(map(float, self.blocks))
        if self.trainer is not None:
            told["max_epochs"] = self.trainer.max_epochs
            told["trainer"] = f"max_steps={self.trainer.max_steps}, precision={self.trainer.precision}"
        return told

    def sizes(self, num_samples: int) -> tuple[int, ...]:
        """Samples in each block.

        Raises:
            ValueError: there are fewer samples than the first block needs, if it must hold one.
        """
        sizes = block_sizes(num_samples, self.blocks)
        if not sizes[0]:
            first = (SCHEDULES[self.blocks] if isinstance(self.blocks, str) else self.blocks)[0]
            raise ValueError(
                f"data: at least {math.ceil(100 / first)} samples are required, so that the first block of "
                f"{self.blocks!r} holds one, got {num_samples}; give more, or blocks that begin later."
            )
        return sizes
