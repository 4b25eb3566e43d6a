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
from lightning_infomem.records.training_neighbors import TrainingNeighbors
from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.compare_candidates import Comparison
from lightning_infomem.selection.direction import choose_direction, kind_of
from lightning_infomem.selection.doubts import doubts_of_candidates
from lightning_infomem.selection.doubts_of_choice import doubts_of_choice
from lightning_infomem.selection.information_intervals import information_intervals
from lightning_infomem.selection.labels import Labels
from lightning_infomem.selection.leading import Consideration, choose_leader
from lightning_infomem.selection.rank_by import rank_by
from lightning_infomem.selection.ranking import Ranking
from lightning_infomem.selection.recipes import compare_recipes
from lightning_infomem.selection.scoring import score_candidates
from lightning_infomem.selection.underfit import doubts_of_underfit, find_underfit
from lightning_infomem.selection.vote_scores import input_weights, score_votes, terms_of_votes
from lightning_infomem.selection.votes import collect_votes, doubts_of_class_order

__all__ = ["rank_candidates"]

_UNKNOWN_RECIPES = (
    "no checkpoint says how it was trained, so that recipes may differ, and measures of hidden layers mislead across "
    "recipes; call save_hyperparameters() in the module"
)


def rank_candidates(
    candidates: Sequence[Candidate],
    comparison: Comparison,
    *,
    memorization: str | None = None,
    reference: Candidate | None = None,
    neighbors: TrainingNeighbors | None = None,
    labels: Labels | None = None,
    control: Candidate | None = None,
    groups: Mapping[Any, str] | Callable[[Path], str] | None = None,
    across_recipes: bool = False,
    skipped: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> Ranking:
    """Rank comparable checkpoints.

    Args:
        candidates: The checkpoints.
        comparison: The layers in which they are compared.
        memorization: See `rank_checkpoints`.
        reference: See `rank_checkpoints`.
        neighbors: Labels of the training examples nearest to each input.
        labels: Known labels of inputs.
        control: The untrained network.
        groups: See `rank_checkpoints`.
        across_recipes: Whether measures of hidden layers may lead although recipes differ.
        skipped: Path -> why a checkpoint could not be used.
        notes: Further remarks for the reader.

    Raises:
        TypeError: ``groups`` is neither a mapping nor a function.
        ValueError: A checkpoint has no group, there is only one group, or no label is of an input that was seen.
    """
    layers = comparison.layers
    kind, evidence = choose_direction(memorization, candidates, reference)
    order = memorization if reference is None else "nearest"
    members, names = _number_groups([each.path for each in candidates], groups)
    recipes = compare_recipes(candidates)
    underfit = find_underfit(candidates)
    votes, why_no_votes = collect_votes(candidates, reference, neighbors)
    label_notes: list[str] = []
    if labels is not None:
        votes, label_notes = labels.apply(votes, why_no_votes)
    terms = {} if votes is None else terms_of_votes(votes)
    if votes is not None:
        by_votes = score_votes(votes, terms)
        candidates = [
            replace(each, scores={**each.scores, **found}) for each, found in zip(candidates, by_votes, strict=True)
        ]
    scores = score_candidates(candidates, layers, order, reference)
    known = [name for name in scores.ranks[0] if all(name in ranks for ranks in scores.ranks)]
    why = choose_leader(
        known,
        memorization=memorization,
        has_reference=reference is not None,
        neighbors=neighbors,
        num_labels=0 if votes is None else votes.num_labels,
        recipes=recipes._replace(names=()) if across_recipes else recipes,
        num_checkpoints=len(candidates),
        why_no_votes=why_no_votes,
    )
    leader = next((each.criterion for each in why if each.leads), None)
    how: dict[str, Any] = {"order": order, "reference": reference, "terms": terms, "underfit": underfit}
    if votes is not None:
        how |= {"weights": input_weights(votes, leader), "num_labels": votes.num_labels}
    fields = _fields(leader, candidates, layers, how)
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
            kind=None if reference is None else kind_of(each, reference),
            group=None if members is None else names[members[place]],
            recipe={name: settings[place] for name, settings in recipes.settings.items()},
            is_underfit=underfit[place],
            **{"rank": None, **fields[place]},
        )
        for place, (each, values, ranks) in enumerate(zip(candidates, scores.values, scores.ranks, strict=True))
    ]
    ranked_groups: list[RankedGroup] = []
    if members is not None:
        for name, found in zip(names, _fields(leader, candidates, layers, how, members), strict=True):
            del found["reseed_interval"]
            ranked_groups.append(RankedGroup(name, tuple(row.path for row in rows if row.group == name), **found))
    flags = [*comparison.flags, *doubts_of_candidates(candidates, layers, kind)]
    if leader is not None and leader in terms:
        # These are doubts about measures of hidden layers, which do not lead.
        flags = [replace(flag, is_doubt=flag.is_doubt and flag.name == "classes_assumed") for flag in flags]
    control_row = None if control is None else _control_row(control, candidates, layers, leader, how)
    if control_row is not None and control_row.rank is not None and 2 * control_row.rank <= len(rows) + 1:
        flags.append(Flag("untrained_control", f"the untrained network would take rank {control_row.rank}"))
    if votes is not None:
        flags += doubts_of_class_order(votes, candidates)
    if leader is not None:
        facts = {} if votes is None else {"num_classes": votes.num_classes, "num_labels": votes.num_labels}
        flags += doubts_of_choice(leader, rows, candidates, layers, reference=reference, **facts)
    flags += [*recipes.flags, *doubts_of_underfit(candidates, underfit)]
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
            *label_notes,
            *([] if leader is None or leader in terms or recipes.is_known else [_UNKNOWN_RECIPES]),
            *([] if reference is None else [evidence]),
        ),
        refusal=None if leader is not None else _refusal(evidence, why, why_no_votes),
        evidence=evidence,
        flags=tuple(sorted(flags, key=lambda flag: not flag.is_doubt)),
        groups=tuple(sorted(ranked_groups, key=lambda group: (group.rank or 0, group.name))),
        control=control_row,
        missing=scores.missing,
        criterion=leader,
        why=tuple(why),
        votes=votes,
    )


