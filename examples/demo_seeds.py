"""Train and rank the two zoos of the demonstration with several seeds, to see how often it comes out.

Run it with ``python examples/demo_seeds.py``. Seed 0 is the seed of the demonstration; the others were never used to
choose its recipe.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from lightning_infomem.demo.run import ZOOS, rank_zoo

MEASURES = ("mutual_information", "entropy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4, 5])
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    arguments = parser.parse_args()
    taus = {}
    console = Console()
    with Progress(console=console) as progress, TemporaryDirectory() as folder:
        bar = progress.add_task("zoos", total=len(ZOOS) * len(arguments.seeds))
        for seed in arguments.seeds:
            for zoo in ZOOS:
                ranked = rank_zoo(zoo, Path(folder) / str(seed), seed)
                for measure in MEASURES:
                    taus[seed, zoo.name, measure] = ranked.tau(measure)
                progress.advance(bar)
    table = Table(title="Kendall's tau between the rank without labels and clean accuracy, 5 networks per zoo")
    table.add_column("seed")
    columns = [(zoo.name, measure) for zoo in ZOOS for measure in MEASURES]
    for name, measure in columns:
        table.add_column(f"{name}: {measure.replace('_', ' ')}", justify="right")
    for seed in arguments.seeds:
        table.add_row(str(seed), *(f"{taus[(seed, *column)]:+.2f}" for column in columns))
    others = [seed for seed in arguments.seeds if seed != 0]
    if others:
        table.add_row(
            "mean without 0", *(f"{fmean(taus[(seed, *column)] for seed in others):+.2f}" for column in columns)
        )
    console.print(table)
    if arguments.json:
        numbers = [{"seed": key[0], "zoo": key[1], "measure": key[2], "tau": tau} for key, tau in taus.items()]
        arguments.json.write_text(json.dumps(numbers, indent=1))


if __name__ == "__main__":
    main()
