"""How far the labels of neighbours can be trusted."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lightning_infomem._checks import check_count
from lightning_infomem._errors import UsageValueError
from lightning_infomem.functional.nearest_neighbors import nearest_neighbors
from lightning_infomem.functional.usable_votes import usable_classes

__all__ = ["LeaveOneOutAccuracy", "leave_one_out_accuracy"]


class LeaveOneOutAccuracy(NamedTuple):
    """Accuracy of nearest neighbours on given labels, beside what no neighbours would reach."""

    accuracy: Tensor
    """Share of examples whose given label is that of most of its neighbours, float64 scalar."""
    standard_error: Tensor
    """Its standard error over examples, float64 scalar."""
    chance: Tensor
    """Share of the most frequent label, float64 scalar: what guessing it everywhere reaches."""


def leave_one_out_accuracy(
    features: Any, labels: Tensor, neighbors: int = 5, *, memory_limit: int = 2**25
) -> LeaveOneOutAccuracy:
    """Measure how often the majority of an example's nearest neighbours has its given label.

    It is measured on the labels as given. If a share of them is wrong, even perfect neighbours reach only the rest.

    Args:
        features: ``[examples, units]``, a floating-point tensor or a ``scipy.sparse`` matrix; see
            `nearest_neighbors`.
        labels: Given labels, ``[examples]``, any integer dtype; examples with -1 are left out.
        neighbors: Number of neighbours that vote.
        memory_limit: Bytes for the similarities computed at a time; it does not change the result.

    Returns:
        Accuracy, standard error and chance. If classes tie for the majority, each of them counts in parts.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If shapes do not match, a value is not finite, or there are no more examples than neighbours.

    Cost:
        That of `nearest_neighbors`: time ``examples**2 * units``.

    >>> features = torch.tensor([[0.0, 1.0], [0.1, 1.0], [0.2, 1.0], [1.0, 0.0], [1.0, 0.1], [1.0, 0.2]])
    >>> leave_one_out_accuracy(features, torch.tensor([0, 0, 1, 1, 1, 1]), 1).accuracy  # all but the third
    tensor(0.8333, dtype=torch.float64)
    """
    labels = usable_classes(labels, features.shape[0], name="labels")
    known = labels >= 0
    check_count(neighbors, name="neighbors")
    if int(known.sum()) <= neighbors:
        raise UsageValueError(
            f"labels: more than neighbors={neighbors} known labels are required, got {int(known.sum())}; "
            "give more examples or lower neighbors."
        )
    rows = known.nonzero()[:, 0]
    if len(rows) < len(labels):
        features = features[rows.to(features.device) if isinstance(features, Tensor) else rows.numpy()]
    labels = labels[rows]
    found = nearest_neighbors(features, features, neighbors, exclude_self=True, memory_limit=memory_limit)
    voting = labels[found.indices]
    votes = (voting[:, :, None] == voting[:, None]).sum(2)  # each neighbour's votes for its own class
    most = votes.amax(1)
    winners = (votes == most[:, None]).sum(1) / most
    is_right = (voting == labels[:, None]).sum(1) == most
    credits = is_right / winners.double()
    chance = torch.bincount(labels).amax() / len(labels)
    return LeaveOneOutAccuracy(credits.mean(), credits.std() / math.sqrt(len(credits)), chance.double())
