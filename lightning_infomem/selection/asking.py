"""Which inputs to label, so that their labels tell most about which checkpoint is best."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lightning_infomem._checks import check_count
from lightning_infomem._errors import UsageValueError
from lightning_infomem.selection.votes import Votes

__all__ = ["choose_questions", "vote_entropy"]


def choose_questions(votes: Votes, number: int, *, seed: int = 0) -> Tensor:
    """Choose the inputs about which the checkpoints disagree most.

    All checkpoints have a vote, not only those that lead: where most of them share an error, the leading ones are those
    that share it, and their disputes do not show it. That, and asking for all labels at once, were as good on our
    sweeps as expected information gain (Kay et al., 2025), which trusts the consensus; see `examples/choosing/results`.

    Args:
        votes: The predictions. Inputs that have a label are not asked again.
        number: How many inputs to choose, at least 1.
        seed: Seed of a private generator, which decides between inputs that are equally disputed.

    Returns:
        Places of the inputs among those of ``votes``, int64 ``[chosen]``, most disputed first; fewer than ``number`` if
        there are no more inputs without a label on which checkpoints disagree, because others cannot tell them apart.

    Raises:
        ValueError: ``number`` is below 1 or there are not so many inputs without a label, or none is disputed.

    Reference:
        Engelson and Dagan (1996), Minimizing manual annotation cost in supervised training from corpora, ACL, equation
        2: the entropy of the votes of a committee.
    """
    check_count(number, name="number")
    is_open = votes.labels < 0
    count = int(is_open.sum())
    if not count:
        raise UsageValueError(
            f"number: inputs without a label are required, got none: all {len(is_open)} have one; rank by these labels."
        )
    if number > count:
        raise UsageValueError(
            f"number: at most {count} is required, because so many of {len(is_open)} inputs have no label yet, got "
            f"{number}; ask for fewer."
        )
    entropy = vote_entropy(votes.classes, votes.num_classes).masked_fill(~is_open, 0)
    shuffled = torch.from_numpy(np.random.default_rng(seed).permutation(len(entropy)))
    # Rounded, so that equal shares of other classes stay tied.
    order = shuffled[(-entropy[shuffled].round(decimals=9)).argsort(stable=True)]
    chosen = order[entropy[order] > 1e-9][:number]
    if not len(chosen):
        raise UsageValueError(
            "number: inputs without a label on which checkpoints disagree are required, got none: no label can tell "
            "these checkpoints apart; compare others, or keep any of them."
        )
    return chosen


def vote_entropy(classes: Tensor, num_classes: int) -> Tensor:
    """Compute the entropy of the classes that checkpoints predict for each input.

    Args:
        classes: Predicted classes, int64 ``[checkpoints, inputs]``; -1 is an unknown prediction, which is ignored.
        num_classes: Number of classes.

    Returns:
        float64 ``[inputs]``, nats; 0 where all known predictions agree, or none is known.

    >>> vote_entropy(torch.tensor([[0, 0], [0, 1]]), 2)
    tensor([0.0000, 0.6931], dtype=torch.float64)
    """
    inputs = classes.shape[1]
    known = classes >= 0
    cells = (torch.arange(inputs) * num_classes + classes)[known]
    counts = torch.bincount(cells, minlength=inputs * num_classes).view(inputs, num_classes)
    entropy: Tensor = torch.special.entr(counts / known.sum(0).clamp(min=1).double()[:, None]).sum(1)
    return entropy
