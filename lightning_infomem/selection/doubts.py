"""Doubts that a reader should know before trusting a ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scipy.stats import kendalltau

from lightning_infomem.records.file_names import name_files
from lightning_infomem.records.flag import Flag
from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.criteria import MUTUAL_INFORMATION

__all__ = ["doubts_of_assumed_classes", "doubts_of_candidates", "doubts_of_ranks", "why_rank_is_shared"]

_SAME_MEASURES = "they have the same measures"

# Name of the flag, score of a layer, the limit that it must exceed, and what that means.
_FAULTS_OF_LAYERS = (
    ("dead_units", "dead_fraction", 0.5, "over half of the units are constant"),
    ("ties", "tie_fraction", 0.9, "nine of ten samples share their value with another"),
    ("dropped_rows", "dropped_fraction", 0.1, "over a tenth of the rows is not finite"),
)
_RANGE_QUOTIENT = 3.0


def doubts_of_assumed_classes(candidates: Sequence[Candidate]) -> list[Flag]:
    """Return a flag "classes_assumed" if the outputs of a network are taken for classes without evidence."""
    files: dict[str, list[str]] = {}
    for each in candidates:
        if each.moment.task == "assumed":
            files.setdefault(each.moment.task_reason, []).append(str(each.path))
    return [
        Flag(
            "classes_assumed",
            f"the outputs of the network in {name_files(paths)} are taken for logits of classes, although {reason}; "
            'give task="classification" if they are, else task="regression" or task="none"',
        )
        for reason, paths in files.items()
    ]


def doubts_of_candidates(candidates: Sequence[Candidate], layers: Sequence[str], kind: str | None) -> list[Flag]:
    """Return the doubts that the checkpoints themselves raise.

    Returns:
        Flags named "dead_units" (over half of a layer is constant), "ties" (nine tenths of the samples of a layer
        share their value with another one), "dropped_rows" (over a tenth of the rows is not finite), "outliers" (one
        range of bins for the whole network is, in standard deviations, three times as wide in one checkpoint as in
        another, so that a few large values lower its entropy), "entropy_direction" (the range of the bins can reverse
        the direction of the entropy rank), and "classes_assumed" (see `doubts_of_assumed_classes`).
    """
    flags = doubts_of_assumed_classes(candidates)
    for name, share, limit, words in _FAULTS_OF_LAYERS:
        for layer in layers:
            files = [str(each.path) for each in candidates if each.layers[layer].scores[share] > limit]
            if files:
                flags.append(Flag(name, f"layer '{layer}': {words} in {name_files(files)}"))
    value_range = candidates[0].fingerprint.get("settings.value_range")
    if value_range == "network":
        widths = {str(each.path): each.layers[layers[0]].scores.get("range_in_deviations") for each in candidates}
        flags += _outliers({file: width for file, width in widths.items() if width is not None and width > 0})
    if kind == "example" and value_range != "network":
        flags.append(
            Flag(
                "entropy_direction",
                "the direction of the entropy rank holds for value_range='network'; other ranges of the bins can "
                "reverse it under example-level memorization",
            )
        )
    return flags


def why_rank_is_shared(tied: Sequence[Candidate], layers: Sequence[str], reference: Candidate | None) -> str:
    """Say why checkpoints share a rank: equal measures, equal distances, or layers that contradict one another."""
    information, entropy = (
        [each.values(measure, layers) for each in tied] for measure in ("mutual_information", "entropy")
    )
    if all(each == information[0] for each in information):
        is_same = all(each == entropy[0] for each in entropy)
        return _SAME_MEASURES if is_same else "they have the same mutual information"
    if reference is not None:
        target = reference.values("mutual_information", layers)
        distances = [[abs(a - b) for a, b in zip(each, target, strict=True)] for each in information]
        if all(each == distances[0] for each in distances):
            return "they are equally near to the reference"
    return "the layers disagree"


def doubts_of_ranks(
    leader: str,
    ranks: Sequence[int],
    entropy_ranks: Sequence[int | None],
    num_in_best_set: int,
    why_shared: str = _SAME_MEASURES,
) -> list[Flag]:
    """Return the doubts that the ranks raise.

    Args:
        leader: Name of the criterion that leads.
        ranks: Ranks by it.
        entropy_ranks: Ranks by entropy.
        num_in_best_set: Number of checkpoints that cannot be distinguished from the best.
        why_shared: Why several checkpoints share the first rank, if they do; see `why_rank_is_shared`.

    Returns:
        Flags named "shared_first_rank", "indistinct" (no checkpoint can be distinguished from the best), and
        "disagreement" (entropy and mutual information, which leads, rank differently).
    """
    flags = []
    first = list(ranks).count(1)
    if first == len(ranks) and why_shared == _SAME_MEASURES:
        flags.append(Flag("shared_first_rank", "all checkpoints have the same measures; are they copies of one?"))
    elif first > 1:
        sharing = "all checkpoints" if first == len(ranks) else f"{first} checkpoints"
        because = "" if why_shared == _SAME_MEASURES else f", because {why_shared}"
        flags.append(
            Flag("shared_first_rank", f"{sharing} share rank 1{because}; .best is only the first of them by name")
        )
    elif num_in_best_set == len(ranks):
        flags.append(Flag("indistinct", "no checkpoint can be distinguished from the best"))
    if leader != MUTUAL_INFORMATION.name or None in entropy_ranks:
        return flags
    agreement = kendalltau(ranks, entropy_ranks).statistic
    if agreement < 0:  # NaN where all are tied
        flags.append(
            Flag(
                "disagreement",
                f"entropy and mutual information disagree (tau-b {agreement:.2f}): look at both before you choose",
            )
        )
    return flags


def _outliers(widths: Mapping[str, float]) -> list[Flag]:
    widest = max(widths, key=lambda file: widths[file], default=None)
    if widest is None or widths[widest] <= _RANGE_QUOTIENT * min(widths.values()):
        return []
    return [
        Flag(
            "outliers",
            f"the bins of the entropy are {widths[widest] / min(widths.values()):.1f} times as wide in '{widest}' as "
            "in another checkpoint, in standard deviations: a few large values lower its entropy; trust mutual "
            "information, or measure with value_range='unit'",
        )
    ]