def _fields(
    leader: str | None,
    candidates: Sequence[Candidate],
    layers: Sequence[str],
    how: Mapping[str, Any],
    members: Sequence[int] | None = None,
) -> list[dict[str, Any]]:
    """Return the fields of rows, or of groups, that rest on draws."""
    intervals = information_intervals(candidates, layers, members=members)
    if leader is None:
        return intervals
    ranked = rank_by(leader, candidates, layers, members=members, **how)
    return [{**one, **other} for one, other in zip(intervals, ranked, strict=True)]


def _control_row(
    control: Candidate,
    candidates: Sequence[Candidate],
    layers: Sequence[str],
    leader: str | None,
    how: Mapping[str, Any],
) -> RankedCheckpoint:
    """Return the row of the untrained network: the rank that it would take by the measures of hidden layers."""
    together = score_candidates([*candidates, control], layers, how["order"], how["reference"])
    ranks = together.ranks[-1]
    rank = ranks.get(leader) if leader in ranks and leader not in how["terms"] else None
    return RankedCheckpoint(
        path=control.path,
        epoch=control.epoch,
        step=control.step,
        entropy=together.values[-1]["entropy"],
        entropy_rank=ranks.get("entropy"),
        rank=rank,
        scores=together.values[-1],
        ranks=ranks,
        **information_intervals([control], layers)[0],
    )


def _refusal(evidence: str, why: Sequence[Consideration], why_no_votes: str) -> str:
    """Say why nothing leads, and what to give."""
    known = [each for each in why if each.because != f"not comparable: {why_no_votes}"]
    reasons = [f"{each.criterion.replace('_', ' ')}: {each.because}" for each in known]
    no_votes = [f"predictions cannot be compared, because {why_no_votes}"] if why_no_votes else []
    remedy = f"give a reference that generalises{'' if why_no_votes else ', or labels of a few inputs'}"
    return "; ".join([*reasons, *no_votes, remedy if reasons else evidence])


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


def _place(row: RankedCheckpoint) -> tuple[Any, ...]:
    """Sort best first, or in the order of training if there is no ranking."""
    if row.rank is not None:
        return row.rank, str(row.path)
    return str(row.path.parent), -1 if row.epoch is None else row.epoch, str(row.path)
