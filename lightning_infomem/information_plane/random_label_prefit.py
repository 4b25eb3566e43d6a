"""Trains on shuffled labels first, and then on the true ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from lightning_infomem._checks import check_count, describe
from lightning_infomem._lightning import Callback, LightningModule, MisconfigurationException, Trainer
from lightning_infomem.sampling.rows import mark_examples

__all__ = ["RandomLabelPrefit"]

_ODD = 0x2545F4914F6CDD1D  # of a mixing step: labels of two seeds have nothing to do with each other


class RandomLabelPrefit(Callback):
    """Gives the network random labels for some epochs, and the true ones after that.

    A network that has stored random labels first begins its true training from where it memorized: its way through
    the information plane is another. An experiment; not for a network to be used.

    The random label of an input is always the same, so that it can be stored: a hash of the input and the seed chooses
    a class. Validation sees true labels throughout. The module's ``training_step`` is given the changed batch; the
    batch itself, the data and the module are left as they are.

    Args:
        epochs: of training on random labels.
        num_classes: classes, which are 0, 1, ...
        labels: where the classes of a batch are: an index or a key.
        seed: of the random labels.

    Raises:
        MisconfigurationException: in training, for a batch without such labels.

    Reference:
        After the random labels of Zhang et al. 2017, Understanding deep learning requires rethinking generalization.
    """

    def __init__(self, epochs: int, num_classes: int, *, labels: int | str = 1, seed: int = 0) -> None:
        super().__init__()
        self.epochs = check_count(epochs, name="epochs")
        self.num_classes = check_count(num_classes, name="num_classes", minimum=2)
        self.labels = labels
        self.seed = check_count(seed, name="seed", minimum=0)
        self._true_step: Callable[..., Any] | None = None

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Random labels until their epochs are over."""
        if trainer.current_epoch >= self.epochs:
            self._restore(pl_module)
        elif self._true_step is None:
            true_step = pl_module.training_step
            self._true_step = true_step

            def step(batch: Any, *args: Any, **kwargs: Any) -> Any:
                return true_step(self._with_random_labels(batch), *args, **kwargs)

            pl_module.training_step = step  # type: ignore[method-assign]

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the module as it was."""
        self._restore(pl_module)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Leave the module as it was."""
        self._restore(pl_module)

    def _restore(self, model: LightningModule) -> None:
        if self._true_step is not None:
            del model.training_step  # the instance's: that of its class is seen again
            self._true_step = None

    def _with_random_labels(self, batch: Any) -> Any:
        try:
            labels = batch[self.labels]
        except (IndexError, KeyError, TypeError):
            labels = None
        if not isinstance(labels, Tensor) or labels.ndim != 1 or labels.is_floating_point():
            raise MisconfigurationException(
                f"RandomLabelPrefit: labels: an index or a key of integer classes in a batch is required, got "
                f"{self.labels!r}, which leads to {describe(labels)}; say where the labels are."
            )
        marks = mark_examples(batch, torch.arange(len(labels)))
        if marks is None:
            raise MisconfigurationException(
                "RandomLabelPrefit: inputs that can be told apart are required, got a batch whose first tensor has no "
                "values that can be read; give the inputs as the first tensor."
            )
        mixed = (marks[:, 0] ^ (self.seed * _ODD % 2**62)) * _ODD
        drawn = (mixed ^ (mixed >> 32)).remainder(self.num_classes).to(labels.device, labels.dtype)
        if isinstance(batch, Mapping):
            return {**batch, self.labels: drawn}
        parts = [drawn if place == self.labels else part for place, part in enumerate(batch)]
        return type(batch)(*parts) if hasattr(batch, "_fields") else type(batch)(parts)
