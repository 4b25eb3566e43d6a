"""Rank checkpoints by how much they generalise, without labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from lightning_infomem._checks import check_choice, describe
from lightning_infomem.records import InformationReport
from lightning_infomem.selection.candidates import Candidate, collect_candidates, read_candidate
from lightning_infomem.selection.checkpoints import UnusableCheckpoint, find_checkpoints
from lightning_infomem.selection.comparability import check_comparable
from lightning_infomem.selection.direction import KINDS, choose_direction
from lightning_infomem.selection.doubts import doubts_of_candidates, doubts_of_ranks
from lightning_infomem.selection.naming import files_by_reason
from lightning_infomem.selection.offline import OfflineMeasurement, check_setting_names
from lightning_infomem.selection.ordering import median_ranks
from lightning_infomem.selection.result import RankedCheckpoint, Ranking

__all__ = ["RankedCheckpoint", "Ranking", "rank_checkpoints"]


def rank_checkpoints(
    checkpoints: object,
    *,
    memorization: str | None = None,
    reference: str | Path | InformationReport | None = None,
    model: nn.Module | Callable[[dict[str, Any]], nn.Module] | None = None,
    data: Iterable[Any] | None = None,
    layers: str | type[nn.Module] | Sequence[str | type[nn.Module]] = "auto",
    forward: Callable[[nn.Module, Any], object] | None = None,
    **settings: Any,
) -> Ranking:
    """Rank checkpoints of different training recipes by the measures that they carry.

    Do not take it for a verdict on the epochs of one run: along a run the rule "lowest" or "highest" is unsafe.

    Args:
        checkpoints: a folder, a file, several of either, or a ModelCheckpoint; see `find_checkpoints`.
        memorization: what bad checkpoints are suspected of. "heuristic" (shortcuts in the data): low mutual
            information and high entropy are better. "example" (storing single examples, such as wrong labels): high
            mutual information and low entropy are better.
        reference: instead of ``memorization``, a checkpoint or report that is known to generalise: the kind is
            inferred from it. With neither, the values are shown and no ranking is made.
        model: for checkpoints without a report: a network of which a copy gets their weights, or a function from the
            loaded checkpoint to a network.
        data: unlabelled batches for ``model``, the same and in the same order each time.
        layers: which layers of ``model`` to measure; see `measure`.
        forward: how to run ``model`` on a batch; see `measure`.
        **settings: of the measurement by ``model`` and ``data``; see `MeasurementSettings`.

    Returns:
        The ranking. Checkpoints are ranked within each layer and by the median of these ranks. Mutual information
        leads, the rank by entropy stands beside it. Files that cannot be used are named in ``skipped``.

    Raises:
        TypeError: an unknown argument, or one of the wrong type.
        ValueError: fewer than two usable checkpoints, reports that were not measured alike, or a wrong argument.

    Reference:
        Measures of Information Reflect Memorization Patterns (2022), which relates both measures to generalisation.
        Ranking within layers is ours.
    """
    if memorization is not None:
        check_choice(memorization, name="memorization", choices=KINDS)
        if reference is not None:
            raise ValueError(
                "reference: not together with memorization, which already says the kind; give one of them."
            )
    measure_anew = _offline(model, data, layers, forward, settings)
    candidates, skipped = collect_candidates(find_checkpoints(checkpoints), measure_anew)
    if len(candidates) < 2:
        reasons = "; ".join(files_by_reason(skipped)) or "nothing was skipped"
        raise ValueError(
            f"checkpoints: at least two usable ones are required, got {len(candidates)} of "
            f"{len(candidates) + len(skipped)} ({reasons})."
        )
    known_good = None if reference is None else _read_reference(reference, measure_anew)
    compared = candidates if known_good is None else [*candidates, known_good]
    check_comparable({str(each.path): each.fingerprint for each in compared})
    names, notes = _rankable_layers(candidates)
    notes += files_by_reason((str(each.path), note) for each in candidates for note in each.notes)
    if measure_anew is not None and all(each.carried for each in candidates):
        notes.append("every checkpoint carried its report; model, data, layers and settings were not used")
    kind, why = choose_direction(
        memorization,
        [each.mutual_information for each in candidates],
        None if known_good is None else known_good.mutual_information,
    )
    if kind is not None and known_good is not None:
        notes.append(why)
    notes += doubts_of_candidates(candidates, kind)
    rows = _rows(candidates, names, kind)
    if kind is not None:
        notes += doubts_of_ranks(rows)
    return Ranking(tuple(rows), kind, tuple(names), skipped, tuple(notes), why if kind is None else None)


def _offline(model: Any, data: Any, layers: Any, forward: Any, settings: dict[str, Any]) -> OfflineMeasurement | None:
    check_setting_names(settings)
    if (model is None) != (data is None):
        given, missing = ("data", "model") if model is None else ("model", "data")
        raise ValueError(f"{missing}: required together with {given}, to measure checkpoints; give both or neither.")
    if model is not None:
        return OfflineMeasurement(model, data, layers=layers, forward=forward, **settings)
    unused = [*settings, *(["layers"] if layers != "auto" else []), *(["forward"] if forward is not None else [])]
    if unused:
        raise ValueError(
            f"{unused[0]}: only with model and data, because it says how to measure, and without them reports are "
            "only read; give model= and data=, or leave it out."
        )
    return None


def _read_reference(reference: object, measure_anew: OfflineMeasurement | None) -> Candidate:
    if not isinstance(reference, (str, Path, InformationReport)):
        raise TypeError(
            f"reference: a checkpoint's path or an InformationReport is required, got {describe(reference)}."
        )
    try:
        if isinstance(reference, InformationReport):
            return Candidate.from_report(Path("reference"), reference)
        return read_candidate(Path(reference), measure_anew)
    except UnusableCheckpoint as fault:
        name = "the report" if isinstance(reference, InformationReport) else f"'{reference}'"
        raise ValueError(f"reference: a usable checkpoint is required, got {name}: {fault}.") from fault


def _rankable_layers(candidates: Sequence[Candidate]) -> tuple[list[str], list[str]]:
    """Layers that every checkpoint has finite measures of, and a note on each of the others."""
    everywhere = list(dict.fromkeys(name for each in candidates for name in each.mutual_information))
    notes, names = [], []
    for name in everywhere:
        lacking = [(str(each.path), "") for each in candidates if name not in each.mutual_information]
        if lacking:
            files = files_by_reason(lacking)[0].removesuffix(": ")
            notes.append(f"layer '{name}' is left out of the ranking: it has no finite measures in {files}")
        else:
            names.append(name)
    if not names:
        raise ValueError(
            f"checkpoints: a layer with finite measures in all of them is required, got none ({'; '.join(notes)}); "
            "leave out the checkpoints whose training diverged."
        )
    return names, notes


def _rows(candidates: Sequence[Candidate], names: Sequence[str], memorization: str | None) -> list[RankedCheckpoint]:
    """The rows, best first; in the order of training where no kind of memorization gives a direction."""
    entropy = np.array([[each.entropy[name] for each in candidates] for name in names])
    information = np.array([[each.mutual_information[name] for each in candidates] for name in names])
    ranks: list[Any] = [None] * len(candidates)
    entropy_ranks = ranks
    if memorization is not None:
        low_is_better = memorization == "heuristic"
        ranks = median_ranks(information, lower_is_better=low_is_better).tolist()
        entropy_ranks = median_ranks(entropy, lower_is_better=not low_is_better).tolist()
    rows = [
        RankedCheckpoint(
            each.path,
            each.epoch,
            each.step,
            entropy[:, index].mean().item(),
            information[:, index].mean().item(),
            ranks[index],
            entropy_ranks[index],
            each.metrics,
        )
        for index, each in enumerate(candidates)
    ]
    if memorization is None:
        return sorted(
            rows, key=lambda row: (str(row.path.parent), -1 if row.epoch is None else row.epoch, str(row.path))
        )
    return sorted(rows, key=lambda row: (row.rank, str(row.path)))
