"""What the checkpoints of a ranking predict for the inputs that all of them saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn.functional import one_hot

from lightning_infomem.records.file_names import name_files
from lightning_infomem.records.flag import Flag
from lightning_infomem.records.predictions import Predictions
from lightning_infomem.records.training_neighbors import TrainingNeighbors
from lightning_infomem.selection.candidates import Candidate

__all__ = ["Votes", "collect_votes", "doubts_of_class_order"]

_FEWEST_INPUTS = 20
_RENAMED = 0.3  # a checkpoint that agrees with the others on so much more if its classes are renamed


@dataclass(frozen=True, eq=False)
class Votes:
    """Predictions of all checkpoints for the same inputs, and what else is known of these inputs.

    Attributes:
        classes: Predicted classes, int64 ``[checkpoints, inputs]``; -1 where unknown.
        confidence: Probability of each, float64 ``[checkpoints, inputs]``; 0 where unknown.
        log_odds: Log odds of each, float64 ``[checkpoints, inputs]``; NaN where unknown.
        inputs: Marks of the inputs, int64 ``[inputs]``, increasing.
        num_classes: Number of classes.
        places: Place of each input in the data, int64 ``[inputs]``; None if unknown. See `Predictions`.
        loader: Index of the loader that brought them; None if unknown.
        reference: Classes that the reference predicts, int64 ``[inputs]``; None without a reference.
        neighbor_labels: Labels of the nearest training examples, int64 ``[inputs, neighbors]``; None if unknown.
        labels: Known labels, int64 ``[inputs]``; -1 where unknown.
        paths: Paths of the checkpoints, in this order.
    """

    classes: Tensor
    confidence: Tensor
    log_odds: Tensor
    inputs: Tensor
    num_classes: int
    places: Tensor | None
    loader: int | None
    reference: Tensor | None
    neighbor_labels: Tensor | None
    labels: Tensor
    paths: tuple[Path, ...] = ()

    @property
    def num_labels(self) -> int:
        """Number of known labels."""
        return int((self.labels >= 0).sum())


def collect_votes(
    candidates: Sequence[Candidate],
    reference: Candidate | None = None,
    neighbors: TrainingNeighbors | None = None,
) -> tuple[Votes | None, str]:
    """Bring the predictions of checkpoints together, input by input.

    Args:
        candidates: The checkpoints.
        reference: A checkpoint that generalises. If it saw other inputs or has other classes, it is left out.
        neighbors: Labels of the training examples nearest to each input; see `find_training_neighbors`.

    Returns:
        The votes, without labels; or None, and why they cannot be compared.
    """
    found = [each.predictions for each in candidates]
    known = [each for each in found if each is not None]
    if len(known) < len(found):
        without = [str(each.path) for each in candidates if each.predictions is None]
        return None, f"there are no predicted classes of known inputs in {name_files(without)}"
    numbers = {each.num_classes for each in known}
    if len(numbers) > 1:
        return None, f"the checkpoints have different numbers of classes ({', '.join(map(str, sorted(numbers)))})"
    inputs = _shared_inputs(known)
    if len(inputs) < _FEWEST_INPUTS:
        return None, f"only {len(inputs)} inputs were seen by all checkpoints, and {_FEWEST_INPUTS} are required"
    rows = [_rows(each, inputs) for each in known]
    classes = torch.stack([each.classes[row].long() for each, row in zip(known, rows, strict=True)])
    log_odds = torch.stack([each.log_odds[row].double() for each, row in zip(known, rows, strict=True)])
    others = None if reference is None else reference.predictions
    if others is not None and (
        others.num_classes not in numbers or len(_shared_inputs([others, *known])) < len(inputs)
    ):
        others = None
    same_places = {
        None if each.places is None else tuple(each.places[row].tolist()) for each, row in zip(known, rows, strict=True)
    }
    same_loaders = {each.loader for each in known}
    first = known[0].places
    return Votes(
        classes=classes,
        confidence=log_odds.sigmoid().nan_to_num(0.0).masked_fill(classes < 0, 0.0),
        log_odds=log_odds,
        inputs=inputs,
        num_classes=known[0].num_classes,
        places=first[rows[0]] if first is not None and len(same_places) == 1 else None,
        loader=known[0].loader if len(same_loaders) == 1 else None,
        reference=None if others is None else others.classes[_rows(others, inputs)].long(),
        neighbor_labels=None if neighbors is None else neighbors.labels[torch.searchsorted(neighbors.inputs, inputs)],
        labels=torch.full((len(inputs),), -1),
        paths=tuple(each.path for each in candidates),
    ), ""


def doubts_of_class_order(votes: Votes, candidates: Sequence[Candidate]) -> list[Flag]:
    """Return a flag "class_order" for checkpoints whose classes seem to have other names than those of the others.

    Each is compared with the vote of the others, as it is and after the renaming of its classes that agrees best.
    """
    total = sum(_one_hot(own, votes.num_classes) for own in votes.classes)
    renamed = []
    for each, classes in zip(candidates, votes.classes, strict=True):
        own = _one_hot(classes, votes.num_classes)
        table = own.T @ _one_hot((total - own).argmax(1), votes.num_classes) / len(own)
        rows, columns = linear_sum_assignment(table.numpy(), maximize=True)
        if float(table[rows, columns].sum() - table.diagonal().sum()) > _RENAMED:
            renamed.append(str(each.path))
    if not renamed:
        return []
    return [
        Flag(
            "class_order",
            f"the classes of {name_files(renamed)} seem to be in another order than those of the other checkpoints: "
            "predictions are compared by their numbers; train with one order, or leave them out",
        )
    ]


def _one_hot(classes: Tensor, num_classes: int) -> Tensor:
    """Return a 1 for the class of each input, float64 ``[inputs, classes]``; none where it is unknown."""
    found: Tensor = one_hot(classes.clamp(min=0), num_classes).double() * (classes >= 0)[:, None]
    return found


def _shared_inputs(found: Sequence[Predictions]) -> Tensor:
    """Return the marks that all have, increasing, each once."""
    shared: Tensor = torch.unique(found[0].inputs)
    for each in found[1:]:
        if not torch.equal(each.inputs, found[0].inputs):
            shared = shared[torch.isin(shared, each.inputs)]
    return shared


def _rows(predictions: Predictions, inputs: Tensor) -> Tensor:
    """Return the first row of each input."""
    rows: Tensor = torch.searchsorted(predictions.inputs, inputs)
    return rows
