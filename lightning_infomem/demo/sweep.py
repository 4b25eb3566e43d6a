"""A sweep of hyperparameters with label noise, from which one network is chosen in several ways."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from rich.table import Table
from scipy.stats import kendalltau

from lightning_infomem._lightning import ModelCheckpoint, TensorBoardLogger
from lightning_infomem.callbacks.memorization_monitor import MemorizationMonitor
from lightning_infomem.demo.digits import shuffled_digits
from lightning_infomem.demo.training import Recipe, fit
from lightning_infomem.selection.rank_checkpoints import rank_checkpoints
from lightning_infomem.selection.ranking import Ranking

__all__ = ["NAME", "Choice", "RankedSweep", "draw_recipes", "rank_sweep", "table_of_choices"]

NAME = "sweep"  # of its folder
_NUM_LABELS = 20
_NOISE = 0.4  # share of the labels that are drawn at random, in training and validation alike
_NUM_NETWORKS = 12


@dataclass(frozen=True)
class Choice:
    """The network that a way of choosing prefers.

    Attributes:
        way: How it is chosen, in a few words.
        path: Its checkpoint.
        tau: Kendall's tau-b between the order in which this way puts all networks, and their accuracy on clean images.
        ranking: The ranking, if it is one.
    """

    way: str
    path: Path
    tau: float
    ranking: Ranking | None = None


@dataclass(frozen=True)
class RankedSweep:
    """A sweep after training.

    Attributes:
        accuracies: Checkpoint -> accuracy on clean images.
        choices: What each way of choosing prefers.
        ranking: The ranking for which nothing but the checkpoints was given.
    """

    accuracies: dict[Path, float]
    choices: list[Choice]
    ranking: Ranking

    def lost(self, path: Path) -> float:
        """Return by how many points, 0 to 100, a network is less accurate on clean images than the best one."""
        return 100 * (max(self.accuracies.values()) - self.accuracies[path])

    @property
    def lost_by_chance(self) -> float:
        """Points that a network picked at random loses on average."""
        return fmean(self.lost(path) for path in self.accuracies)


def draw_recipes(seed: int, count: int = _NUM_NETWORKS) -> list[Recipe]:
    """Draw hyperparameters, some of which hardly train a network, while others make it learn wrong labels by heart.

    Args:
        seed: Seed of the draws.
        count: Number of recipes.
    """
    generator = np.random.default_rng([seed, 1])  # other numbers than those of the data
    recipes = []
    for _ in range(count):
        optimizer = str(generator.choice(["adam", "sgd"]))
        fastest = -1.5 if optimizer == "adam" else -0.5
        recipes.append(
            Recipe(
                epochs=round(10 ** generator.uniform(0.5, 1.7)),
                learning_rate=float(10 ** generator.uniform(fastest - 2, fastest)),
                weight_decay=float(10 ** generator.uniform(-5, -2)),
                dropout=float(generator.choice([0, 0.2, 0.5])),
                batch_size=int(generator.choice([32, 64, 128])),
                optimizer=optimizer,
            )
        )
    return recipes


def rank_sweep(output: Path, seed: int, recipes: Iterable[Recipe]) -> RankedSweep:
    """Train a network by every recipe, and choose one of them in several ways.

    Args:
        output: Folder in which the sweep gets a folder of its name, which replaces an earlier one.
        seed: Seed of data and training.
        recipes: The recipes, perhaps with a progress bar.
    """
    folder = output / NAME
    shutil.rmtree(folder, ignore_errors=True)
    accuracies = dict(_train(recipe, number, folder, seed) for number, recipe in enumerate(recipes))
    paths = list(accuracies)
    # Networks of several recipes would be ranked by the classes that they predict, so both is to be said.
    by_information = rank_checkpoints(paths, memorization="example", task="none", allow_mismatch=["recipes"])
    by_consensus = rank_checkpoints(paths)
    true_labels = shuffled_digits(_NOISE, seed).clean.tensors[1].tolist()
    labels = {place: true_labels[place] for place in by_consensus.ask(_NUM_LABELS).indices}
    by_labels = rank_checkpoints(paths, labels=labels)
    rankings = {
        "mutual information": by_information,
        "consensus": by_consensus,
        f"{len(labels)} true labels": by_labels,
    }
    choices = [
        Choice(way, ranking.best.path, _tau({row.path: -(row.rank or 0) for row in ranking.rows}, accuracies), ranking)
        for way, ranking in rankings.items()
    ]
    noisy = {row.path: row.metrics["validation_accuracy"] for row in by_consensus.rows}
    choices.append(
        Choice(f"{len(true_labels)} noisy labels", max(noisy, key=lambda path: noisy[path]), _tau(noisy, accuracies))
    )
    return RankedSweep(accuracies, choices, by_consensus)


def _tau(values: Mapping[Path, float], accuracies: Mapping[Path, float]) -> float:
    return float(kendalltau([values[path] for path in accuracies], list(accuracies.values())).statistic)


def _train(recipe: Recipe, number: int, folder: Path, seed: int) -> tuple[Path, float]:
    """Train one network, and return its checkpoint and its accuracy on clean images."""
    name = f"network-{number:02}"
    trainer = fit(
        shuffled_digits(_NOISE, seed),
        [
            MemorizationMonitor(task="classification", on_error="raise"),  # the probe has no labels to tell
            ModelCheckpoint(folder, filename=name, monitor="validation_accuracy", mode="max"),
        ],
        TensorBoardLogger(folder, name=name, version="", default_hp_metric=False),
        {"data": "shuffled", "level": _NOISE},
        recipe,
        every=recipe.epochs,
        seed=seed + number,
    )
    return folder / f"{name}.ckpt", float(trainer.callback_metrics["clean_accuracy"])


def table_of_choices(sweep: RankedSweep) -> Table:
    """Show what each way of choosing loses, how sure it was, and what speaks against it."""
    table = Table(
        title=f"A sweep: {len(sweep.accuracies)} networks trained in different ways, {_NOISE:.0%} of the labels random",
        title_justify="left",
        caption=(
            "lost: points of clean accuracy below the best network; tau: with clean accuracy; set: how many could "
            "be the best, and whether the best is one of them"
        ),
        caption_justify="left",
    )
    table.add_column("chosen by", no_wrap=True)
    for column in ("lost", "tau", "P(best)"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("set", no_wrap=True)
    table.add_column("doubts", overflow="fold")
    for choice in sweep.choices:
        table.add_row(
            choice.way,
            f"{sweep.lost(choice.path):.1f}",
            f"{choice.tau:+.2f}",
            *_certainty(choice, sweep),
        )
    table.add_row("random pick, mean", f"{sweep.lost_by_chance:.1f}")
    return table


def _certainty(choice: Choice, sweep: RankedSweep) -> tuple[str, str, str]:
    """Return the probability that it is the best, the set that should hold the best, and doubts, as text."""
    if choice.ranking is None:
        return "", "", ""
    found = choice.ranking.best_set
    holds = any(not sweep.lost(row.path) for row in found)
    doubts = dict.fromkeys(flag.name.replace("_", " ") for flag in choice.ranking.flags if flag.is_doubt)
    return (
        f"{choice.ranking.best.probability_best:.2f}",
        f"{len(found)}, {'holds' if holds else 'misses'} it",
        ", ".join(doubts) or "none",
    )
