"""The third stage of a ranking: turn comparable checkpoints into rows with ranks, intervals and doubts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lightning_infomem._checks import describe
from lightning_infomem._errors import UsageTypeError, UsageValueError
from lightning_infomem.records.file_names import files_by_reason
from lightning_infomem.records.flag import Flag
from lightning_infomem.records.ranking_row import RankedCheckpoint, RankedGroup
from lightning_infomem.records.tasks import why_no_classes
from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.compare_candidates import Comparison
from lightning_infomem.selection.direction import choose_direction, kind_of
from lightning_infomem.selection.doubts import doubts_of_candidates, doubts_of_ranks, why_rank_is_shared
from lightning_infomem.selection.ranking import Ranking
from lightning_infomem.selection.scoring import bootstrap_ranks, score_candidates

__all__ = ["rank_candidates"]


def rank_candidates(
    candidates: Sequence[Candidate],
    comparison: Comparison,
    *,
    memorization: str | None = None,
    reference: Candidate | None = None,
    control: Candidate | None = None,
    groups: Mapping[Any, str] | Callable[[Path], str] | None = None,
    skipped: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> Ranking:
    """Rank comparable checkpoints.

    Args:
        candidates: The checkpoints.
        comparison: The layers in which they are compared.
        memorization: See `rank_checkpoints`.
        reference: See `rank_checkpoints`.
        control: The untrained network.
        groups: See `rank_checkpoints`.
        skipped: Path -> why a checkpoint could not be used.
        notes: Further remarks for the reader.

    Raises:
        TypeError: ``groups`` is neither a mapping nor a function.
        ValueError: A checkpoint has no group, or there is only one group.
    """
    layers = comparison.layers
    kind, evidence = choose_direction(memorization, candidates, reference)
    order = memorization if reference is None else "nearest"
    members, names = _number_groups([each.path for each in candidates], groups)
    rows, missing = _rows(candidates, layers, order, reference)
    if reference is not None:
        rows = [replace(row, kind=kind_of(each, reference)) for row, each in zip(rows, candidates, strict=True)]
    ranked_groups: list[RankedGroup] = []
    if members is not None:
        rows = [replace(row, group=names[member]) for row, member in zip(rows, members, strict=True)]
        drawn = bootstrap_ranks(candidates, layers, order, reference, members=members)
        for name, fields in zip(names, drawn, strict=True):
            del fields["reseed_interval"]
            ranked_groups.append(RankedGroup(name, tuple(row.path for row in rows if row.group == name), **fields))
    control_row = None
    if control is not None:
        # The rank that it would take among the others, without its chances in the draws.
        with_control, _ = _rows([*candidates, control], layers, order, reference)
        control_row = replace(with_control[-1], probability_best=None, in_best_set=None, rank_interval=None)
    flags = [*comparison.flags, *doubts_of_candidates(candidates, layers, kind)]
    if control_row is not None and control_row.rank is not None and 2 * control_row.rank <= len(rows) + 1:
        flags.append(Flag("untrained_control", f"the untrained network would take rank {control_row.rank}"))
    if order is not None:
        first = [each for each, row in zip(candidates, rows, strict=True) if row.ranks["mutual_information"] == 1]
        flags += doubts_of_ranks(
            [row.ranks["mutual_information"] for row in rows],
            [row.ranks["entropy"] for row in rows],
            sum(bool(row.in_best_set) for row in rows),
            why_rank_is_shared(first, layers, reference),
        )
    return Ranking(
        rows=tuple(sorted(rows, key=_place)),
        memorization=kind,
        order=order,
        layers=tuple(layers),
        skipped=skipped or {},
        notes=(
            *comparison.notes,
            *files_by_reason((str(each.path), note) for each in candidates for note in each.notes),
            *_without_predictions(candidates),
            *notes,
            *([] if reference is None else [evidence]),
        ),
        refusal=evidence if order is None else None,
        evidence=evidence,
        flags=tuple(flags),
        groups=tuple(sorted(ranked_groups, key=lambda group: (group.rank or 0, group.name))),
        control=control_row,
        missing=missing,
    )


def _without_predictions(candidates: Sequence[Candidate]) -> list[str]:
    """Return why checkpoints are not ranked by their predictions, one line per reason."""
    reasons = {str(each.path): why_no_classes(each.moment.task, each.moment.task_reason) for each in candidates}
    known = {path: f"not ranked by predicted classes: {why}" for path, why in reasons.items() if why is not None}
    return files_by_reason(known)


def _number_groups(
    paths: Sequence[Path], groups: Mapping[Any, str] | Callable[[Path], str] | None
) -> tuple[list[int] | None, list[str]]:
    """Return the number of each checkpoint's group, or None without groups; and the names in that order."""
    if groups is None:
        return None, []
    if not callable(groups) and not isinstance(groups, Mapping):
        raise UsageTypeError(
            f"groups: a mapping of paths to names, or a function, is required, got {describe(groups)}."
        )
    found = []
    for path in paths:
        if callable(groups):
            found.append(str(groups(path)))
            continue
        keys = [key for key in (path, str(path), path.name) if key in groups]
        if not keys:
            raise UsageValueError(f"groups: a group for every checkpoint is required, got none for '{path}'; add it.")
        found.append(str(groups[keys[0]]))
    names = list(dict.fromkeys(found))
    if len(names) < 2:
        raise UsageValueError(
            f"groups: at least two are required, got only {names[0]!r}; give others, or leave it out."
        )
    return [names.index(name) for name in found], names


def _rows(
    candidates: Sequence[Candidate], layers: Sequence[str], order: str | None, reference: Candidate | None
) -> tuple[list[RankedCheckpoint], dict[str, str]]:
    """Return a row for each checkpoint, and criterion -> what it needs for those without any value."""
    scores = score_candidates(candidates, layers, order, reference)
    drawn = bootstrap_ranks(candidates, layers, order, reference)
    rows = [
        RankedCheckpoint(
            path=each.path,
            epoch=each.epoch,
            step=each.step,
            metrics=each.metrics,
            entropy=values["entropy"],
            entropy_rank=ranks.get("entropy"),
            scores=values,
            ranks=ranks,
            **{"rank": None, **fields, "mutual_information": values["mutual_information"]},
        )
        for each, values, ranks, fields in zip(candidates, scores.values, scores.ranks, drawn, strict=True)
    ]
    return rows, scores.missing


def _place(row: RankedCheckpoint) -> tuple[Any, ...]:
    """Sort best first, or in the order of training if there is no ranking."""
    if row.rank is not None:
        return row.rank, str(row.path)
    return str(row.path.parent), -1 if row.epoch is None else row.epoch, str(row.path)
