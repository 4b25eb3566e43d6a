"""Rank the trained zoos, and compare each way of choosing a checkpoint with the clean accuracy of its networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from rich.table import Table
from scipy.stats import kendalltau

from examples.benchmarks.networks import network
from examples.benchmarks.recipes import Zoo
from examples.benchmarks.tasks import probe
from examples.benchmarks.training import read_labelled
from lightning_infomem import rank_checkpoints

__all__ = ["LABELLED", "Outcome", "compare", "comparison_table"]

# What takes labels to know, as they come in this data -> whether more of it is better.
LABELLED = {"validation_accuracy": True, "validation_loss": False, "train_accuracy": True, "train_loss": False}


@dataclass(frozen=True)
class Outcome:
    """How well one criterion chooses in one zoo, means over the groups whose networks can be compared.

    Attributes:
        zoo: its name.
        criterion: by which the networks are ranked.
        tau: Kendall's tau-b with clean accuracy; NaN where the criterion is the same for all, or does not rank.
        regret: the best clean accuracy less that of the network ranked first, of several at once their mean.
    """

    zoo: str
    criterion: str
    tau: float
    regret: float


def compare(zoo: Zoo, output: Path, mnist: Path | None) -> list[Outcome]:
    """Rank the networks of a trained zoo by every criterion; clean accuracy only judges."""
    labelled = read_labelled(output / zoo.name)
    accuracy = {name: entry["clean_accuracy"] for name, entry in labelled.items()}
    batches = probe(zoo, mnist)
    found: dict[str, list[tuple[float, float]]] = {}
    for models, reference in _groups(zoo):
        paths = [output / zoo.name / f"{name}.ckpt" for name in models]
        reference_path = output / zoo.name / "references" / f"{reference}.ckpt"
        ranking = rank_checkpoints(
            paths,
            memorization=zoo.memorization,
            reference=reference_path if zoo.memorization is None else None,
            model=network,
            data=batches,
        )
        ranks: dict[str, dict[str, float | None]] = {
            "mutual information": {row.path.stem: row.rank for row in ranking.rows},
            "entropy": {row.path.stem: row.entropy_rank for row in ranking.rows},
        }
        for criterion, more_is_better in LABELLED.items():
            sign = -1 if more_is_better else 1
            ranks[criterion] = {name: sign * labelled[name][criterion] for name in models}
        for criterion, rank in ranks.items():
            found.setdefault(criterion, []).append(_judge(rank, accuracy))
    return [Outcome(zoo.name, criterion, *map(fmean, zip(*judged, strict=True))) for criterion, judged in found.items()]


def comparison_table(outcomes: list[Outcome], left_out: list[Zoo]) -> Table:
    """One line a criterion, one column a zoo."""
    zoos = list(dict.fromkeys(outcome.zoo for outcome in outcomes))
    caption = "Kendall's tau-b with clean accuracy / clean accuracy lost by taking the first; none: no ranking"
    if left_out:
        caption += f"\nleft out, for want of --mnist: {', '.join(zoo.name for zoo in left_out)}"
    table = Table("criterion", title="Choosing a checkpoint", caption=caption)
    for zoo in zoos:
        table.add_column(zoo, justify="right")
    for criterion in dict.fromkeys(outcome.criterion for outcome in outcomes):
        cells = {each.zoo: f"{each.tau:+.2f} / {each.regret:.3f}" for each in outcomes if each.criterion == criterion}
        table.add_row(criterion, *(cells[zoo].replace("+nan / nan", "none") for zoo in zoos))
    return table


def _groups(zoo: Zoo) -> Iterator[tuple[list[str], str]]:
    """Names of networks of one width each, for others cannot be compared, and a reference of that width."""
    for width in sorted({recipe.width for recipe in zoo.models.values()}):
        references = [name for name, recipe in zoo.references.items() if recipe.width == width]
        yield [name for name, recipe in zoo.models.items() if recipe.width == width], references[0]


def _judge(ranks: dict[str, float | None], accuracy: dict[str, float]) -> tuple[float, float]:
    """Tau and regret of ranks, low first."""
    known = {name: rank for name, rank in ranks.items() if rank is not None}
    if len(known) < len(ranks):
        return float("nan"), float("nan")
    first = [accuracy[name] for name, rank in known.items() if rank == min(known.values())]
    tau = kendalltau([-rank for rank in known.values()], [accuracy[name] for name in known]).statistic
    return float(tau), max(accuracy[name] for name in known) - fmean(first)
