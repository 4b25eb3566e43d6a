"""Rank checkpoints by how much they generalise, without labels."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from lightning_infomem._checks import check_choice, describe
from lightning_infomem.checkpoints.reading import UnusableCheckpoint, find_checkpoints
from lightning_infomem.offline.offline_measurement import OfflineMeasurement
from lightning_infomem.records.file_names import files_by_reason
from lightning_infomem.records.report import InformationReport
from lightning_infomem.selection.candidates import Candidate, collect_candidates, read_candidate
from lightning_infomem.selection.comparability import check_comparable
from lightning_infomem.selection.direction import KINDS, choose_direction, kind_of
from lightning_infomem.selection.doubts import Flag, doubts_of_candidates, doubts_of_ranks, leave_out_copies
from lightning_infomem.selection.grouping import name_groups
from lightning_infomem.selection.one_run import REFUSAL, JudgedRun, judge_run, looks_like_one_run, tell_of_run
from lightning_infomem.selection.ranking import RankedCheckpoint, RankedGroup, Ranking
from lightning_infomem.selection.scoring import Scores, Standing, score_candidates, stand
from lightning_infomem.settings import check_setting_names

__all__ = ["RankedCheckpoint", "Ranking", "rank_checkpoints"]


def rank_checkpoints(
    checkpoints: object,
    *,
    memorization: str | None = None,
    reference: str | Path | InformationReport | None = None,
    groups: Mapping[Any, str] | Callable[[Path], str] | None = None,
    along_run: bool | None = None,
    allow_mismatch: Sequence[str] = (),
    weight_norms: bool = False,
    model: nn.Module | Callable[[dict[str, Any]], nn.Module] | None = None,
    data: Iterable[Any] | None = None,
    layers: str | type[nn.Module] | Sequence[str | type[nn.Module]] = "auto",
    forward: Callable[[nn.Module, Any], object] | None = None,
    trainer: Any = None,
    cache: str | Path | None = None,
    control: bool = False,
    **settings: Any,
) -> Ranking:
    """Rank checkpoints of different training recipes by the measures that they carry.

    Epochs of one run are not ranked, since along a run the rule "lowest" or "highest" is unsafe. Whether the run began
    to memorize, and which checkpoint to keep, is judged from its course instead; see `alarm.judge`.

    Args:
        checkpoints: a folder, a file, several of either, or a ModelCheckpoint; see `find_checkpoints`.
        memorization: what bad checkpoints are suspected of. "heuristic" (shortcuts in the data): low mutual
            information and high entropy are better. "example" (storing single examples, such as wrong labels): high
            mutual information and low entropy are better.
        reference: instead of ``memorization``, a checkpoint or report that is known to generalise: the nearer to it
            the better, whatever the kind of memorization, which is told from it besides; see `choose_direction`. A
            checkpoint better than the reference is not found so. With neither, the values are shown and no ranking is
            made.
        groups: path or file name -> name of the recipe, or a function of the path: recipes of several seeds are ranked
            by their means besides, and the spread between seeds makes their intervals.
        along_run: whether these are epochs of one run, whose values are shown in order and of which one is kept
            (``best``); by default found out: one folder, and no epoch twice.
        allow_mismatch: fields in which reports may differ all the same; see `check_comparable`.
        weight_norms: take the norms of the weights as baselines, too: a singular value decomposition a layer.
        model: for checkpoints without a report: a network of which a copy gets their weights, or a function from the
            loaded checkpoint to a network.
        data: unlabelled batches for ``model``, the same and in the same order each time.
        layers: which layers of ``model`` to measure; see `measure`.
        forward: how to run ``model`` on a batch; see `measure`.
        trainer: Lightning's, to run the forward passes: device, precision and strategy are its own, and several
            processes share the pairs. Without one they run on a GPU if there is one, else where the model is.
        cache: folder for the reports that had to be measured; by default ``.infomem`` beside each checkpoint. A second
            ranking of the same files, data and settings, or one after a crash, measures nothing twice.
        control: also measure ``model`` with fresh weights; the rank that it would take stands in ``control``.
        **settings: Every field of `MeasurementSettings`, for the measurement with ``model`` and ``data``.

    Returns:
        The ranking. Checkpoints are ranked within each layer and by the median of these ranks. Mutual information
        leads; the ranks by entropy and by the baselines of `selection.criteria` stand beside it. Files that cannot be
        used are named in ``skipped``.

    Raises:
        TypeError: an unknown argument, or one of the wrong type.
        ValueError: fewer than two usable checkpoints, reports that were not measured alike, or a wrong argument.

    Cost:
        Of checkpoints that carry reports a few milliseconds each, most of it for reading the file.

    Reference:
        Measures of Information Reflect Memorization Patterns (2022), which relates both measures to generalisation.
        Ranking within layers, uncertainty and the refusals are ours.
    """
    if memorization is not None:
        check_choice(memorization, name="memorization", choices=KINDS)
        if reference is not None:
            raise ValueError(
                "reference: not together with memorization, which already says the kind; give one of them."
            )
    measure_anew = _offline(model, data, layers, forward, trainer, cache, settings)
    if control and measure_anew is None:
        raise ValueError("control: model and data are required to measure fresh weights; give both, or leave it out.")
    paths = find_checkpoints(checkpoints)
    candidates, skipped = collect_candidates(paths, measure_anew, weight_norms=weight_norms)
    if weight_norms and measure_anew is not None:
        for each in candidates:
            each.scores["path_norm"] = measure_anew.path_norm(each.path)
    if len(candidates) < 2:
        reasons = "; ".join(files_by_reason(skipped)) or "nothing was skipped"
        raise ValueError(
            f"checkpoints: at least two usable ones are required, got {len(candidates)} of "
            f"{len(candidates) + len(skipped)} ({reasons})."
        )
    known_good = None if reference is None else _read_reference(reference, measure_anew)
    fresh = None
    if control and measure_anew is not None:
        fresh = Candidate.from_report(Path("untrained control"), measure_anew.control(checkpoints=paths))
    compared = [*candidates, *(each for each in (known_good, fresh) if each is not None)]
    notes = check_comparable({str(each.path): each.fingerprint for each in compared}, allow_mismatch)
    names, more = _rankable_layers(compared)
    notes += more
    names, flags = leave_out_copies(candidates, names)
    notes += files_by_reason((str(each.path), note) for each in candidates for note in each.notes)
    if measure_anew is not None:
        notes += measure_anew.notes
        if all(each.carried for each in candidates):
            notes.append("every checkpoint carried its report; model, data, layers and settings were not used")
    verdict = choose_direction(memorization, candidates, known_good)
    order = "nearest" if known_good is not None else memorization
    refusal = verdict.evidence if order is None else None
    if known_good is not None:
        notes.append(verdict.evidence)
    is_run = looks_like_one_run(candidates) if along_run is None else along_run
    judged = None
    if is_run:
        order, judged = None, judge_run(candidates)
        unknown = judged.judgement.abstention
        refusal = REFUSAL if unknown is None else f"{REFUSAL} Whether the run memorizes cannot be told: {unknown}."
        notes += tell_of_run(candidates)
    flags += doubts_of_candidates(candidates, names, verdict.kind)
    scores = score_candidates(candidates, names, order, known_good)
    standing = stand(candidates, names, order, known_good)
    members, group_names = name_groups([each.path for each in candidates], groups)
    rows = _rows(candidates, scores, standing)
    if members is not None:
        rows = [dataclasses.replace(row, group=group_names[own]) for row, own in zip(rows, members, strict=True)]
    if known_good is not None:
        rows = [
            dataclasses.replace(row, kind=kind_of(each, known_good)) for row, each in zip(rows, candidates, strict=True)
        ]
    if judged is not None:
        rows = _with_agreement(rows, judged)
    fresh_row = None
    if fresh is not None:
        fresh_row = _control_row(candidates, fresh, names, order, known_good)
        if fresh_row.rank is not None and 2 * fresh_row.rank <= len(rows) + 1:
            flags.append(Flag("untrained_control", f"the network before any training would take rank {fresh_row.rank}"))
    if order is not None:
        flags += doubts_of_ranks(
            [row.ranks["mutual_information"] for row in rows],
            [row.ranks["entropy"] for row in rows],
            sum(bool(row.in_best_set) for row in rows),
        )
    ranked_groups: tuple[RankedGroup, ...] = ()
    if members is not None:
        by_group = stand(candidates, names, order, known_good, members=members)
        ranked_groups = _ranked_groups(candidates, members, group_names, by_group)
    return Ranking(
        rows=tuple(_in_order(rows)),
        memorization=verdict.kind,
        order=order,
        layers=tuple(names),
        skipped=skipped,
        notes=tuple(notes),
        refusal=refusal,
        evidence=verdict.evidence,
        flags=tuple(flags),
        groups=ranked_groups,
        control=fresh_row,
        missing=scores.missing,
        judgement=None if judged is None else judged.judgement,
        kept=None if judged is None or judged.kept is None else rows[judged.kept],
    )


def _offline(
    model: Any, data: Any, layers: Any, forward: Any, trainer: Any, cache: Any, settings: dict[str, Any]
) -> OfflineMeasurement | None:
    check_setting_names(settings, rank_checkpoints)
    if (model is None) != (data is None):
        given, missing = ("data", "model") if model is None else ("model", "data")
        raise ValueError(f"{missing}: required together with {given}, to measure checkpoints; give both or neither.")
    if model is not None:
        return OfflineMeasurement(model, data, layers=layers, forward=forward, trainer=trainer, cache=cache, **settings)
    given_besides = {"forward": forward, "trainer": trainer, "cache": cache}
    unused = [*settings, *(["layers"] if layers != "auto" else [])]
    unused += [name for name, value in given_besides.items() if value is not None]
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
    everywhere = list(dict.fromkeys(name for each in candidates for name in each.layers))
    notes, names = [], []
    for name in everywhere:
        lacking = [(str(each.path), "") for each in candidates if name not in each.layers]
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


def _rows(candidates: Sequence[Candidate], scores: Scores, standing: Standing) -> list[RankedCheckpoint]:
    """In the order of the candidates."""
    return [
        RankedCheckpoint(
            path=each.path,
            epoch=each.epoch,
            step=each.step,
            entropy=scores.values[index]["entropy"],
            mutual_information=scores.values[index]["mutual_information"],
            rank=scores.ranks[index].get("mutual_information"),
            entropy_rank=scores.ranks[index].get("entropy"),
            metrics=each.metrics,
            interval=_pair(standing.interval[index]),
            reseed_interval=_pair(standing.reseed_interval[index]),
            scores=scores.values[index],
            ranks=scores.ranks[index],
            **_standing_of(standing, index),
        )
        for index, each in enumerate(candidates)
    ]


def _with_agreement(rows: Sequence[RankedCheckpoint], run: JudgedRun) -> list[RankedCheckpoint]:
    """What the judgement rests on, for the eye and for figures."""
    shown = []
    for row, smoothness, agreement in zip(rows, run.smoothness, run.agreement, strict=True):
        told = {"class_smoothness": smoothness, "consensus_agreement": agreement}
        finite = {name: value for name, value in told.items() if math.isfinite(value)}
        shown.append(dataclasses.replace(row, scores={**row.scores, **finite}))
    return shown


def _standing_of(standing: Standing, index: int) -> dict[str, Any]:
    if standing.uncertainty is None:
        return {}
    low, high = standing.uncertainty.rank_interval[index].tolist()
    return {
        "rank_interval": (low, high),
        "probability_best": float(standing.uncertainty.probability_best[index]),
        "in_best_set": bool(standing.uncertainty.in_best_set[index]),
    }


def _control_row(
    candidates: Sequence[Candidate],
    fresh: Candidate,
    names: Sequence[str],
    order: str | None,
    reference: Candidate | None,
) -> RankedCheckpoint:
    everyone = [*candidates, fresh]
    scores = score_candidates(everyone, names, order, reference)
    row = _rows(everyone, scores, stand(everyone, names, order, reference))[-1]
    return dataclasses.replace(row, probability_best=None, in_best_set=None, rank_interval=None)


def _ranked_groups(
    candidates: Sequence[Candidate], members: Sequence[int], names: Sequence[str], standing: Standing
) -> tuple[RankedGroup, ...]:
    groups = [
        RankedGroup(
            name=name,
            paths=tuple(each.path for each, own in zip(candidates, members, strict=True) if own == index),
            mutual_information=float(standing.information[index]),
            interval=_pair(standing.interval[index]),
            rank=None if standing.ranks is None else int(standing.ranks[index]),
            **_standing_of(standing, index),
        )
        for index, name in enumerate(names)
    ]
    return tuple(sorted(groups, key=lambda group: (group.rank or 0, group.name)))


def _pair(values: Any) -> tuple[float, float]:
    low, high = values.tolist()
    return low, high


def _in_order(rows: Sequence[RankedCheckpoint]) -> list[RankedCheckpoint]:
    """Best first; in the order of training where there is no ranking."""

    def place(row: RankedCheckpoint) -> tuple[Any, ...]:
        if row.rank is not None:
            return row.rank, str(row.path)
        return str(row.path.parent), -1 if row.epoch is None else row.epoch, str(row.path)

    return sorted(rows, key=place)
