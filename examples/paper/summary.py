"""Summarize the records of an experiment for its tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau, pearsonr

from examples.paper.experiment import Experiment

__all__ = ["MEASURES", "expected_signs", "summarize"]

MEASURES = ("entropy", "mutual_information")
_DRAWS = 2000
_LEVEL = 0.90  # of intervals

Record = Mapping[str, Any]
Grid = NDArray[np.float64]  # [levels, seeds]


def expected_signs(experiment: Experiment) -> dict[str, int]:
    """Map each measure to the sign of its relation with generalisation by the hypotheses of the paper.

    Heuristic memorization shows as low entropy and high mutual information (H1), example-level memorization as high
    entropy and low mutual information (H2).
    """
    entropy = 1 if experiment.memorization == "heuristic" else -1
    return {"entropy": entropy, "mutual_information": -entropy}


def summarize(experiment: Experiment, records: Sequence[Record]) -> dict[str, Any]:
    """Summarize an experiment.

    Args:
        experiment: The experiment.
        records: One record per network. Seeds that lack a level are left out, and named.

    Returns:
        "levels", "seeds", "incomplete_seeds"; "extrinsic" and "norms": name -> ``[levels, seeds]``; "columns": a list
        with one entry per "measure", "preset", "values" ("before" or "after" the nonlinearity) and "layer", with
        "by_level" (``[levels, seeds]``, nats), "tau" by extrinsic metric (see `_agreement`), positive where the
        hypothesis holds, and "correlation" (magnitude of Pearson's) with norms and metrics; "norms_tau": norm ->
        metric -> tau, positive where networks with small norms generalise.
    """
    by_place = {(record["level"], record["seed"]): record for record in records}
    found = sorted({record["seed"] for record in records})
    seeds = [seed for seed in found if all((level, seed) in by_place for level in experiment.levels)]

    def grid(value: Any) -> Grid:
        numbers = [[value(by_place[level, seed]) for seed in seeds] for level in experiment.levels]
        return np.array(numbers, dtype=float)

    summary: dict[str, Any] = {
        "title": experiment.title,
        "memorization": experiment.memorization,
        "level_name": experiment.level_name,
        "levels": list(experiment.level_labels or experiment.levels),
        "seeds": seeds,
        "incomplete_seeds": [seed for seed in found if seed not in seeds],
    }
    if not seeds:
        return summary
    one = by_place[experiment.levels[0], seeds[0]]
    for name in ("recipe", "sizes", "examples", "samples", "units", "versions", "machine", "date"):
        summary[name] = one[name]
    extrinsic = {name: grid(lambda record, name=name: record["extrinsic"][name]) for name in one["extrinsic"]}
    norms = {
        name: grid(lambda record, name=name: record["norms"][name])
        for name, value in one["norms"].items()
        if value is not None
    }
    train_accuracy = grid(lambda record: record["train_accuracy"])
    signs = expected_signs(experiment)
    columns = []
    for place, entry in enumerate(one["measures"]):
        for measure in MEASURES:
            values = grid(lambda record, place=place, measure=measure: record["measures"][place][measure])
            beside = {**norms, **extrinsic}
            columns.append(
                {
                    **{name: entry[name] for name in ("preset", "values", "layer")},
                    "measure": measure,
                    "by_level": values.round(5).tolist(),
                    "tau": {
                        name: _agreement(signs[measure] * _better(name) * values, each)
                        for name, each in extrinsic.items()
                    },
                    "correlation": {name: _correlation(values, each) for name, each in beside.items()},
                }
            )
    return {
        **summary,
        "extrinsic": {name: each.round(5).tolist() for name, each in extrinsic.items()},
        "train_accuracy": train_accuracy.round(5).tolist(),
        "norms": {name: each.round(5).tolist() for name, each in norms.items()},
        "columns": columns,
        "norms_tau": {
            norm: {name: _agreement(-_better(name) * values, each) for name, each in extrinsic.items()}
            for norm, values in norms.items()
        },
        "metrics_tau": _among_metrics(extrinsic, columns, signs),
    }


def _better(metric: str) -> int:
    """Return the sign of a better metric: negative for gaps and for how well gender can be read."""
    return 1 if "accuracy" in metric else -1


def _agreement(values: Grid, metric: Grid) -> dict[str, Any]:
    """Compute Kendall's tau-b of the means over seeds, as the paper does, and how much it depends on the seeds.

    Returns:
        "tau"; "low" and "high", the 90 % interval when seeds are redrawn with replacement (levels share the draw); and
        "of_seeds", tau within each seed.
    """
    count = values.shape[1]
    generator = np.random.default_rng(0)
    low = high = math.nan
    if count > 1:
        weights = generator.multinomial(count, np.full(count, 1 / count), size=_DRAWS) / count
        taus = _taus(weights @ values.T, weights @ metric.T)
        if not np.isnan(taus).all():
            low, high = np.nanquantile(taus, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return {
        "tau": _rounded(_tau(values.mean(1), metric.mean(1))),
        "low": _rounded(low),
        "high": _rounded(high),
        "of_seeds": [_rounded(_tau(values[:, seed], metric[:, seed])) for seed in range(count)],
    }


def _among_metrics(
    extrinsic: Mapping[str, Grid], columns: Sequence[Mapping[str, Any]], signs: Mapping[str, int]
) -> dict[str, dict[str, float | None]]:
    """Compute table 5: tau between all metrics and both measures (network, released code), for means over seeds."""
    means = {name: _better(name) * each.mean(1) for name, each in extrinsic.items()}
    for column in columns:
        if (column["preset"], column["values"], column["layer"]) == ("released_code", "before", "network"):
            means[column["measure"]] = signs[column["measure"]] * np.mean(column["by_level"], axis=1)
    table: dict[str, dict[str, float | None]] = {name: {} for name in means}
    for first, second in product(means, repeat=2):
        table[first][second] = _rounded(_tau(means[first], means[second]))
    return table


def _tau(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    return float(kendalltau(first, second).statistic)


def _taus(first: Grid, second: Grid) -> NDArray[np.float64]:
    """Compute Kendall's tau-b of each row, thousands at once; NaN if one of both is constant."""
    places = np.triu_indices(first.shape[1], k=1)
    signs = [np.sign(values[:, places[0]] - values[:, places[1]]) for values in (first, second)]
    untied = [np.abs(each).sum(1) for each in signs]
    with np.errstate(invalid="ignore"):
        return (signs[0] * signs[1]).sum(1) / np.sqrt(untied[0] * untied[1])


def _correlation(values: Grid, beside: Grid) -> float | None:
    """Compute the magnitude of Pearson's correlation of means over seeds; None if one of both is constant."""
    first, second = values.mean(1), beside.mean(1)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return _rounded(abs(float(pearsonr(first, second).statistic)))


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 4)
