"""Compare rankings of the benchmark's zoos by 64 and by 128 units per layer: ``python -m examples.benchmarks.units``.

It uses the networks that ``python -m examples.benchmarks.selection`` left in the folder, and trains those that are
missing. It writes the table to ``results/units.md``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from rich.console import Console
from rich.markdown import Markdown

from examples.benchmarks.networks import network
from examples.benchmarks.recipes import ZOOS, Zoo, comparable_models
from examples.benchmarks.selection import train
from examples.benchmarks.tasks import probe
from examples.benchmarks.training import read_labelled
from lightning_infomem import Ranking, rank_checkpoints
from lightning_infomem.selection.agreement import rank_agreement

__all__ = ["Row", "compare_units", "markdown"]

UNITS = (64, 128)
RESULTS = Path(__file__).with_name("results")


class Row(NamedTuple):
    """Agreement of one way to rank a zoo with clean accuracy.

    Attributes:
        zoo: Name of the zoo.
        given: What the ranking was given: "kind" of memorization, or "reference".
        width: Number of units in the widest layer of the zoo.
        taus: Kendall's tau-b for each number of measured units, as a mean over sets of comparable networks and over
            references.
    """

    zoo: str
    given: str
    width: int
    taus: tuple[float, ...]


def compare_units(zoo: Zoo, output: Path, mnist: Path | None, units: Sequence[int] = UNITS) -> list[Row]:
    """Rank the networks of a trained zoo by mutual information, measured with several numbers of units."""
    labelled = read_labelled(output / zoo.name)
    settings = {"model": network, "data": probe(zoo, mnist), "cache": output / "reports"}

    def taus(paths: list[Path], **given: Any) -> tuple[float, ...]:
        rankings = [rank_checkpoints(paths, max_units=each, **given, **settings) for each in units]
        accuracy = {path.name: labelled[path.stem]["clean_accuracy"] for path in paths}
        return tuple(_tau(ranking, accuracy) for ranking in rankings)

    told: list[tuple[float, ...]] = []
    nearest: list[tuple[float, ...]] = []
    for models, references in comparable_models(zoo):
        paths = [output / zoo.name / f"{name}.ckpt" for name in models]
        files = [output / zoo.name / "references" / f"{name}.ckpt" for name in references]
        if zoo.memorization is not None:
            told.append(taus(paths, memorization=zoo.memorization))
        nearest += [taus(paths, reference=file) for file in files]
    width = max(recipe.width for recipe in zoo.models.values())
    return [
        Row(zoo.name, given, width, tuple(fmean(each) for each in zip(*found, strict=True)))
        for given, found in (("kind", told), ("reference", nearest))
        if found
    ]


def _tau(ranking: Ranking, accuracy: Mapping[str, float]) -> float:
    ranks = [row.ranks["mutual_information"] for row in ranking.rows]
    return rank_agreement(ranks, [accuracy[row.path.name] for row in ranking.rows]).tau


def markdown(rows: Sequence[Row], units: Sequence[int] = UNITS) -> str:
    """Write the table: one row per zoo and way to rank it, with the difference of first and last number of units."""
    few, many = units[0], units[-1]
    lines = [
        ["zoo", "given", "units in the widest layer", *(f"tau, {each} units" for each in units), "difference"],
        ["---"] * (len(units) + 4),
    ]
    for row in rows:
        difference = "same units" if row.width <= few else f"{row.taus[0] - row.taus[-1]:+.3f}"
        lines.append([row.zoo, row.given, str(row.width), *(f"{tau:+.3f}" for tau in row.taus), difference])
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return (
        f"# {few} or {many} units per layer\n\n"
        "Kendall's tau-b between the ranking by mutual information and accuracy on clean data, given the kind of\n"
        "memorization or a reference (`python -m examples.benchmarks.units`). A zoo whose layers have no more units\n"
        "is ranked by the same units twice.\n\n"
        f"{table}\n\n"
        f"By {few} units the largest loss is {_largest_loss(rows):.3f}; above .05, {few} are not the default.\n"
    )


def _largest_loss(rows: Sequence[Row]) -> float:
    return max(0.0, *(row.taus[-1] - row.taus[0] for row in rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="folder with the networks of the zoos")
    parser.add_argument("--mnist", type=Path, help="folder with the IDX files of MNIST; default: digits only")
    parser.add_argument("--workers", type=int, default=2, help="number of single-threaded training processes")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for units.md")
    arguments = parser.parse_args()
    console = Console()
    zoos = [zoo for zoo in ZOOS if zoo.images != "mnist" or arguments.mnist is not None]
    train(zoos, arguments, console)
    rows = [row for zoo in zoos for row in compare_units(zoo, arguments.output, arguments.mnist)]
    text = markdown(rows)
    console.print(Markdown(text))
    (arguments.results / "units.md").write_text(text)


if __name__ == "__main__":
    main()
