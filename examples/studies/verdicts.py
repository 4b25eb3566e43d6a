"""Evaluate the rules by cross-validation over families, and once on the held-out families.

Run it with ``python -m examples.studies.verdicts FOLDER``, where FOLDER is the output of `along_a_run`. It writes
``examples/studies/results/along_a_run.json`` and prints the tables of the README. The held-out families are read only
with ``--held-out``.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from examples.studies.rules import RULES, Outcome, Rule, Run, read_runs
from lightning_infomem.runs.alarm import MIN_MOMENTS, PATIENCE, SETTLED, THRESHOLD

__all__ = ["KINDS", "Judged", "choose", "judge_rules", "main", "table"]

RESULTS = Path(__file__).parent / "results" / "along_a_run.json"
KINDS = ("noise", "clean", "shortcut", "overfit", "grokking")
_PRICE = 0.1  # cost of a false alarm, in accuracy, when settings are chosen


class Judged(NamedTuple):
    """The outcomes of a rule on some runs, in their order, and its settings on each of them."""

    outcomes: list[Outcome]
    settings: list[tuple[Any, ...]]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="output folder of along_a_run")
    parser.add_argument(
        "--held-out", action="store_true", help="also read the held-out families, once the rules are frozen"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="file to write (%(default)s)")
    chosen = parser.parse_args(arguments)
    runs = list(read_runs(chosen.folder))
    found = {"chosen on other families": (runs, {rule.name: judge_rules(rule, runs) for rule in RULES})}
    if chosen.held_out:
        aside = list(read_runs(chosen.folder, held_out=True))
        found["kept aside"] = (aside, {rule.name: _transfer(rule, runs, aside) for rule in RULES})
    chosen.results.parent.mkdir(parents=True, exist_ok=True)
    chosen.results.write_text(json.dumps(_state(found), allow_nan=False) + "\n")
    for name, (some, judged) in found.items():
        families = sorted({run.family for run in some})
        print(f"\n{len(some)} runs, {name}: {', '.join(families)}\n\n{table(some, judged)}")
        for family in families:
            members = [index for index, run in enumerate(some) if run.family == family]
            ours = judged[RULES[0].name]
            part = Judged([ours.outcomes[index] for index in members], [ours.settings[index] for index in members])
            print(f"{family}: {_line([some[index] for index in members], part)}")


def judge_rules(rule: Rule, runs: Sequence[Run]) -> Judged:
    """Apply a rule to each family with the settings that are best on all the others."""
    every = {setting: [rule.apply(run, *setting) for run in runs] for setting in rule.settings}
    outcomes: list[Outcome] = []
    settings: list[tuple[Any, ...]] = []
    best = {family: choose(every, runs, without=family) for family in {run.family for run in runs}}
    for index, run in enumerate(runs):
        settings.append(best[run.family])
        outcomes.append(every[best[run.family]][index])
    return Judged(outcomes, settings)


def choose(
    every: Mapping[tuple[Any, ...], Sequence[Outcome]], runs: Sequence[Run], *, without: str | None = None
) -> tuple[Any, ...]:
    """Choose the settings that lose least accuracy, with equal weight per kind of run and a cost per false alarm.

    Args:
        every: Settings -> outcome of each run.
        runs: The runs, in the same order.
        without: A family to leave out.
    """
    seen = [index for index, run in enumerate(runs) if run.family != without]

    def cost(setting: tuple[Any, ...]) -> float:
        outcomes = every[setting]
        by_kind: dict[str, list[float]] = {}
        false_alarms = []
        for index in seen:
            by_kind.setdefault(runs[index].kind, []).append(regret(runs[index], outcomes[index]))
            if runs[index].memorizes is False:
                false_alarms.append(outcomes[index].alarm is not None)
        return float(np.mean([np.mean(lost) for lost in by_kind.values()]) + _PRICE * np.mean(false_alarms or [0]))

    return min(every, key=cost)


def regret(run: Run, outcome: Outcome) -> float:
    """Return the accuracy on true labels lost against the best epoch."""
    return float(run.accuracy.max() - run.accuracy[outcome.kept])


def table(runs: Sequence[Run], judged: Mapping[str, Judged]) -> str:
    """Write a Markdown table: points of accuracy lost, mean (worst), by kind of run, and the quality of the alarm."""
    counts = {kind: sum(run.kind == kind for run in runs) for kind in KINDS}
    kinds = [kind for kind in KINDS if counts[kind]]
    head = ["rule", "labels", *(f"{kind} ({counts[kind]})" for kind in kinds), "all", "abstains", "AUROC"]
    head += ["false alarms", "true alarms", "before half is fitted"]
    known = {rule.name: rule for rule in RULES}
    lines = [head, ["---"] * len(head)]
    for name, found in judged.items():
        numbers = _numbers(runs, found)
        cells = [name, "yes" if known[name].needs_labels else "no"]
        cells += [_points(numbers.get(kind)) for kind in kinds]
        cells += [_points(numbers["all"]), _percent(numbers["abstains"])]
        auroc = numbers["auroc"]
        cells += ["" if auroc is None else f"{auroc:.2f}", _percent(numbers["false alarms"])]
        cells += [_percent(numbers["alarms"]), _percent(numbers["before half"])]
        lines.append(cells)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _numbers(runs: Sequence[Run], judged: Judged) -> dict[str, Any]:
    pairs = [pair for pair in zip(runs, judged.outcomes, strict=True) if not pair[1].abstains]
    numbers: dict[str, Any] = {"abstains": 1 - len(pairs) / len(runs)}
    for kind in (*KINDS, "all"):
        lost = [regret(run, outcome) for run, outcome in pairs if kind in (run.kind, "all")]
        if lost:
            numbers[kind] = (float(np.mean(lost)), max(lost))
    decided = [(run, outcome) for run, outcome in pairs if run.memorizes is not None]
    truth = [bool(run.memorizes) for run, _ in decided]
    scores = [outcome.score for _, outcome in decided]
    has_scores = all(map(math.isfinite, scores)) and len(set(truth)) == 2
    numbers["auroc"] = float(roc_auc_score(truth, scores)) if has_scores else None
    true = [(run, outcome) for run, outcome in decided if run.memorizes]
    false = [outcome.alarm is not None for run, outcome in decided if not run.memorizes]
    numbers["false alarms"] = float(np.mean(false)) if has_scores else None
    numbers["alarms"] = float(np.mean([outcome.alarm is not None for _, outcome in true])) if has_scores else None
    early = [outcome.alarm is not None and run.noise_fitted[outcome.alarm] < 0.5 for run, outcome in true]
    numbers["before half"] = float(np.mean(early)) if has_scores else None
    return numbers


def _transfer(rule: Rule, runs: Sequence[Run], aside: Sequence[Run]) -> Judged:
    every = {setting: [rule.apply(run, *setting) for run in runs] for setting in rule.settings}
    setting = choose(every, runs)
    return Judged([rule.apply(run, *setting) for run in aside], [setting] * len(aside))


def _state(found: Mapping[str, tuple[Sequence[Run], Mapping[str, Judged]]]) -> dict[str, Any]:
    return {
        "date": date.today().isoformat(),
        "torch": torch.__version__,
        "rule": {"threshold": THRESHOLD, "patience": PATIENCE, "settled": SETTLED, "min_moments": MIN_MOMENTS},
        **{
            name: {
                "rules": {rule: _numbers(runs, applied) for rule, applied in judged.items()},
                "runs": [
                    {
                        "name": run.name,
                        "kind": run.kind,
                        "best": int(run.accuracy.argmax()) + 1,
                        "accuracy": [round(float(value), 4) for value in run.accuracy],
                        "noise_fitted": None if run.kind != "noise" else round(float(run.noise_fitted[-1]), 4),
                        "rules": {
                            rule: {
                                "settings": list(applied.settings[index]),
                                "kept": applied.outcomes[index].kept + 1,
                                "alarm": _one_more(applied.outcomes[index].alarm),
                                "lost": round(regret(run, applied.outcomes[index]), 4),
                            }
                            for rule, applied in judged.items()
                        },
                    }
                    for index, run in enumerate(runs)
                ],
            }
            for name, (runs, judged) in found.items()
        },
    }


def _one_more(index: int | None) -> int | None:
    """Count epochs from 1; 0 is the state before training."""
    return None if index is None else index + 1


def _line(runs: Sequence[Run], judged: Judged) -> str:
    numbers = _numbers(runs, judged)
    lost = ", ".join(f"{kind} {_points(numbers[kind])}" for kind in KINDS if kind in numbers)
    auroc = "-" if numbers["auroc"] is None else f"{numbers['auroc']:.2f}"
    return f"{lost}; AUROC {auroc}, false alarms {_percent(numbers['false alarms'])}"


def _points(lost: tuple[float, float] | None) -> str:
    return "" if lost is None else f"{100 * lost[0]:.1f} ({100 * lost[1]:.0f})"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"


if __name__ == "__main__":
    main()
