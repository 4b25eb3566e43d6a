"""Checkpoints whose predictions are drawn with known accuracies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.compare_candidates import compare_candidates
from lightning_infomem.selection.labels import read_labels
from lightning_infomem.selection.rank_candidates import rank_candidates
from lightning_infomem.selection.ranking import Ranking
from lightning_infomem.selection.votes import Votes
from tests.checkpoints.checkpoint_files import make_predictions, make_report


def make_votes(classes: Sequence[Sequence[int]], labels: Sequence[int] | None = None, *, num_classes: int = 3) -> Votes:
    """Votes of few checkpoints for few inputs, whose marks are 100 more than their places."""
    votes = torch.tensor(classes)
    count = votes.shape[1]
    return Votes(
        classes=votes,
        confidence=torch.full(votes.shape, 0.5, dtype=torch.float64),
        log_odds=torch.zeros(votes.shape, dtype=torch.float64),
        inputs=torch.arange(100, 100 + count),
        num_classes=num_classes,
        places=torch.arange(count),
        loader=0,
        reference=None,
        neighbor_labels=None,
        labels=torch.full((count,), -1) if labels is None else torch.tensor(labels),
        paths=tuple(Path("zoo", f"{name}.ckpt") for name in "abcdefgh"[: len(votes)]),
    )


def misled_zoo(seed: int, *, inputs: int = 300, num_classes: int = 5) -> tuple[Tensor, Tensor]:
    """Return true classes, and predictions ``[8, inputs]`` of 3 good checkpoints and 5 that share half of their errors.

    The accuracies are near .8, .7, .65, and .5 for each of the five, whose consensus wins without labels.
    """
    generator = torch.Generator().manual_seed(seed)
    truth = torch.randint(num_classes, (inputs,), generator=generator)
    shared = (truth + torch.randint(1, num_classes, (inputs,), generator=generator)) % num_classes
    is_misled = torch.rand(inputs, generator=generator) < 0.4
    common = torch.where(is_misled, shared, truth)
    own = []
    for base, error in ((truth, 0.2), (truth, 0.3), (truth, 0.35), *(((common, 0.15),) * 5)):
        wrong = torch.rand(inputs, generator=generator) < error
        other = (base + torch.randint(1, num_classes, (inputs,), generator=generator)) % num_classes
        own.append(torch.where(wrong, other, base))
    return truth, torch.stack(own)


def rank_votes(classes: Tensor, labels: Mapping[int, int] | None = None, **fields: object) -> Ranking:
    """Rank checkpoints "a" to "h" by their predicted classes."""
    candidates = [
        Candidate.from_report(
            Path("zoo", f"{name}.ckpt"), make_report({"fc1": 0.1}, predictions=make_predictions(own, **fields))
        )
        for name, own in zip("abcdefgh", classes, strict=False)
    ]
    return rank_candidates(
        candidates, compare_candidates(candidates), labels=None if labels is None else read_labels(labels)
    )
