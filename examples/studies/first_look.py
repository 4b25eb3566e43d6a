"""A first look at the runs that are not held out: does a signal at the end of a run tell noise from clean labels?

Run as ``python -m examples.studies.first_look FOLDER``, the folder that `along_a_run` wrote. No rule is chosen here.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from sklearn.metrics import roc_auc_score

__all__ = ["SIGNALS", "auroc", "fall", "labelled", "read_runs", "table"]

Record = dict[str, Any]
_FALLING = {
    "MI": "mi",
    "copula MI": "copula",
    "correlation": "mean_correlation",
    "residual MI": "residual_mi",
    "within-class MI": "within_mi",
}


def read_runs(folder: Path) -> list[Record]:
    """The records of the runs that are not held out; the others are not even opened."""
    records = [json.loads(path.read_text()) for path in sorted((folder / "runs").glob("*.json"))]
    return [record for record in records if not record["held_out"] and not record["diverged"]]


def fall(values: Sequence[float]) -> float:
    """By what share of their maximum the values have fallen at the end; NaN where they are not all positive there.

    >>> fall([1.0, 4.0, 3.0])
    0.25
    """
    known = [value for value in values if math.isfinite(value)]
    if not known or max(known) <= 0 or not math.isfinite(values[-1]):
        return math.nan
    return (max(known) - values[-1]) / max(known)


def _falls(record: Record, measure: str) -> list[float]:
    # Before training MI tells how alike random directions of the inputs are: not a maximum of this run.
    trained = record["epochs"][1:]
    return [fall([entry["validation"]["layers"][layer][measure] for entry in trained]) for layer in record["layers"]]


def _gap(record: Record) -> float:
    last = record["epochs"][-1]
    return last["training"]["predictions"]["mean_confidence"] - last["validation"]["predictions"]["mean_confidence"]


def _signals() -> dict[str, Callable[[Record], float]]:
    over_layers: dict[str, Callable[[list[float]], float]] = {
        "last layer": lambda falls: falls[-1],
        "least": lambda falls: min(filter(math.isfinite, falls), default=math.nan),
        "median": lambda falls: median(list(filter(math.isfinite, falls)) or [math.nan]),
    }

    def of(measure: str, over: Callable[[list[float]], float]) -> Callable[[Record], float]:
        return lambda record: over(_falls(record, measure))

    falling = {
        f"fall of {name}, {where}": of(measure, over)
        for name, measure in _FALLING.items()
        for where, over in over_layers.items()
    }
    return {"confidence, training - validation": _gap, **falling}


SIGNALS = _signals()


def labelled(records: Sequence[Record], *, fitted: float = 0.0) -> list[tuple[Record, bool]]:
    """Runs with label noise of .2 and more (true) and clean ones (false); shortcuts, tiny sets, noise .1 are left out.

    Args:
        records: of runs.
        fitted: noisy runs count only where at least this share of the wrong labels is fitted at the end.
    """
    chosen = []
    for record in records:
        is_noisy = record["recipe"]["noise"] >= 0.2
        if is_noisy and record["epochs"][-1]["noise_fitted"] >= fitted:
            chosen.append((record, True))
        elif record["kind"] in ("clean", "grokking"):
            chosen.append((record, False))
    return chosen


def auroc(chosen: Sequence[tuple[Record, bool]], signal: Callable[[Record], float]) -> tuple[float, int]:
    """The chance that a noisy run has the larger signal than a clean one, and in how many runs it is not known."""
    pairs = [(signal(record), is_noisy) for record, is_noisy in chosen]
    known = [(value, is_noisy) for value, is_noisy in pairs if math.isfinite(value)]
    if len({is_noisy for _, is_noisy in known}) < 2:
        return math.nan, len(pairs) - len(known)
    values, truth = zip(*known, strict=True)
    return float(roc_auc_score(truth, values)), len(pairs) - len(known)


def table(records: Sequence[Record]) -> str:
    """In Markdown: AUROC of every signal, by family, over all, and over runs that did fit half of their noise."""
    families = sorted({record["family"] for record in records})
    groups = {family: labelled([record for record in records if record["family"] == family]) for family in families}
    usual = [record for record in records if record["recipe"]["data"] != "modular"]
    groups["all but modular"] = labelled(usual)
    groups["of these, half fitted"] = labelled(usual, fitted=0.5)
    lines = ["| noisy : clean | " + " | ".join(groups) + " |", "|---" * (len(groups) + 1) + "|"]
    counts = [(sum(is_noisy for _, is_noisy in chosen), len(chosen)) for chosen in groups.values()]
    lines.append("| | " + " | ".join(f"{noisy} : {total - noisy}" for noisy, total in counts) + " |")
    for name, signal in SIGNALS.items():
        cells = []
        for chosen in groups.values():
            value, unknown = auroc(chosen, signal)
            cells.append(f"{value:.2f}" + (f" ({unknown} unknown)" if unknown else ""))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(read_runs(Path(sys.argv[1]))))
