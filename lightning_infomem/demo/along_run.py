"""Two runs under watch: one with half of its labels wrong, which raises the alarm, and a clean one."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure
from rich.table import Table

from lightning_infomem._lightning import Callback, LightningModule, ModelCheckpoint, TensorBoardLogger, Trainer
from lightning_infomem.callbacks.memorization_monitor import MemorizationMonitor
from lightning_infomem.demo.digits import shuffled_digits
from lightning_infomem.demo.training import Recipe, fit
from lightning_infomem.plots.run_verdict import plot_run_verdict
from lightning_infomem.records.run_verdict import RunVerdict
from lightning_infomem.selection.judge_run import judge_run

__all__ = ["RUNS", "WatchedRun", "table_of_runs", "watch_run"]

RUNS = {"noisy-run": 0.5, "clean-run": 0.0}  # name -> share of the labels that are drawn at random

_RECIPE, _EVERY = Recipe(epochs=60, learning_rate=3e-3), 4  # half of the labels are learned by heart in so many epochs


@dataclass(frozen=True)
class WatchedRun:
    """A training that left a checkpoint at every validation.

    Attributes:
        name: Name of its folder.
        verdict: Verdict on its checkpoints; ``best`` is the one to keep.
        accuracies: Epoch -> accuracy on true labels, which is only shown.
    """

    name: str
    verdict: RunVerdict
    accuracies: dict[int, float]

    def figure(self) -> Figure:
        """Draw the run, and below it the accuracy."""
        name = "accuracy on true labels, which the alarm does not see"
        return plot_run_verdict(self.verdict, metric=self.accuracies, metric_name=name)


class _CleanAccuracy(Callback):
    """Records the accuracy on true labels."""

    def __init__(self) -> None:
        self.by_epoch: dict[int, float] = {}

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record the accuracy, except at the sanity check."""
        if not trainer.sanity_checking:
            self.by_epoch[trainer.current_epoch] = float(trainer.callback_metrics["clean_accuracy"])


def watch_run(name: str, output: Path, seed: int) -> WatchedRun:
    """Train one network on digits and judge its run.

    Args:
        name: Key of `RUNS`.
        output: Folder in which the run gets a folder of its name, which replaces an earlier one.
        seed: Seed of data and training.
    """
    folder = output / name
    shutil.rmtree(folder, ignore_errors=True)
    accuracy = _CleanAccuracy()
    fit(
        shuffled_digits(RUNS[name], seed),
        [
            MemorizationMonitor(task="classification", on_error="raise"),  # the probe has no labels to tell
            accuracy,
            ModelCheckpoint(folder, save_top_k=-1, save_on_train_epoch_end=False),
        ],
        TensorBoardLogger(folder, name="", version="", default_hp_metric=False),
        {"data": "shuffled", "level": RUNS[name]},
        _RECIPE,
        every=_EVERY,
        seed=seed,
    )
    return WatchedRun(name, judge_run(folder), accuracy.by_epoch)


def table_of_runs(runs: list[WatchedRun]) -> Table:
    """Show the verdict on each run next to the accuracy on true labels."""
    table = Table(title="Along one run: when it begins to memorize, and the epoch to keep", title_justify="left")
    for column in ("run", "alarm raised", "kept", "accuracy of it", "of the last", "of the best"):
        table.add_column(column, justify="right")
    for run in runs:
        kept = run.verdict.best.epoch
        alarms = [row.epoch for row in run.verdict.rows if row.is_memorizing]
        accuracies = list(run.accuracies.values())
        table.add_row(
            f"{RUNS[run.name]:.0%} random labels",
            f"epoch {alarms[0]}" if alarms else "none",
            f"epoch {kept}",
            *(f"{value:.3f}" for value in (run.accuracies[kept or 0], accuracies[-1], max(accuracies))),
        )
    return table
