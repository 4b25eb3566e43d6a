"""Rules, ours and common ones, that follow a run and say when it memorizes and which epoch to keep."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.moment import Moment
from lightning_infomem.runs.alarm import PATIENCE, judge_next

__all__ = ["RULES", "Outcome", "Rule", "Run", "read_runs"]

Floats = NDArray[np.float64]

_CLASSES = "class_smoothness"  # smoothness of the predicted classes, as the package measures it


@dataclass(frozen=True, eq=False)
class Run:
    """One record of `along_a_run`. Arrays have one entry per epoch, without the one before training.

    Attributes:
        name: Family, differences from the base recipe, and seed.
        family: Data and architecture.
        kind: "noise", "clean", "shortcut", "overfit" or "grokking".
        noise: Share of the labels that were drawn at random.
        accuracy: Accuracy on true labels without cues, which a rule never sees.
        noise_fitted: Share of the wrong labels that are fitted; NaN if there are none.
        epochs: Entries of the record.
        layers: Names of the hidden layers.
    """

    name: str
    family: str
    kind: str
    noise: float
    accuracy: Floats
    noise_fitted: Floats
    epochs: Sequence[dict[str, Any]]
    layers: Sequence[str]

    @property
    def memorizes(self) -> bool | None:
        """Whether half of the wrong labels are fitted at the end; None if this is not clear."""
        if self.kind == "noise":
            return True if self.noise_fitted[-1] >= 0.5 else None
        return False if self.kind in ("clean", "shortcut") else None

    def of_epochs(self, *path: str) -> Floats:
        """Return one number per epoch."""
        return np.array([_follow(entry, path) for entry in self.epochs], dtype=float)

    def of_layers(self, measure: str) -> Floats:
        """Return a measure of the validation probe, ``[layers, epochs]``."""
        return np.array([self.of_epochs("validation", "layers", layer, measure) for layer in self.layers])


class Outcome(NamedTuple):
    """The decision of a rule on a run.

    Attributes:
        kept: Index of the epoch to keep.
        alarm: Index of the epoch at which the alarm was raised; None if it was not.
        score: Score of the run, higher if it memorizes more certainly; NaN for a rule without an alarm.
        abstains: Whether the rule gives no answer.
    """

    kept: int
    alarm: int | None = None
    score: float = float("nan")
    abstains: bool = False


Apply = Callable[[Run], Outcome]


class Rule(NamedTuple):
    """A rule with all settings from which cross-validation chooses; just one if there is no choice."""

    name: str
    settings: Sequence[tuple[Any, ...]]
    apply: Callable[..., Outcome]
    needs_labels: bool = False


def read_runs(folder: Path, *, held_out: bool = False) -> Iterator[Run]:
    """Read the complete records of a study; held-out ones only if ``held_out`` is True."""
    for path in sorted((folder / ("held_out" if held_out else "runs")).glob("*.json")):
        record = json.loads(path.read_text())
        if record["diverged"]:
            continue
        epochs = record["epochs"][1:]
        yield Run(
            name=path.stem,
            family=record["family"],
            kind=record["kind"],
            noise=record["recipe"]["noise"],
            accuracy=np.array([entry["clean_accuracy"] for entry in epochs]),
            noise_fitted=np.array([entry["noise_fitted"] for entry in epochs], dtype=float),
            epochs=epochs,
            layers=record["layers"],
        )


def _follow(entry: Any, path: Sequence[str]) -> float:
    for name in path:
        entry = entry[name]
    return float(entry)


def _ours(run: Run) -> Outcome:
    """Apply the rule of the package after every epoch, as the monitor does; keep what it says at the alarm."""
    course = [
        Moment(
            smoothness={name: values[_CLASSES] for name, values in entry["validation"]["layers"].items()},
            predicted=torch.tensor(entry["validation"]["predicted"], dtype=torch.int32),
            probe="the same",
            task="classification",
        )
        for entry in run.epochs
    ]
    judgements: list[Judgement] = []
    for end in range(1, len(course) + 1):
        judgements.append(judge_next(course[:end], judgements[-1] if judgements else None))
    lower = np.array([np.fmin(each.smoothness_drop, each.consensus_drop) for each in judgements])
    alarm = next((index for index, each in enumerate(judgements) if each.is_memorizing), None)
    kept = len(course) - 1 if alarm is None else judgements[alarm].kept
    return Outcome(
        kept, alarm, _persistent(np.nan_to_num(lower), PATIENCE).max(), judgements[-1].abstention is not None
    )


def _persistent(signal: Floats, patience: int) -> Floats:
    """Return the lowest value of the last few epochs, and 0 before there are that many."""
    return np.array(
        [signal[end - patience : end].min() if end >= patience else 0.0 for end in range(1, len(signal) + 1)]
    )


def _once_above(signal: Callable[[Run], Floats]) -> Callable[..., Outcome]:
    """Raise the alarm when a signal stays above a threshold, and keep the epoch at the alarm or before it."""

    def apply(run: Run, threshold: float, patience: int, keep: str) -> Outcome:
        values = _persistent(np.nan_to_num(signal(run)), patience)
        above = np.flatnonzero(values >= threshold)
        if not len(above):
            return Outcome(len(values) - 1, None, values.max())
        alarm = int(above[0])
        return Outcome(alarm if keep == "at the alarm" else max(alarm - patience, 0), alarm, values.max())

    return apply


def _fall(measure: str) -> Callable[[Run], Floats]:
    """Return by what share of its highest value so far a measure of the last layer has fallen."""

    def signal(run: Run) -> Floats:
        values = run.of_layers(measure)[-1]
        highest = np.fmax.accumulate(values)
        return np.where(highest > 0, (highest - values) / np.where(highest > 0, highest, 1.0), 0.0)

    return signal


def _gap(run: Run) -> Floats:
    confidence = ("predictions", "mean_confidence")
    return run.of_epochs("training", *confidence) - run.of_epochs("validation", *confidence)


def _changes_have_a_minimum(run: Run, window: int) -> Outcome:
    """Label Wave (Yuan et al. 2024): keep the first epoch with the fewest changes of training predictions so far."""
    predicted = np.array([entry["training"]["predicted"] for entry in run.epochs])
    changes = (predicted[1:] != predicted[:-1]).mean(1)
    smooth = np.convolve(changes, np.ones(window) / window, mode="valid")
    rises = np.flatnonzero(smooth[1:] > smooth[:-1])
    last = len(predicted) - 1
    return Outcome(last if not len(rises) else int(rises[0]) + window)


def _best(*path: str, lowest: bool = False) -> Callable[[Run], Outcome]:
    def apply(run: Run) -> Outcome:
        values = np.nan_to_num(run.of_epochs(*path) * (-1 if lowest else 1), nan=-np.inf)
        return Outcome(int(values.argmax()))

    return apply


def _highest_rank(run: Run) -> Outcome:
    return Outcome(int(np.nan_to_num(run.of_layers("rankme")[-1]).argmax()))


_THRESHOLDS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6)
_GAPS = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2)
_HOW = ((1, 2, 3), ("at the alarm", "before the alarm"))


def _settings(thresholds: Sequence[float]) -> list[tuple[Any, ...]]:
    return list(itertools.product(thresholds, *_HOW))


RULES = (
    Rule("smoothness and consensus (ours)", [()], _ours),
    Rule("last epoch", [()], lambda run: Outcome(len(run.epochs) - 1)),
    Rule("best validation accuracy, labels as noisy", [()], _best("validation_accuracy"), needs_labels=True),
    Rule("best validation loss, labels as noisy", [()], _best("validation_loss", lowest=True), needs_labels=True),
    Rule("highest confidence", [()], _best("validation", "predictions", "mean_confidence")),
    Rule("highest effective rank", [()], _highest_rank),
    Rule("changes of training predictions (Label Wave)", [(window,) for window in (1, 2, 3)], _changes_have_a_minimum),
    Rule("gap of confidence, training - validation", _settings(_GAPS), _once_above(_gap)),
    Rule("fall of MI, last layer", _settings(_THRESHOLDS), _once_above(_fall("mi"))),
    Rule("fall of Gaussian-copula MI, last layer", _settings(_THRESHOLDS), _once_above(_fall("copula"))),
    Rule("fall of mean correlation, last layer", _settings(_THRESHOLDS), _once_above(_fall("mean_correlation"))),
    Rule("fall of residual MI, last layer", _settings(_THRESHOLDS), _once_above(_fall("residual_mi"))),
)
