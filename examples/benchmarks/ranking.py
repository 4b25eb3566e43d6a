"""Rank the trained zoos, and compare each criterion with the clean accuracy of the networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from pathlib import Path
from statistics import fmean
from typing import Any

from examples.benchmarks.networks import network
from examples.benchmarks.recipes import Zoo, comparable_models
from examples.benchmarks.tasks import probe
from examples.benchmarks.training import read_labelled
from lightning_infomem import Ranking, rank_checkpoints
from lightning_infomem.selection.agreement import rank_agreement

__all__ = ["judge_zoo"]

# Measures that need labels (as noisy as in the data) -> whether a higher value is better.
_LABELLED = {"validation_accuracy": True, "validation_loss": False, "train_accuracy": True, "train_loss": False}
_STRONG = 0.5  # networks of this level and above memorize


def judge_zoo(zoo: Zoo, output: Path, mnist: Path | None) -> dict[str, Any]:
    """Rank the networks of a trained zoo by every criterion. Clean accuracy is used only to judge the ranking.

    Returns:
        "told" and "reference": for each set of comparable networks, criterion -> tau, its interval and regret, if the
        kind of memorization is given, and for each given reference. "verdicts": the kind of memorization inferred from
        a reference, in small zoos of one seed; "kinds": the same for single networks. "coverage": whether the
        `reseed_interval` of one network contains the value of the same recipe with another seed. "sets": whether the
        set that cannot be distinguished from the best contains the network of highest clean accuracy, and its size.
    """
    labelled = read_labelled(output / zoo.name)
    accuracy = {f"{name}.ckpt": entry["clean_accuracy"] for name, entry in labelled.items()}
    settings: dict[str, Any] = {"model": network, "data": probe(zoo, mnist), "task": "classification"}
    settings |= {"cache": output / "reports", "normal_scores": True}
    judged: dict[str, Any] = {"zoo": zoo.name, "told": [], "reference": [], "verdicts": [], "kinds": []}
    judged |= {"coverage": [], "sets": []}
    for models, references in comparable_models(zoo):
        paths = [output / zoo.name / f"{name}.ckpt" for name in models]
        if zoo.memorization is not None:
            ranking = rank_checkpoints(paths, weight_norms=True, memorization=zoo.memorization, **settings)
            judged["told"].append(_criteria(ranking, accuracy, labelled))
            judged["sets"].append(_best_set(ranking, accuracy, given="kind"))
        for name in references:
            reference = output / zoo.name / "references" / f"{name}.ckpt"
            ranking = rank_checkpoints(paths, weight_norms=True, reference=reference, **settings)
            judged["reference"].append(_criteria(ranking, accuracy, labelled))
            judged["sets"].append(_best_set(ranking, accuracy, given="reference"))
            judged["kinds"] += [
                {"told": row.kind, "true": zoo.models[row.path.stem].memorization, "level": level}
                for row in ranking.rows
                if (level := zoo.models[row.path.stem].level) == 0 or level >= _STRONG
            ]
            for kind, few in _small_zoos(zoo, models):
                files = [output / zoo.name / f"{name}.ckpt" for name in few]
                ranking = rank_checkpoints(files, reference=reference, **settings)
                judged["verdicts"].append({"told": ranking.memorization, "true": kind})
        judged["coverage"] += _coverage(rank_checkpoints(paths, **settings))
    return judged


def _best_set(ranking: Ranking, accuracy: Mapping[str, float], *, given: str) -> dict[str, Any]:
    best = max(accuracy[row.path.name] for row in ranking.rows)
    chosen = [accuracy[row.path.name] for row in ranking.best_set]
    return {"given": given, "holds_best": max(chosen) == best, "size": len(chosen), "of": len(ranking.rows)}


def _criteria(
    ranking: Ranking, accuracy: Mapping[str, float], labelled: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """Map each criterion to its tau with interval, and the clean accuracy lost by its first choice (mean over ties)."""
    best = max(accuracy[row.path.name] for row in ranking.rows)
    ranks = {name: {row.path.name: row.ranks[name] for row in ranking.rows} for name in ranking.rows[0].ranks}
    for name, more_is_better in _LABELLED.items():
        sign = -1 if more_is_better else 1
        ranks[name] = {row.path.name: sign * labelled[row.path.stem][name] for row in ranking.rows}
    found = {}
    for name, by_file in ranks.items():
        agreement = rank_agreement(list(by_file.values()), [accuracy[file] for file in by_file])
        first = [accuracy[file] for file, rank in by_file.items() if rank == min(by_file.values())]
        found[name] = {
            "tau": agreement.tau,
            "low": agreement.low,
            "high": agreement.high,
            "p_value": agreement.p_value,
            "regret": best - fmean(first),
        }
    return found


def _coverage(ranking: Ranking) -> list[bool]:
    """Check the interval of each network against each other network that differs only in the seed."""
    by_recipe: dict[str, list[Any]] = {}
    for row in ranking.rows:
        by_recipe.setdefault(row.path.stem.rsplit("-seed", 1)[0], []).append(row)
    return [
        one.reseed_interval[0] <= other.mutual_information <= one.reseed_interval[1]
        for rows in by_recipe.values()
        for one, other in permutations(rows, 2)
    ]


def _small_zoos(zoo: Zoo, models: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the networks of one seed and one kind: as few as a user might have."""
    by_seed: dict[tuple[str, int], list[str]] = {}
    for name in models:
        recipe = zoo.models[name]
        by_seed.setdefault((recipe.memorization, recipe.seed), []).append(name)
    for (kind, _), names in by_seed.items():
        if kind != "none":
            yield kind, names
