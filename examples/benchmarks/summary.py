"""The benchmark's outcome in words and as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median
from typing import Any

__all__ = ["markdown"]

LEADING = "mutual_information"


def markdown(judged: Sequence[dict[str, Any]]) -> str:
    """A table, one line a criterion and one column a zoo, and below what else was asked for.

    A cell is Kendall's tau-b with clean accuracy, and the points of clean accuracy that its first choice loses. Best
    median over zoos on top; a zoo in which a criterion gives no order at all counts as 0.
    """
    zoos = [each["zoo"] for each in judged]
    cells = {each["zoo"]: _means(each["criteria"]) for each in judged}
    names = list(dict.fromkeys(name for by_name in cells.values() for name in by_name))
    names.sort(key=lambda name: -median(_tau(cells[zoo], name) for zoo in zoos))
    lines = [["criterion", *zoos, "median", "worst"], ["---"] * (len(zoos) + 3)]
    for name in names:
        taus = [_tau(cells[zoo], name) for zoo in zoos]
        shown = f"**{name}**" if name == LEADING else name
        lines.append(
            [shown, *(_cell(cells[zoo].get(name)) for zoo in zoos), f"{median(taus):+.2f}", f"{min(taus):+.2f}"]
        )
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return table + "\n\n" + "\n".join(f"- {sentence}" for sentence in _sentences(judged, cells)) + "\n"


def _sentences(judged: Sequence[dict[str, Any]], cells: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    leading = {zoo: by_name[LEADING] for zoo, by_name in cells.items() if LEADING in by_name}
    worst = min(leading, key=lambda zoo: leading[zoo]["tau"])
    verdicts = [verdict for each in judged for verdict in each["verdicts"]]
    strong = [kind for each in judged for kind in each["kinds"] if kind["level"] and kind["true"] != "none"]
    clean = [kind for each in judged for kind in each["kinds"] if not kind["level"]]
    covered = [hit for each in judged for hit in each["coverage"]]
    sets = [chosen for each in judged for chosen in each["sets"]]
    return [
        f"Mutual information: median tau {median(each['tau'] for each in leading.values()):+.2f}; worst zoo {worst} "
        f"{leading[worst]['tau']:+.2f} [{leading[worst]['low']:+.2f}, {leading[worst]['high']:+.2f}]; regret of the "
        f"first choice {100 * median(each['regret'] for each in leading.values()):.1f} points in the median, "
        f"{100 * max(each['regret'] for each in leading.values()):.1f} at worst.",
        f"Kind of memorization, told by a reference in {len(verdicts)} zoos of five: {_rate(verdicts)}.",
        f"The same of single networks of level .5 and above ({len(strong)}): {_rate(strong)}; of those that do not "
        f"memorize ({len(clean)}), {_share(kind['told'] is not None for kind in clean)} are said to.",
        f"The interval for another seed holds {_share(covered)} of {len(covered)} values (it should hold 90 %); the "
        f"set of those that cannot be told from the best holds the best in "
        f"{_share(each['holds_best'] for each in sets)} of {len(sets)} rankings, with {fmean(each['size'] for each in sets):.1f} networks in the mean.",
    ]


def _rate(verdicts: Sequence[dict[str, Any]]) -> str:
    told = [verdict for verdict in verdicts if verdict["told"] is not None]
    right = _share(verdict["told"] == verdict["true"] for verdict in told)
    return f"{right} of the verdicts are right, {_share(verdict['told'] is None for verdict in verdicts)} abstain"


def _share(hits: Any) -> str:
    hits = list(hits)
    return f"{100 * fmean(hits):.0f} %" if hits else "none"


def _means(sets: Sequence[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Over the sets of networks of a zoo that can be compared."""
    names = dict.fromkeys(name for each in sets for name in each)
    return {
        name: {key: fmean(each[name][key] for each in sets if name in each) for key in ("tau", "low", "high", "regret")}
        for name in names
    }


def _tau(by_name: dict[str, dict[str, float]], name: str) -> float:
    tau = by_name[name]["tau"] if name in by_name else 0.0
    return 0.0 if math.isnan(tau) else tau


def _cell(found: dict[str, float] | None) -> str:
    if found is None or math.isnan(found["tau"]):
        return "no order"
    return f"{found['tau']:+.2f} ({100 * found['regret']:.1f})"
