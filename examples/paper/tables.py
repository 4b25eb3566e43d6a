"""Tables 2, 4, 5 and 6 of the paper and its figures, from networks trained here: our figures beside its own.

Run as ``python -m examples.paper.tables --data-root FOLDER --output FOLDER`` from the root of the repository.
Data sets that are not in the data folder are left out, and said. One record a network is kept in the output folder;
stopped at any time, it goes on where it was when started again. Another recipe or size has records of its own.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from examples.paper.experiment import Experiment
from examples.paper.figures.layers import draw_layers
from examples.paper.figures.levels import draw_levels
from examples.paper.figures.trends import draw_trends
from examples.paper.markdown import tables
from examples.paper.registry import EXPERIMENTS, TEXTS, VARIANTS, find_experiment
from examples.paper.study import Sizes, read_records, run_all
from examples.paper.summary import summarize
from lightning_infomem.plots import save_figure

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = _parser().parse_args(arguments)
    console = Console()
    sizes = Sizes(chosen.max_samples, chosen.max_units, chosen.epochs)
    seeds = range(chosen.seeds)
    names = chosen.only or list(EXPERIMENTS)
    if chosen.text_model is not None:
        names = [f"{name}@{chosen.text_model}" if name in TEXTS else name for name in names]
    try:
        experiments, left_out = _that_have_data(names, chosen.data_root, console)
    except ValueError as fault:  # damaged
        raise SystemExit(str(fault)) from None
    if not experiments:
        raise SystemExit("data-root: the data of at least one experiment are required, got none; see above.")
    try:
        if chosen.train:
            _run(experiments, seeds, sizes, chosen, console)
        records = {each.name: read_records(each, seeds, sizes, chosen.output) for each in experiments}
    except KeyboardInterrupt:
        console.print("Stopped. The networks that are done are kept: the same command goes on from here.")
        raise SystemExit(130) from None
    except (ValueError, ModuleNotFoundError) as fault:  # damaged or changed data, or a model that cannot be had
        raise SystemExit(str(fault)) from None
    summaries = {each.name: summarize(each, records[each.name]) for each in experiments}
    left_out |= {each.title: "no seed has all its levels" for each in experiments if not summaries[each.name]["seeds"]}
    result: dict[str, Any] = {"date": date.today().isoformat(), "left_out": left_out, "experiments": summaries}
    _write(chosen.output / "tables.json", json.dumps(result, indent=1))
    _write(chosen.output / "tables.md", tables(summaries, left_out))
    for experiment in experiments:
        if summaries[experiment.name]["seeds"]:
            _draw(records[experiment.name], experiment, chosen.output)
    console.print(f"Tables and figures are in {chosen.output}: tables.md, tables.json, *.png", highlight=False)


def _run(
    experiments: Sequence[Experiment], seeds: Sequence[int], sizes: Sizes, chosen: argparse.Namespace, console: Console
) -> None:
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("networks", total=len(seeds) * sum(len(each.levels) for each in experiments))
        for _ in run_all(experiments, seeds, sizes, chosen.data_root, chosen.output, chosen.workers):
            progress.advance(bar)


def _that_have_data(
    names: Sequence[str], data_root: Path | None, console: Console
) -> tuple[list[Experiment], dict[str, str]]:
    """The experiments whose data can be read, and why the others cannot, by title."""
    experiments, left_out = [], {}
    for name in names:
        experiment = find_experiment(name)
        try:
            experiment.make_data(data_root, experiment.levels[0], 0)
        except FileNotFoundError as fault:
            # What is written down names what is missing, but no folder of this machine.
            left_out[experiment.title] = f"{experiment.needs} would have to be in the data folder"
            console.print(f"[bold]{experiment.title}[/] is left out. {fault}", highlight=False)
        else:
            experiments.append(experiment)
    return experiments, left_out


def _draw(records: Sequence[Mapping[str, Any]], experiment: Experiment, output: Path) -> None:
    """What the paper's figures 2, 3, 6, 7 and 9 show: the distributions by level, of the network and of each layer."""
    name = experiment.name.replace("/", "-")
    save_figure(draw_trends(records, experiment), output / f"{name}-trends.png")
    save_figure(draw_levels(records, experiment), output / f"{name}-levels.png")
    save_figure(draw_layers(records, experiment), output / f"{name}-layers.png")


def _write(path: Path, text: str) -> None:
    """Under another name first: whoever looks sees the old file or the new one."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_text(text)
    os.replace(unfinished, path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, help="folder in which the data sets lie as they are published")
    parser.add_argument(
        "--output", type=Path, default=Path("paper-runs"), help="folder for records, tables and figures"
    )
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 0 on")
    parser.add_argument("--only", action="append", choices=[*EXPERIMENTS, *VARIANTS], help="an experiment; repeatable")
    parser.add_argument("--text-model", help="a model of Hugging Face for the texts, such as distilbert-base-uncased")
    parser.add_argument("--workers", type=int, default=2, help="processes that train, one thread each")
    parser.add_argument(
        "--no-train", dest="train", action="store_false", help="only tables and figures, of the networks that are done"
    )
    parser.add_argument("--max-samples", type=int, default=Sizes.max_samples, help="inputs measured")
    parser.add_argument("--max-units", type=int, default=Sizes.max_units, help="units of a layer measured")
    parser.add_argument("--epochs", type=int, help="instead of those of the recipes, for a quick look")
    return parser


if __name__ == "__main__":
    main()
