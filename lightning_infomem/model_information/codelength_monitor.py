"""A callback that logs how many bits the labels cost a network that sees them for the first time."""

from __future__ import annotations

import warnings
from dataclasses import asdict
from typing import Any, Literal

import torch

from lightning_infomem._checks import check_choice
from lightning_infomem._lightning import Callback, LightningModule, Trainer, isolate_rng
from lightning_infomem.model_information.coded_labels import CodedLabels, code_batch
from lightning_infomem.model_information.labeled_data import labels_of
from lightning_infomem.records.metric_names import check_prefix, metric_name
from lightning_infomem.sampling.forward import evaluating
from lightning_infomem.sampling.ranks import Ranks
from lightning_infomem.sampling.watching import loader_of, share_of_rank

__all__ = ["CodelengthMonitor"]


class CodelengthMonitor(Callback):
    """Measure the one-pass prequential code length of the training labels during the first epoch.

    Each batch is coded by the network before it is trained on that batch. Training is bitwise identical with and
    without the callback. Do not compare the result with `prequential_codelength`, which trains to convergence on each
    block, or between runs whose samples are augmented, repeated or drawn in another order.

    All values are logged at every step of the first epoch; all but ``batch_bits_per_label`` are logged again at the
    end of every epoch. C is the number of classes.

    ====================================  =====================================================================
    name                                  value
    ====================================  =====================================================================
    ``codelength/batch_bits_per_label``   mean bits per label in this batch; ``log2 C`` means nothing was known
    ``codelength/total_bits``             bits of all labels so far
    ``codelength/saved_bits``             uniform code length, ``log2 C`` bits per label, minus the total
    ``codelength/labels``                 number of labels so far
    ====================================  =====================================================================

    Batches must be (inputs, labels) pairs, or mappings with a "labels" or "label" entry. The module must map the
    inputs to class scores or log-probabilities ``[samples, classes]``. Every checkpoint stores the totals. In
    distributed training they cover the samples of all processes, without those that a sampler repeats at the end.

    A run resumed in the middle of the first epoch continues its totals. Lightning then restarts the data unless the
    loader has a ``state_dict``, so samples may be coded twice.

    Args:
        prefix: First part of every logged name and of this callback's state key. Two monitors need different prefixes.
        on_error: What to do when a batch cannot be coded: "warn" continues training without coding, "raise" stops it.

    Attributes:
        coded: Code length of all labels so far.

    Cost:
        One extra forward pass per batch of the first epoch.

    Reference:
        Dawid 1984, Statistical theory: the prequential approach.

    >>> monitor = CodelengthMonitor()
    """

    def __init__(self, *, prefix: str = "codelength", on_error: Literal["warn", "raise"] = "warn") -> None:
        super().__init__()
        self.prefix = check_prefix(prefix)
        self.on_error = check_choice(on_error, name="on_error", choices=("warn", "raise"))
        self.coded = CodedLabels()
        self._num_passed = 0  # rows seen on this rank, including repeated ones that are not counted
        self._has_failed = False
        self._stage = "fit"

    @property
    def state_key(self) -> str:
        """A key without the settings, so that a run can resume after they were changed."""
        return f"{type(self).__qualname__}[{self.prefix}]"

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Reset the totals at the start of a new run; a resumed run loads its state after this hook."""
        self._stage = stage
        if stage == "fit" and trainer.global_step == 0:
            self.coded, self._num_passed, self._has_failed = CodedLabels(), 0, False

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Code the batch before the network is trained on it."""
        if trainer.current_epoch or self._has_failed or trainer.barebones:
            return
        try:
            parts = Ranks.current().on_all(lambda: self._code(trainer, pl_module, batch))
        except Exception as fault:  # no error, out-of-memory included, is worth losing the user's run
            if self.on_error == "raise":
                raise
            self._has_failed = True
            warnings.warn(
                "CodelengthMonitor: batches (inputs, labels), or mappings with 'labels', and a module that returns "
                f"class scores [samples, classes] are required. Batch {batch_idx} of the first epoch could not be "
                f"coded, and coding stops here: {fault}",
                stacklevel=2,
            )
            return
        in_batch = sum(parts, CodedLabels())
        self.coded += in_batch
        values = self._totals()
        if in_batch.labels:
            values[metric_name(self.prefix, "batch_bits_per_label")] = in_batch.bits / in_batch.labels
        pl_module.log_dict(values, on_step=True, on_epoch=False, batch_size=1)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the totals again, so that a sweep or a checkpoint finds them at any epoch."""
        if self.coded.labels and not trainer.barebones:
            is_shared = Ranks.current().size > 1  # equal on all ranks already, but Lightning warns without sync_dist
            pl_module.log_dict(self._totals(), on_step=False, on_epoch=True, batch_size=1, sync_dist=is_shared)

    def state_dict(self) -> dict[str, Any]:
        """Return the totals as plain numbers."""
        return {"coded": asdict(self.coded), "num_passed": self._num_passed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the totals of a resumed run; validating a checkpoint leaves the current totals alone."""
        if self._stage != "fit":
            return
        try:
            self.coded, self._num_passed = CodedLabels(**state_dict["coded"]), int(state_dict["num_passed"])
        except (KeyError, TypeError, ValueError) as fault:
            warnings.warn(
                f"CodelengthMonitor: the totals in this checkpoint cannot be read ({fault}); counting restarts at 0.",
                stacklevel=2,
            )

    def _code(self, trainer: Trainer, model: LightningModule, batch: Any) -> CodedLabels:
        """Code this rank's share of the batch."""
        rank, size, length = share_of_rank(loader_of(trainer.train_dataloader, 0), Ranks.current())
        most = None if length is None else max(0, -((rank - length) // size) - self._num_passed)
        # Do not compile another version of the network just for this pass.
        eager = torch.compiler.set_stance("force_eager")
        with eager, isolate_rng(), torch.no_grad(), evaluating(model), trainer.precision_plugin.forward_context():
            coded = code_batch(model, batch, most=most)
        self._num_passed += len(labels_of(batch))
        return coded

    def _totals(self) -> dict[str, float]:
        coded = self.coded
        totals = {"total_bits": coded.bits, "saved_bits": coded.saved_bits, "labels": float(coded.labels)}
        return {metric_name(self.prefix, name): value for name, value in totals.items()}
