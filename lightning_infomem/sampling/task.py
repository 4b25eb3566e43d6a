"""Judges whether the outputs of a network are class logits. Without evidence they are not taken for any."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from lightning_infomem.sampling.batches import Part, find_labels
from lightning_infomem.sampling.loss_watch import SeenLoss

__all__ = ["TaskEvidence"]

_SIGNIFICANT = 4.0  # standard errors by which predictions agree with labels more often than by chance
_LOSSES_OF_CLASSES = (nn.CrossEntropyLoss, nn.NLLLoss, nn.MultiMarginLoss)


class TaskEvidence:
    """Collects what a run shows of its task, over any number of batches.

    In order of weight: the loss that a step computes from the network's outputs; integer labels in the batches that
    either cover the outputs exactly or are predicted better than by chance; a loss or metric of classification that
    the module owns. Labels that a step ignores, such as those beside the images of an autoencoder, mostly are far
    fewer than the outputs, and are not predicted.

    Args:
        model: Network whose own losses and metrics count; None for none.
        num_classes: Number of outputs of the head.
        assume: Whether two or more outputs are assumed to be classes if nothing else is known.
    """

    def __init__(self, model: nn.Module | None = None, num_classes: int = 0, *, assume: bool = False) -> None:
        self.num_classes, self._assume = num_classes, assume
        self._owned = "" if model is None else _owned_by(model)
        self._losses: list[SeenLoss] = []
        self._predicts_labels = False  # from the first time on, because a network may forget what it does
        self._parts: Sequence[Part] = ()
        self._num_examples = 0
        self._num_labels = self._num_hits = 0
        self._label_counts = self._prediction_counts = torch.zeros(0, dtype=torch.int64)

    def see_losses(self, losses: Iterable[SeenLoss]) -> None:
        """Take note of the losses that a step computed."""
        self._losses = [*losses] or self._losses

    def open_batch(self, parts: Sequence[Part], num_examples: int) -> None:
        """Take note of a batch, before the network runs on it."""
        self._parts, self._num_examples = parts, num_examples

    def see_logits(self, logits: Tensor) -> None:
        """Compare the head's outputs with integer labels in the batch, if it has any: ``[examples, classes]``."""
        self.num_classes = logits.shape[1]
        parts, self._parts = self._parts, ()
        if self._losses:  # they outweigh labels, which a GPU would have to wait for
            return
        labels = find_labels(parts, self._num_examples, self.num_classes)
        if labels is None or len(labels) != len(logits):
            return
        known = labels != -100
        labels, predictions = labels[known], logits.argmax(1).cpu()[known]
        if len(self._label_counts) != self.num_classes:
            self._label_counts = self._prediction_counts = torch.zeros(self.num_classes, dtype=torch.int64)
        self._label_counts = self._label_counts + labels.bincount(minlength=self.num_classes)
        self._prediction_counts = self._prediction_counts + predictions.bincount(minlength=self.num_classes)
        self._num_labels += len(labels)
        self._num_hits += int((labels == predictions).sum())

    def conclude(self) -> tuple[str, str]:
        """Return the task and what this rests on.

        The task is "classification", "regression", "none", "assumed" or "unknown"; see `NetworkPlan`.
        """
        if self.num_classes < 2:
            for loss in self._losses:
                if loss.task != "classification":
                    return loss.task, f"the step computes {loss.name}"
            return "none", "no layer puts out a row of two or more values for each example"
        of_outputs = [loss for loss in self._losses if loss.shape[1:] == (self.num_classes,)]
        for loss in of_outputs:
            if loss.task == "classification":
                return "classification", f"the step computes {loss.name} of the outputs"
        for loss in (*of_outputs, *self._losses):
            if loss.task != "classification":
                return loss.task, f"the step computes {loss.name}"
        if self._losses:
            return "unknown", f"the step computes {self._losses[0].name}, but not of the outputs of the last layer"
        if self._num_labels:
            top = int(self._label_counts.nonzero().max()) + 1
            if top == self.num_classes:
                return "classification", f"the batches have integer labels from 0 to {top - 1}, one for each output"
            if self._is_predicted():
                return "classification", "the outputs predict the integer labels in the batches"
        if self._owned:
            return "classification", f"the module owns {self._owned}"
        if self._assume:
            return "assumed", f"nothing says what its {self.num_classes} outputs are"
        return "unknown", "neither a loss of classes nor labels for the outputs were seen"

    def _is_predicted(self) -> bool:
        """Whether outputs and labels agree more often than two independent draws with the same frequencies."""
        shares = self._label_counts.double() * self._prediction_counts.double() / self._num_labels**2
        chance = float(shares.sum())
        error = math.sqrt(self._num_labels * chance * (1 - chance))
        self._predicts_labels |= self._num_hits - self._num_labels * chance > _SIGNIFICANT * error > 0
        return self._predicts_labels


def _owned_by(model: nn.Module) -> str:
    for module in model.modules():
        kind = type(module)
        if isinstance(module, _LOSSES_OF_CLASSES):
            return f"a {kind.__name__}"
        if kind.__module__.startswith("torchmetrics.classification") and "Multiclass" in kind.__name__:
            return f"a {kind.__name__}"
    return ""
