"""Rank a zoo in every way that a user could, and compare the choice with clean accuracy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from scipy.stats import kendalltau

from examples.choosing.zoos import RankedZoo
from lightning_infomem import Ranking, rank_checkpoints

__all__ = ["judge_zoo"]

# What people go by -> its entry in `labelled.json`, and whether more is better.
_BASELINES = {
    "last epoch": ("epochs", True),
    "noisy validation accuracy": ("validation_accuracy", True),
    "noisy validation loss": ("validation_loss", False),
    "training loss": ("train_loss", False),
}
_NUM_LABELS = 20


def judge_zoo(zoo: RankedZoo, cache: Path) -> dict[str, Any]:
    """Rank a zoo in every way for which it has what is needed.

    Args:
        zoo: The zoo.
        cache: Folder of measured reports.

    Returns:
        Facts of the zoo; "random", the points that a random pick loses; "baselines": name -> tau and points lost; and
        "rankings": for each ranking the way, the criterion that led, tau, points lost, P(best) of the choice, size of
        the best set and whether it holds the best, the names of the doubts; and for the way "nothing" tau and points
        lost of every criterion.
    """
    how: dict[str, Any] = {"model": zoo.model, "data": zoo.batches(), "task": "classification", "cache": cache}
    how["along_run"] = False
    accuracy = zoo.accuracy
    rankings = []

    def judge(way: str, **given: Any) -> Ranking:
        ranking = rank_checkpoints(zoo.files, **given, **how)
        rankings.append({"way": way, **_judged(ranking, accuracy)})
        return ranking

    for reference in zoo.references:
        judge("reference", reference=reference)
    if zoo.training is not None:
        judge("training", training=zoo.training())
    blind = judge("nothing")
    rankings[-1]["criteria"] = _criteria(blind, accuracy)
    if zoo.kind is not None:
        told = judge("kind", memorization=zoo.kind)
        rankings[-1]["criteria"] = _criteria(told, accuracy)
    if zoo.truth is not None:
        asked = blind.ask(_NUM_LABELS).indices
        judge("20 labels", labels={place: int(zoo.truth[place]) for place in asked})
    best = max(accuracy.values())
    return {
        "zoo": zoo.name,
        "family": zoo.family,
        "replicate": zoo.replicate,
        "is_sweep": zoo.is_sweep,
        "has_shortcut": zoo.has_shortcut,
        "networks": len(zoo.files),
        "best": best,
        "random": 100 * (best - fmean(accuracy.values())),
        "baselines": _baselines(zoo),
        "rankings": rankings,
    }


def _judged(ranking: Ranking, accuracy: Mapping[str, float]) -> dict[str, Any]:
    best = max(accuracy.values())
    if ranking.refusal is not None:
        return {"criterion": None, "refusal": ranking.refusal}
    first = [accuracy[row.path.name] for row in ranking.rows if row.rank == 1]
    chosen = [accuracy[row.path.name] for row in ranking.best_set]
    doubts = [flag.name for flag in ranking.flags if flag.is_doubt]
    return {
        "criterion": ranking.criterion,
        "tau": _tau([-(row.rank or 0) for row in ranking.rows], [accuracy[row.path.name] for row in ranking.rows]),
        "lost": 100 * (best - fmean(first)),
        "p_best": ranking.best.probability_best,
        "p_most": max(row.probability_best or 0.0 for row in ranking.rows),
        "set_size": len(chosen) / len(accuracy),
        "set_holds": max(chosen) == best,
        "doubts": doubts,
    }


def _criteria(ranking: Ranking, accuracy: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return tau and points lost by the first choice of every criterion; the mean over ties."""
    found = {}
    for name in ranking.rows[0].ranks:
        ranks = {row.path.name: row.ranks[name] for row in ranking.rows if name in row.ranks}
        first = [accuracy[file] for file, rank in ranks.items() if rank == 1]
        found[name] = {
            "tau": _tau([-rank for rank in ranks.values()], [accuracy[file] for file in ranks]),
            "lost": 100 * (max(accuracy.values()) - fmean(first)),
        }
    return found


def _baselines(zoo: RankedZoo) -> dict[str, dict[str, float]]:
    accuracy = zoo.accuracy
    best = max(accuracy.values())
    found = {}
    for name, (entry, more_is_better) in _BASELINES.items():
        values = {}
        for path in zoo.files:
            labelled = zoo.labelled[path.stem]
            value = labelled.get(entry, labelled["recipe"].get(entry))
            values[path.name] = value if more_is_better else -value
        first = [accuracy[file] for file, value in values.items() if value == max(values.values())]
        found[name] = {
            "tau": _tau(list(values.values()), [accuracy[file] for file in values]),
            "lost": 100 * (best - fmean(first)),
        }
    return found


def _tau(values: Sequence[float], accuracies: Sequence[float]) -> float:
    """Return Kendall's tau-b; 0 if all values are equal, which gives no order."""
    tau = float(kendalltau(values, accuracies).statistic)
    return 0.0 if math.isnan(tau) else tau
