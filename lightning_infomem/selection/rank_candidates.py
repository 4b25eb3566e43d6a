"""The third stage of a ranking: turn comparable checkpoints into rows with ranks, intervals and doubts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning_infomem.records.file_names import files_by_reason
from lightning_infomem.records.flag import Flag
from lightning_infomem.records.ranking_row import RankedCheckpoint, RankedGroup
from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.compare_candidates import Comparison
from lightning_infomem.selection.direction import choose_direction, kind_of
from lightning_infomem.selection.doubts import doubts_of_candidates, doubts_of_ranks
from lightning_infomem.selection.grouping import name_groups
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
    """
    layers = comparison.layers
    kind, evidence = choose_direction(memorization, candidates, reference)
    order = memorization if reference is None else "nearest"
    members, names = name_groups([each.path for each in candidates], groups)
    scores = score_candidates(candidates, layers, order, reference)
    drawn = bootstrap_ranks(candidates, layers, order, reference)
    rows = [
        _row(
            each,
            scores.values[index],
            scores.ranks[index],
            drawn[index],
            kind=None if reference is None else kind_of(each, reference),
            group=None if members is None else names[members[index]],
        )
        for index, each in enumerate(candidates)
    ]
    ranked_groups: tuple[RankedGroup, ...] = ()
    if members is not None:
        drawn_groups = bootstrap_ranks(candidates, layers, order, reference, members=members)
        ranked_groups = _groups(candidates, members, names, drawn_groups)
    control_row = None if control is None else _control_row(candidates, control, layers, order, reference)
    flags = [*comparison.flags, *doubts_of_candidates(candidates, layers, kind)]
    if control_row is not None and control_row.rank is not None and 2 * control_row.rank <= len(rows) + 1:
        flags.append(Flag("untrained_control", f"the untrained network would take rank {control_row.rank}"))
    if order is not None:
        flags += doubts_of_ranks(
            [row.ranks["mutual_information"] for row in rows],
            [row.ranks["entropy"] for row in rows],
            sum(bool(row.in_best_set) for row in rows),
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
            *notes,
            *([] if reference is None else [evidence]),
        ),
        refusal=evidence if order is None else None,
        evidence=evidence,
        flags=tuple(flags),
        groups=ranked_groups,
        control=control_row,
        missing=scores.missing,
    )


def _row(
    candidate: Candidate, values: Mapping[str, float], ranks: Mapping[str, int], drawn: Mapping[str, Any], **known: Any
) -> RankedCheckpoint:
    return RankedCheckpoint(
        path=candidate.path,
        epoch=candidate.epoch,
        step=candidate.step,
        metrics=candidate.metrics,
        entropy=values["entropy"],
        entropy_rank=ranks.get("entropy"),
        scores=values,
        ranks=ranks,
        **{"rank": None, **drawn, **known, "mutual_information": values["mutual_information"]},
    )


def _control_row(
    candidates: Sequence[Candidate],
    control: Candidate,
    layers: Sequence[str],
    order: str | None,
    reference: Candidate | None,
) -> RankedCheckpoint:
    """Return the row with the rank that it would take among the others, without its chances in the draws."""
    everyone = [*candidates, control]
    scores = score_candidates(everyone, layers, order, reference)
    drawn = bootstrap_ranks(everyone, layers, order, reference)[-1]
    unknown = dict.fromkeys(("probability_best", "in_best_set", "rank_interval"))
    return _row(control, scores.values[-1], scores.ranks[-1], drawn, **unknown)


def _groups(
    candidates: Sequence[Candidate], members: Sequence[int], names: Sequence[str], drawn: Sequence[Mapping[str, Any]]
) -> tuple[RankedGroup, ...]:
    groups = [
        RankedGroup(
            name=name,
            paths=tuple(each.path for each, group in zip(candidates, members, strict=True) if group == index),
            **{field: value for field, value in drawn[index].items() if field != "reseed_interval"},
        )
        for index, name in enumerate(names)
    ]
    return tuple(sorted(groups, key=lambda group: (group.rank or 0, group.name)))


def _place(row: RankedCheckpoint) -> tuple[Any, ...]:
    """Sort best first, or in the order of training if there is no ranking."""
    if row.rank is not None:
        return row.rank, str(row.path)
    return str(row.path.parent), -1 if row.epoch is None else row.epoch, str(row.path)
