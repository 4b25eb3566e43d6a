"""Lightning callback that trains on random labels first and on the true labels afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from lightning_infomem._checks import check_count, describe
from lightning_infomem._lightning import Callback, LightningModule, MisconfigurationException, Trainer
from lightning_infomem.sampling.batches import mark_examples, parts_of

__all__ = ["RandomLabelPrefit"]

_ODD = 0x2545F4914F6CDD1D  # mixing multiplier that makes the labels of different seeds unrelated


class RandomLabelPrefit(Callback):
    """Train the network on random labels for some epochs and on the true labels after that.

    A network that has stored random labels starts its true training from a memorizing state and takes another path
    through the information plane. This is an experiment; do not use it to train a network for use.

    The random label of an input never changes, so it can be memorized: a hash of the input and the seed chooses a
    class. Validation always sees the true labels. The callback passes a modified batch to the module's
    ``training_step``; the original batch, the data and the module are left unchanged.

    Args:
        epochs: Number of epochs on random labels.
        num_classes: Number of classes, numbered 0, 1, ...
        labels: Where a batch holds its classes: an index or a key.
        seed: Seed of the random labels.

    Raises:
        MisconfigurationException: During training, if a batch has no such labels.

    Reference:
        Modelled on the random labels of Zhang et al. 2017, Understanding deep learning requires rethinking
        generalization.
    """

    def __init__(self, epochs: int, num_classes: int, *, labels: int | str = 1, seed: int = 0) -> None:
        super().__init__()
        self.epochs = check_count(epochs, name="epochs")
        self.num_classes = check_count(num_classes, name="num_classes", minimum=2)
        self.labels = labels
        self.seed = check_count(seed, name="seed", minimum=0)
        self._true_step: Callable[..., Any] | None = None

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Use random labels until their epochs are over."""
        if trainer.current_epoch >= self.epochs:
            self._restore(pl_module)
        elif self._true_step is None:
            true_step = pl_module.training_step
            self._true_step = true_step

            def step(batch: Any, *args: Any, **kwargs: Any) -> Any:
                return true_step(self._with_random_labels(batch), *args, **kwargs)

            pl_module.training_step = step  # type: ignore[method-assign]

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restore the module."""
        self._restore(pl_module)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Restore the module."""
        self._restore(pl_module)

    def _restore(self, model: LightningModule) -> None:
        if self._true_step is not None:
            del model.training_step  # the instance attribute, which hides the method of the class
            self._true_step = None

    def _with_random_labels(self, batch: Any) -> Any:
        try:
            labels = batch[self.labels]
        except (IndexError, KeyError, TypeError):
            labels = None
        if not isinstance(labels, Tensor) or labels.ndim != 1 or labels.is_floating_point():
            raise MisconfigurationException(
                f"RandomLabelPrefit: labels: an index or a key of integer classes in a batch is required, got "
                f"{self.labels!r}, which gives {describe(labels)}; pass the index or key of the labels."
            )
        marks = mark_examples(parts_of(batch), len(labels), torch.arange(len(labels)))
        if marks is None:
            raise MisconfigurationException(
                "RandomLabelPrefit: distinguishable inputs are required, got a batch whose first tensor has no "
                "readable values; put the inputs first in the batch."
            )
        mixed = (marks[:, 0] ^ (self.seed * _ODD % 2**62)) * _ODD
        drawn = (mixed ^ (mixed >> 32)).remainder(self.num_classes).to(labels.device, labels.dtype)
        if isinstance(batch, Mapping):
            return {**batch, self.labels: drawn}
        parts = [drawn if place == self.labels else part for place, part in enumerate(batch)]
        return type(batch)(*parts) if hasattr(batch, "_fields") else type(batch)(parts)
