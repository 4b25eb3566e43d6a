"""Train two zoos of five networks, two runs and a sweep, rank and judge them, and compare with accuracy."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from scipy.stats import kendalltau

from lightning_infomem._lightning import ModelCheckpoint, TensorBoardLogger
from lightning_infomem.callbacks.memorization_monitor import MemorizationMonitor
from lightning_infomem.checkpoints.reading import find_checkpoints, read_checkpoint
from lightning_infomem.demo.along_run import RUNS, table_of_runs, watch_run
from lightning_infomem.demo.digits import LEVELS, DigitsTask, colored_digits, shuffled_digits
from lightning_infomem.demo.sweep import NAME as SWEEP
from lightning_infomem.demo.sweep import RankedSweep, draw_recipes, rank_sweep, table_of_choices
from lightning_infomem.demo.training import Recipe, fit
from lightning_infomem.pages.html_report import Chapter, html_report
from lightning_infomem.plots.layers import plot_layers
from lightning_infomem.plots.saving import save_figure
from lightning_infomem.plots.zoo import plot_zoo
from lightning_infomem.records.ranking_row import RankedCheckpoint
from lightning_infomem.records.run_verdict import RunVerdict
from lightning_infomem.reporting.text_file import write_text
from lightning_infomem.runs.recorded_runs import recorded_runs
from lightning_infomem.runs.run_file import RUN_FILE
from lightning_infomem.selection.rank_checkpoints import rank_checkpoints
from lightning_infomem.selection.ranking import Ranking

__all__ = ["ZOOS", "RankedZoo", "Zoo", "rank_zoo", "run_demo"]

_TITLES = {"noisy-run": "A run with half of its labels at random", "clean-run": "The same run with true labels"}
_VALIDATIONS = 4  # of each training, evenly spaced; the last at its end


@dataclass(frozen=True)
class Zoo:
    """Networks of one recipe whose data make them memorize more and more.

    Attributes:
        name: Name of its folder.
        title: What is wrong with the data.
        level_name: What the levels mean.
        memorization: Kind of memorization, as `rank_checkpoints` takes it.
        task: Function from level and seed to the data.
        epochs: Number of training epochs.
    """

    name: str
    title: str
    level_name: str
    memorization: str
    task: Callable[[float, int], DigitsTask]
    epochs: int


ZOOS = (
    Zoo("colored", "Shortcut: colour predicts the label", "shortcut alpha", "heuristic", colored_digits, 20),
    Zoo("shuffled", "Label noise: labels drawn at random", "random labels beta", "example", shuffled_digits, 60),
)


@dataclass(frozen=True)
class RankedZoo:
    """A zoo after training.

    Attributes:
        checkpoints: Checkpoints in the order of the levels.
        accuracies: Accuracy on clean images of each.
        ranking: Ranking of the checkpoints.
    """

    checkpoints: list[Path]
    accuracies: list[float]
    ranking: Ranking

    @property
    def rows(self) -> list[RankedCheckpoint]:
        """Rows of the ranking in the order of the levels."""
        return sorted(self.ranking.rows, key=lambda row: self.checkpoints.index(row.path))

    def tau(self, criterion: str) -> float:
        """Kendall's tau-b between the clean accuracy and the ranks by a criterion."""
        return float(kendalltau([-row.ranks[criterion] for row in self.rows], self.accuracies).statistic)


def run_demo(output: Path, seed: int, console: Console) -> None:
    """Train and rank both zoos, judge both runs, choose from the sweep, and print what was written.

    Args:
        output: Folder for logs, checkpoints and figures.
        seed: Seed of data and training.
        console: Where to print.
    """
    console.print(
        "Ten small networks learn handwritten digits; five are offered a shortcut, five wrong labels. Their "
        "checkpoints are ranked by what their hidden units tell each other, without any label.\n"
    )
    chapters = []
    for zoo in ZOOS:
        with Progress(console=console, transient=True) as progress:
            ranked = rank_zoo(zoo, output, seed, progress.track(LEVELS, description=f"{zoo.name} digits"))
        console.print(_table(zoo, ranked))
        console.print(_agreement(ranked))
        console.print(f"rank_checkpoints: {ranked.ranking.verdict}\n")
        _save_figures(zoo, ranked, output / "figures")
        chapters.append(_chapter(zoo.title, output / zoo.name, ranking=ranked.ranking))
    console.print("The kind of memorization was given, not detected; clean accuracy is shown, never used.\n")
    with Progress(console=console, transient=True) as progress:
        runs = [watch_run(name, output, seed) for name in progress.track(RUNS, description="runs")]
    console.print(table_of_runs(runs))
    for watched in runs:
        console.print(f"{watched.name}: {watched.verdict.verdict}")
        save_figure(watched.figure(), output / "figures" / f"{watched.name}.png")
        chapters.append(_chapter(_TITLES[watched.name], output / watched.name, verdict=watched.verdict))
    console.print()
    with Progress(console=console, transient=True) as progress:
        sweep = rank_sweep(output, seed, progress.track(draw_recipes(seed), description=SWEEP))
    console.print(table_of_choices(sweep))
    console.print(
        "Mutual information compares networks of one recipe; among several, checkpoints are ranked by the classes that "
        "they predict. This is one small sweep, and the next can turn out otherwise: examples/choosing/results shows "
        "many."
    )
    chapters.append(_chapter("A sweep with label noise", output / SWEEP, ranking=sweep.ranking, note=_losses(sweep)))
    write_text(output / "report.html", html_report(chapters, title="What the demonstration found"))
    console.print(f"\nWritten to {output}:")
    written = {
        "checkpoints": "*/*.ckpt",
        "event files": "**/events.*",
        "run files": f"**/{RUN_FILE}",
        "figures": "figures/*.png",
    }
    for kind, pattern in written.items():
        console.print(f"  {kind:12} {len(list(output.glob(pattern))):3}  {pattern}")
    commands = {
        "Look at the trainings:": f"{_command('tensorboard')} --logdir {output}",
        "Rank checkpoints again:": f"{_command('infomem')} rank {output / 'colored'} --memorization heuristic",
        "Choose from the sweep:": f"{_command('infomem')} rank {output / SWEEP}",
        "Judge a run again:": f"{_command('infomem')} run {output / 'noisy-run'}",
        "All of it on one page:": str(output / "report.html"),
    }
    console.print()
    for what, command in commands.items():  # to be copied: each on one line, however narrow the terminal
        console.print(f"{what:24} {command}", soft_wrap=True)


