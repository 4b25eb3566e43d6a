"""How every network of the demonstration is trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader, TensorDataset

from lightning_infomem._lightning import Callback, TensorBoardLogger, Trainer, quiet_lightning
from lightning_infomem.demo.digits import DigitsTask
from lightning_infomem.demo.network import DigitsNetwork

__all__ = ["Recipe", "fit"]


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a training.

    Attributes:
        epochs: Number of epochs.
        learning_rate: Learning rate.
        weight_decay: Weight decay of the optimizer.
        dropout: Share of the last hidden units that is dropped in training.
        batch_size: Number of images per batch.
        optimizer: "adam", or "sgd" with momentum .9.
    """

    epochs: int
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    dropout: float = 0.0
    batch_size: int = 64
    optimizer: str = "adam"


def fit(
    task: DigitsTask,
    callbacks: list[Callback],
    logger: TensorBoardLogger,
    facts: Mapping[str, str | float],
    recipe: Recipe,
    *,
    every: int,
    seed: int,
) -> Trainer:
    """Train a `DigitsNetwork` quietly on one thread.

    Args:
        task: The data.
        callbacks: Callbacks for the Trainer.
        logger: Logger for the Trainer, without its ``default_hp_metric``.
        facts: What distinguishes the data, to log among the hyperparameters.
        recipe: Hyperparameters.
        every: Number of epochs between validations.
        seed: Seed for the initial weights, dropout and the order of the data.
    """
    torch.manual_seed(seed)
    logger.log_hyperparams({**facts, "seed": seed})  # the monitor has the logger write them at the end
    model = DigitsNetwork(task.probe.shape[1], task.num_classes, **vars(recipe))
    with quiet_lightning(), _one_thread():
        trainer = Trainer(
            max_epochs=recipe.epochs,
            check_val_every_n_epoch=every,
            callbacks=callbacks,
            logger=logger,
            accelerator="cpu",
            enable_progress_bar=False,
            enable_model_summary=False,
            log_every_n_steps=10,
        )
        order = torch.Generator().manual_seed(seed)
        trainer.fit(
            model,
            DataLoader(task.train, batch_size=recipe.batch_size, shuffle=True, generator=order),
            [
                DataLoader(held_out, batch_size=600)
                for held_out in (TensorDataset(task.probe), task.clean, task.validation)
            ],
        )
    return trainer


@contextmanager
def _one_thread() -> Iterator[None]:
    """Use one thread: networks this small train faster on it, and the same on every machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
