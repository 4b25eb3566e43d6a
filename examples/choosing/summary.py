"""The tables of the study."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import fmean, median
from typing import Any

import numpy as np

__all__ = ["markdown"]

Zoo = dict[str, Any]
Ranking = dict[str, Any]

# Title of a line, way of the ranking, and which zoos count.
_GOALS: tuple[tuple[str, str, Callable[[Zoo], bool]], ...] = (
    ("reference given, all zoos", "reference", lambda zoo: True),
    ("training data given, sweeps", "training", lambda zoo: zoo["is_sweep"] and not zoo["has_shortcut"]),
    ("nothing given, sweeps", "nothing", lambda zoo: zoo["is_sweep"] and not zoo["has_shortcut"]),
    ("kind told, zoos of levels", "kind", lambda zoo: not zoo["is_sweep"]),
    ("20 labels asked, sweeps", "20 labels", lambda zoo: zoo["is_sweep"] and not zoo["has_shortcut"]),
    ("training data given, sweeps with a shortcut", "training", lambda zoo: zoo["is_sweep"] and zoo["has_shortcut"]),
    ("nothing given, zoos with a shortcut", "nothing", lambda zoo: zoo["has_shortcut"]),
)
_BASELINES = ("last epoch", "training loss", "noisy validation accuracy", "noisy validation loss")
# Of each replicate.
_TITLES = (
    "Replicate 0: what leads, certainty and doubts were chosen on it",
    "Replicate 1: judged once after that was frozen; certainty was then calibrated on 0 and 1",
    "Replicate 2: judged once after everything was frozen",
)
_MUCH, _LITTLE = 10.0, 2.0  # points
_DRAWS = 2000


def markdown(zoos: Sequence[Zoo]) -> str:
    """Write all tables: the summary of each replicate, certainty, then every zoo and every criterion."""
    parts = []
    for replicate, title in enumerate(_TITLES):
        some = [zoo for zoo in zoos if zoo["replicate"] == replicate]
        if some:
            parts += [f"## {title}", _summary(some), _certainty(some)]
    parts += ["## Every zoo", "Tau-b with clean accuracy / points of it that the first choice loses.", _each(zoos)]
    parts += ["## Every criterion, nothing or the kind told", _criteria(zoos)]
    return "\n\n".join(parts) + "\n"


def _summary(zoos: Sequence[Zoo]) -> str:
    """Baselines first: a random pick, what people go by, then ours."""
    head = ["", "rankings", "median tau", "worst tau", "points lost, mean", "worst", "by"]
    lines = []
    sweeps = [zoo for zoo in zoos if zoo["is_sweep"] and not zoo["has_shortcut"]]
    random = [zoo["random"] for zoo in sweeps]
    if random:
        lines.append(["random pick, sweeps", len(random), "0", "0", f"{fmean(random):.1f}", f"{max(random):.1f}", ""])
    for name in _BASELINES if sweeps else ():
        found = [zoo["baselines"][name] for zoo in sweeps]
        lines.append([f"{name}, sweeps", len(found), *_numbers(found), ""])
    names = dict.fromkeys(name for zoo in sweeps for name in _blind(zoo))
    known = {name: [_blind(zoo)[name] for zoo in sweeps if name in _blind(zoo)] for name in names}
    if known:
        best = min(known, key=lambda name: fmean(each["lost"] for each in known[name]))
        title = f"best single criterion without labels, sweeps: {best}"
        lines.append([title, len(known[best]), *_numbers(known[best]), ""])
    for title, way, counts in _GOALS:
        found = [each for zoo in zoos if counts(zoo) for each in _rankings(zoo, way)]
        if found:
            led = ", ".join(sorted({each["criterion"].replace("_", " ") for each in found}))
            lines.append([f"**{title}**", len(found), *_numbers(found), led])
    return _table(head, lines)


def _numbers(found: Sequence[Ranking]) -> list[str]:
    """Return median tau with its 90 % interval over zoos, worst tau, mean and worst points lost."""
    taus, lost = [each["tau"] for each in found], [each["lost"] for each in found]
    draws = np.random.default_rng(0).choice(taus, size=(_DRAWS, len(taus)))
    low, high = np.quantile(np.median(draws, axis=1), [0.05, 0.95])
    return [
        f"{median(taus):+.2f} [{low:+.2f}, {high:+.2f}]",
        f"{min(taus):+.2f}",
        f"{fmean(lost):.1f}",
        f"{max(lost):.1f}",
    ]


def _certainty(zoos: Sequence[Zoo]) -> str:
    head = [
        "given",
        "rankings",
        "set holds the best",
        "size of the set",
        "P(best) >= .9",
        "of these within a point",
        "mean P(best)",
        "within a point",
        f"lost over {_MUCH:g}: with a doubt",
        f"lost under {_LITTLE:g}: with a doubt",
    ]
    lines = []
    ways = list(dict.fromkeys(ranking["way"] for zoo in zoos for ranking in zoo["rankings"]))
    for way in [*ways, "all"]:
        found = [each for zoo in zoos for each in (zoo["rankings"] if way == "all" else _rankings(zoo, way))]
        found = [each for each in found if each["criterion"] is not None]
        if not found:
            continue
        sure = [each for each in found if each["p_best"] >= 0.9]
        bad = [each for each in found if each["lost"] > _MUCH]
        good = [each for each in found if each["lost"] < _LITTLE]
        lines.append(
            [
                way,
                len(found),
                _share(each["set_holds"] for each in found),
                f"{fmean(each['set_size'] for each in found):.2f}",
                _share(each["p_best"] >= 0.9 for each in found),
                _share(each["lost"] <= 1 for each in sure),
                f"{fmean(each['p_best'] for each in found):.2f}",
                _share(each["lost"] <= 1 for each in found),
                f"{sum(bool(each['doubts']) for each in bad)} of {len(bad)}",
                _share(bool(each["doubts"]) for each in good),
            ]
        )
    return _table(head, lines)


def _each(zoos: Sequence[Zoo]) -> str:
    ways = list(dict.fromkeys(ranking["way"] for zoo in zoos for ranking in zoo["rankings"]))
    head = ["zoo", "networks", "best", "random", *_BASELINES, *ways, "doubts"]
    lines = []
    for zoo in sorted(zoos, key=lambda zoo: (zoo["replicate"], not zoo["is_sweep"], zoo["zoo"])):
        cells = [_cell([zoo["baselines"][name]]) for name in _BASELINES]
        cells += [_cell(_rankings(zoo, way)) for way in ways]
        doubts = sorted({f"{each['way']}: {name}" for each in zoo["rankings"] for name in each.get("doubts", [])})
        lines.append(
            [zoo["zoo"], zoo["networks"], f"{zoo['best']:.3f}", f"{zoo['random']:.1f}", *cells, "; ".join(doubts)]
        )
    return _table(head, lines)


def _criteria(zoos: Sequence[Zoo]) -> str:
    groups = {
        "sweeps": [_blind(zoo) for zoo in zoos if zoo["is_sweep"] and not zoo["has_shortcut"]],
        "levels, kind told": [each["criteria"] for zoo in zoos for each in _rankings(zoo, "kind")],
    }
    names = dict.fromkeys(name for found in groups.values() for each in found for name in each)
    head = ["criterion"]
    head += [f"{group}: {what}" for group in groups for what in ("median tau", "worst tau", "lost, mean", "worst")]
    lines = []
    for name in names:
        cells: list[str] = []
        for found in groups.values():
            known = [each[name] for each in found if name in each]
            cells += _numbers(known) if known else ["-"] * 4
        lines.append([name, *cells])
    return _table(head, lines)


def _rankings(zoo: Zoo, way: str) -> list[Ranking]:
    return [each for each in zoo["rankings"] if each["way"] == way and each["criterion"] is not None]


def _blind(zoo: Zoo) -> dict[str, Ranking]:
    """Return the criteria without labels, with nothing told."""
    found: dict[str, Ranking] = next(each.get("criteria", {}) for each in zoo["rankings"] if each["way"] == "nothing")
    return found


def _cell(found: Sequence[Ranking]) -> str:
    if not found:
        return "-"
    return f"{fmean(each['tau'] for each in found):+.2f} / {fmean(each['lost'] for each in found):.1f}"


def _share(hits: Iterator[bool]) -> str:
    known = list(hits)
    return f"{100 * fmean(known):.0f} %" if known else "-"


def _table(head: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    rows = [head, ["---"] * len(head), *([str(cell) for cell in line] for line in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