def _agreement(ranked: RankedZoo) -> str:
    """Say how well the ranks agree with the clean accuracy, by several criteria."""
    criteria = dict.fromkeys(("mutual_information", "entropy", ranked.ranking.criterion or "mutual_information"))
    taus = ", ".join(f"{ranked.tau(name):+.2f} by {name.replace('_', ' ')}" for name in criteria)
    return f"Kendall's tau with clean accuracy: {taus} (5 networks: tau = 1 by chance has p = 1/120)"


def _losses(sweep: RankedSweep) -> str:
    """Say what the choices lose, and a random pick."""
    lost = "; ".join(f"{choice.way}: {sweep.lost(choice.path):.1f}" for choice in sweep.choices)
    return (
        f"Points of clean accuracy lost by each choice: {lost}; a random pick, on average: {sweep.lost_by_chance:.1f}."
    )


def _chapter(
    title: str, folder: Path, *, ranking: Ranking | None = None, verdict: RunVerdict | None = None, note: str = ""
) -> Chapter:
    runs, faults = recorded_runs([folder], find_checkpoints(folder))
    return Chapter(title, ranking, note, runs=runs, faults=faults, verdict=verdict)


def _command(name: str) -> str:
    """Return how to call a program that was installed with this one, from the current folder."""
    path = Path(sys.executable).with_name(name)
    return os.path.relpath(path) if shutil.which(name) is None and path.exists() else name


def rank_zoo(zoo: Zoo, output: Path, seed: int, levels: Iterable[float] = LEVELS) -> RankedZoo:
    """Train one network for every level and rank their last checkpoints.

    Args:
        zoo: What to train.
        output: Folder in which the zoo gets a folder of its name.
        seed: Seed of data and training.
        levels: The levels, perhaps with a progress bar.
    """
    checkpoints, accuracies = [], []
    for level in levels:
        path, accuracy = _train(zoo, level, output / zoo.name, seed)
        checkpoints.append(path)
        accuracies.append(accuracy)
    return RankedZoo(checkpoints, accuracies, rank_checkpoints(checkpoints, memorization=zoo.memorization))


def _train(zoo: Zoo, level: float, folder: Path, seed: int) -> tuple[Path, float]:
    task = zoo.task(level, seed)
    name = f"{zoo.level_name.split()[-1]}-{level:.2f}"
    # Remove an earlier demo: ModelCheckpoint would count versions, and the page would show two runs.
    (folder / f"{name}.ckpt").unlink(missing_ok=True)
    shutil.rmtree(folder / name, ignore_errors=True)
    trainer = fit(
        task,
        [
            ModelCheckpoint(folder, filename=name, save_on_train_epoch_end=False),
            MemorizationMonitor(task="classification", on_error="raise"),  # the probe has no labels to tell
        ],
        TensorBoardLogger(folder, name=name, version="", default_hp_metric=False),
        {"data": zoo.name, "level": level},
        Recipe(zoo.epochs),
        every=zoo.epochs // _VALIDATIONS,
        seed=seed,
    )
    return folder / f"{name}.ckpt", float(trainer.callback_metrics["clean_accuracy"])


def _table(zoo: Zoo, ranked: RankedZoo) -> Table:
    better = "lower" if zoo.memorization == "heuristic" else "higher"
    leader = ranked.ranking.criterion or "mutual_information"
    table = Table(
        title=f"{zoo.title}\n(better: {better} mutual information; what leads the ranking: {leader.replace('_', ' ')})",
        title_justify="left",
    )
    for column in (
        *("rank by MI", zoo.level_name, "MI (nats)", "entropy (nats)", "rank by entropy"),
        *("rank that leads", "clean accuracy"),
    ):
        table.add_column(column, justify="right")
    for row in sorted(ranked.rows, key=lambda row: row.ranks["mutual_information"]):
        place = ranked.checkpoints.index(row.path)
        table.add_row(
            str(row.ranks["mutual_information"]),
            f"{LEVELS[place]:.2f}",
            f"{row.mutual_information:.3f}",
            f"{row.entropy:.3f}",
            str(row.entropy_rank),
            str(row.rank),
            f"{ranked.accuracies[place]:.3f}",
        )
    return table


def _save_figures(zoo: Zoo, ranked: RankedZoo, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    entropy = [row.entropy for row in ranked.rows]
    information = [row.mutual_information for row in ranked.rows]
    figure = plot_zoo(LEVELS, entropy, information, ranked.accuracies, level_name=zoo.level_name)
    save_figure(figure, folder / f"{zoo.name}.png")
    for path in (ranked.checkpoints[0], ranked.checkpoints[-1]):
        report = read_checkpoint(path).report
        if report is not None:  # None if the measurement failed, which the training has warned of
            save_figure(plot_layers(report), folder / f"{zoo.name}-{path.stem}.png")
