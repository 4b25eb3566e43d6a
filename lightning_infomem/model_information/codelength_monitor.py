"""Logs how many bits the labels cost a network that sees them for the first time."""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any, Literal

import torch

from lightning_infomem._checks import check_choice
from lightning_infomem._lightning import Callback, LightningModule, Trainer, isolate_rng
from lightning_infomem.model_information.coded_labels import CodedLabels, code_batch
from lightning_infomem.model_information.labeled_data import labels_of
from lightning_infomem.records.metric_names import metric_name
from lightning_infomem.sampling.forward import evaluating
from lightning_infomem.sampling.ranks import Ranks
from lightning_infomem.sampling.watching import is_compiled, loader_of, share_of_rank

__all__ = ["CodelengthMonitor"]


class CodelengthMonitor(Callback):
    """Codes the labels of the first epoch, each batch by the network that was not trained on it yet.

    It is the prequential code of the training data by one pass over them: what the network did not know of them before
    it learned it. It costs a forward pass a batch of the first epoch; training is bitwise the same with and without
    the callback. Not comparable with `prequential_codelength`, whose networks are trained to the end on each block,
    or where samples are augmented, repeated or drawn in another order.

    What is logged at every step of the first epoch, and, but for the batch's, at the end of every epoch:

    ====================================  =====================================================================
    name                                  value
    ====================================  =====================================================================
    ``codelength/batch_bits_per_label``   of this batch, mean over its labels; ``log2 C`` says nothing was known
    ``codelength/total_bits``             of all labels so far
    ``codelength/saved_bits``             by how much that is less than the uniform code, ``log2 C`` bits a label
    ``codelength/labels``                 so far
    ====================================  =====================================================================

    Batches are pairs (inputs, labels), or mappings with an entry "labels" or "label"; the module, called with the
    inputs, gives class scores or log-probabilities ``[samples, classes]``. The totals travel in every checkpoint. With
    many processes they are of the samples of all of them, without those that a sampler repeats at the end.

    A run that goes on from a checkpoint in the midst of the first epoch goes on with its totals. Lightning then begins
    the data anew, unless their loader has a state (``state_dict``): without one, samples may be coded twice.

    Args:
        prefix: first part of every logged name, and of the name of this callback's state; two monitors need two.
        on_error: what a batch that cannot be coded does: "warn" lets the training go on and codes no more, "raise"
            stops it.

    Attributes:
        coded: all labels so far, with their bits.

    Reference:
        Dawid 1984, Statistical theory: the prequential approach.

    >>> monitor = CodelengthMonitor()
    """

    def __init__(self, *, prefix: str = "codelength", on_error: Literal["warn", "raise"] = "warn") -> None:
        super().__init__()
        self.prefix = prefix
        self.on_error = check_choice(on_error, name="on_error", choices=("warn", "raise"))
        self.coded = CodedLabels()
        self._num_passed = 0  # rows of this rank, those included that do not count
        self._has_failed = False
        self._stage = "fit"

    @property
    def state_key(self) -> str:
        """The name alone, so that a run resumes after its settings were changed."""
        return f"{type(self).__qualname__}[{self.prefix}]"

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Begin anew with a new run; one that is resumed loads its state after this hook."""
        self._stage = stage
        if stage == "fit" and trainer.global_step == 0:
            self.coded, self._num_passed, self._has_failed = CodedLabels(), 0, False

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Code the batch before the network is trained on it."""
        if trainer.current_epoch or self._has_failed or trainer.barebones:
            return
        try:
            parts = Ranks.current().on_all(lambda: self._code(trainer, pl_module, batch))
        except Exception as fault:  # whatever it is, memory included, it is not worth the user's run
            if self.on_error == "raise":
                raise
            self._has_failed = True
            warnings.warn(
                "CodelengthMonitor: batches (inputs, labels), or mappings with 'labels', and a module that gives class "
                f"scores [samples, classes] are required; batch {batch_idx} of the first epoch could not be coded, and "
                f"no more will be: {fault}",
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
        """The totals stay where a sweep, or a checkpoint at any epoch, looks for them."""
        if self.coded.labels and not trainer.barebones:
            is_shared = Ranks.current().size > 1  # the same on all; without the word, Lightning warns
            pl_module.log_dict(self._totals(), on_step=False, on_epoch=True, batch_size=1, sync_dist=is_shared)

    def state_dict(self) -> dict[str, Any]:
        """The totals: numbers only."""
        return {"coded": asdict(self.coded), "num_passed": self._num_passed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue the totals of a resumed run; a checkpoint that is only validated leaves the live ones alone."""
        if self._stage != "fit":
            return
        try:
            self.coded, self._num_passed = CodedLabels(**state_dict["coded"]), int(state_dict["num_passed"])
        except (KeyError, TypeError, ValueError) as fault:
            warnings.warn(
                f"CodelengthMonitor: the totals in this checkpoint cannot be read ({fault}); they begin anew.",
                stacklevel=2,
            )

    def _code(self, trainer: Trainer, model: LightningModule, batch: Any) -> CodedLabels:
        """The share of this rank."""
        rank, size, length = share_of_rank(loader_of(trainer.train_dataloader, 0), Ranks.current())
        most = None if length is None else max(0, -((rank - length) // size) - self._num_passed)
        with ExitStack() as during:
            during.enter_context(isolate_rng())
            during.enter_context(torch.no_grad())
            during.enter_context(evaluating(model))
            during.enter_context(trainer.precision_plugin.forward_context())
            if is_compiled(model):  # no version of the network is compiled for this alone
                during.enter_context(torch.compiler.set_stance("force_eager"))
            coded = code_batch(model, batch, most=most)
        self._num_passed += len(labels_of(batch))
        return coded

    def _totals(self) -> dict[str, float]:
        coded = self.coded
        totals = {"total_bits": coded.bits, "saved_bits": coded.saved_bits, "labels": float(coded.labels)}
        return {metric_name(self.prefix, name): value for name, value in totals.items()}
