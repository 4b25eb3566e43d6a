"""Write the results of the benchmark as a table and sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median
from typing import Any

__all__ = ["markdown"]

LEADING = "mutual_information"


def markdown(judged: Sequence[dict[str, Any]]) -> str:
    """Write a Markdown table with one row per criterion and one column per zoo, and sentences below it.

    A cell is Kendall's tau-b with clean accuracy, first given the kind of memorization, then given a reference. The
    last columns are the median and the worst over zoos, and the points of clean accuracy lost by the first choice, as a
    mean over zoos. A zoo in which a criterion gives no order counts as 0.
    """
    told = {each["zoo"]: _means(each["told"]) for each in judged}
    given = {each["zoo"]: _means(each["reference"]) for each in judged}
    names = list(dict.fromkeys(name for by_name in given.values() for name in by_name))
    names.sort(key=lambda name: -_median(given, name))
    head = ["criterion", *told, "median", "worst", "points lost"]
    lines = [head, ["---"] * len(head)]
    for name in names:
        cells = [_pair(_cell(told[zoo].get(name)), _cell(given[zoo].get(name))) for zoo in told]
        known = {zoo: by_name for zoo, by_name in told.items() if by_name}
        lines.append(
            [
                f"**{name}**" if name == LEADING else name,
                *cells,
                _pair(f"{_median(known, name):+.2f}", f"{_median(given, name):+.2f}"),
                _pair(f"{_worst(known, name):+.2f}", f"{_worst(given, name):+.2f}"),
                _pair(_lost(known, name), _lost(given, name)),
            ]
        )
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return table + "\n\n" + "\n".join(f"- {sentence}" for sentence in _sentences(judged, given)) + "\n"


def _sentences(judged: Sequence[dict[str, Any]], given: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    leading = {zoo: by_name[LEADING] for zoo, by_name in given.items()}
    worst = min(leading, key=lambda zoo: leading[zoo]["tau"])
    verdicts = [verdict for each in judged for verdict in each["verdicts"]]
    strong = [kind for each in judged for kind in each["kinds"] if kind["level"] and kind["true"] != "none"]
    clean = [kind for each in judged for kind in each["kinds"] if not kind["level"] and kind["true"] != "none"]
    covered = [hit for each in judged for hit in each["coverage"]]
    sets = [chosen for each in judged for chosen in each["sets"]]
    return [
        f"Mutual information with a reference: median tau {_median(given, LEADING):+.2f}; worst zoo {worst} "
        f"{leading[worst]['tau']:+.2f} [{leading[worst]['low']:+.2f}, {leading[worst]['high']:+.2f}].",
        f"Kind of memorization inferred from a reference, in {len(verdicts)} zoos of few networks of one seed: "
        f"{_rate(verdicts)}.",
        f"The same for single networks of level .5 and above ({len(strong)}): {_rate(strong)}. Of the networks with "
        f"the reference's own recipe ({len(clean)}), {_share(kind['told'] is not None for kind in clean)} are said to "
        f"memorize.",
        f"The interval for another seed holds {_share(covered)} of {len(covered)} values (it should hold 90 %). The "
        f"set that cannot be distinguished from the best contains the best in "
        f"{_share(each['holds_best'] for each in sets)} of {len(sets)} rankings, with "
        f"{fmean(each['size'] for each in sets):.1f} networks on average.",
    ]


def _rate(verdicts: Sequence[dict[str, Any]]) -> str:
    given = [verdict for verdict in verdicts if verdict["told"] is not None]
    right = _share(verdict["told"] == verdict["true"] for verdict in given)
    return f"{right} of the verdicts are right, {_share(verdict['told'] is None for verdict in verdicts)} abstain"


def _share(hits: Any) -> str:
    hits = list(hits)
    return f"{100 * fmean(hits):.0f} %" if hits else "none"


def _means(sets: Sequence[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Average over the sets of comparable networks of a zoo."""
    names = dict.fromkeys(name for each in sets for name in each)
    return {
        name: {key: fmean(each[name][key] for each in sets if name in each) for key in ("tau", "low", "high", "regret")}
        for name in names
    }


def _taus(cells: dict[str, dict[str, dict[str, float]]], name: str) -> list[float]:
    taus = [by_name[name]["tau"] if name in by_name else 0.0 for by_name in cells.values()]
    return [0.0 if math.isnan(tau) else tau for tau in taus]


def _median(cells: dict[str, dict[str, dict[str, float]]], name: str) -> float:
    return median(_taus(cells, name))


def _worst(cells: dict[str, dict[str, dict[str, float]]], name: str) -> float:
    return min(_taus(cells, name))


def _lost(cells: dict[str, dict[str, dict[str, float]]], name: str) -> str:
    lost = [by_name[name]["regret"] for by_name in cells.values() if name in by_name]
    return f"{100 * fmean(lost):.1f}" if lost else "-"


def _cell(found: dict[str, float] | None) -> str:
    return "-" if found is None or math.isnan(found["tau"]) else f"{found['tau']:+.2f}"


def _pair(one: str, other: str) -> str:
    return one if one == other else f"{one} / {other}"
