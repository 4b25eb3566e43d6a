"""Compute tables 2, 4, 5 and 6 of the paper and its figures from networks trained here.

Run it with ``python -m examples.paper.tables --data-root FOLDER --output FOLDER`` from the root of the repository.
Data sets that are not in the data folder are reported and left out. The output folder keeps one record per network, so
the program can be stopped at any time and continues when started again. Other recipes and sizes have separate records.
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
        console.print("Stopped. Finished networks are kept; run the same command to continue.")
        raise SystemExit(130) from None
    except (ValueError, ModuleNotFoundError) as fault:  # damaged or changed data, or a model that cannot be loaded
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
    """Return the experiments whose data can be read, and for the others, by title, the reason."""
    experiments, left_out = [], {}
    for name in names:
        experiment = find_experiment(name)
        try:
            experiment.make_data(data_root, experiment.levels[0], 0)
        except FileNotFoundError as fault:
            # The tables name what is missing, but no folder of this machine.
            left_out[experiment.title] = f"the data folder does not contain {experiment.needs}"
            console.print(f"[bold]{experiment.title}[/] is left out. {fault}", highlight=False)
        else:
            experiments.append(experiment)
    return experiments, left_out


def _draw(records: Sequence[Mapping[str, Any]], experiment: Experiment, output: Path) -> None:
    """Draw figures like 2, 3, 6, 7 and 9 of the paper: distributions by level, for the network and each layer."""
    name = experiment.name.replace("/", "-")
    save_figure(draw_trends(records, experiment), output / f"{name}-trends.png")
    save_figure(draw_levels(records, experiment), output / f"{name}-levels.png")
    save_figure(draw_layers(records, experiment), output / f"{name}-layers.png")


def _write(path: Path, text: str) -> None:
    """Write to a temporary name first, so that readers see either the old file or the new one."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_text(text)
    os.replace(unfinished, path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, help="folder with the data sets in their published layouts")
    parser.add_argument(
        "--output", type=Path, default=Path("paper-runs"), help="folder for records, tables and figures"
    )
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds, from 0 on")
    parser.add_argument(
        "--only", action="append", choices=[*EXPERIMENTS, *VARIANTS], help="run only this experiment; repeatable"
    )
    parser.add_argument("--text-model", help="Hugging Face model for the texts, such as distilbert-base-uncased")
    parser.add_argument("--workers", type=int, default=2, help="number of single-threaded training processes")
    parser.add_argument(
        "--no-train", dest="train", action="store_false", help="make tables and figures from the finished networks only"
    )
    parser.add_argument("--max-samples", type=int, default=Sizes.max_samples, help="number of inputs measured")
    parser.add_argument("--max-units", type=int, default=Sizes.max_units, help="number of units measured per layer")
    parser.add_argument("--epochs", type=int, help="number of epochs, instead of that of each recipe, for a quick look")
    return parser


if __name__ == "__main__":
    main()
