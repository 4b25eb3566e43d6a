"""`infomem show`: print the report that one checkpoint carries."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from torch import Tensor

    from lightning_infomem.records.report import InformationReport, LayerInformation


__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("show", help="print the report that one checkpoint carries", description=__doc__)
    parser.add_argument("checkpoint", metavar="CKPT", type=Path, help="a checkpoint file")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the report."""
    from lightning_infomem.checkpoints.reading import UnusableCheckpoint, read_checkpoint

    try:
        record = read_checkpoint(arguments.checkpoint)
    except UnusableCheckpoint as fault:
        raise ValueError(f"'{arguments.checkpoint}': {fault}") from fault
    if record.report is None:
        raise ValueError(f"'{arguments.checkpoint}': carries no report; train with MemorizationMonitor.")
    summary = _summary(record.report)
    summary = {"path": str(record.path), "epoch": record.epoch, "step": record.step, **summary, "notes": record.notes}
    if arguments.json:
        print(json.dumps(summary, indent=2, allow_nan=False))
    else:
        _print(summary, Console())
    return 0


def _summary(report: InformationReport) -> dict[str, Any]:
    """Plain numbers; None where a layer has no finite value."""
    return {
        "layers": [_layer_summary(layer) for layer in report.layers],
        "skipped": dict(report.skipped),
        "settings": dict(report.settings),
        "backend": report.backend,
        "seconds": report.seconds,
        "version": report.version,
    }


def _layer_summary(layer: LayerInformation) -> dict[str, Any]:
    entropy, pairs = layer.finite_entropy(), layer.pairs()
    numbers = {
        "entropy_mean": entropy.mean().item(),
        "entropy_median": _quantile(entropy, 0.5),
        "mutual_information_mean": pairs.mean().item(),
        "mutual_information_median": _quantile(pairs, 0.5),
        "mutual_information_95th_percentile": _quantile(pairs, 0.95),
        "dead_fraction": layer.dead_fraction,
        "tie_fraction": layer.tie_fraction,
    }
    return {
        "name": layer.name,
        "width": layer.width,
        "units": len(layer.units),
        "samples": layer.num_samples,
        "dropped": layer.num_dropped,
        **{name: number if math.isfinite(number) else None for name, number in numbers.items()},
    }


def _quantile(values: Tensor, share: float) -> float:
    return float(np.quantile(values.numpy(), share)) if len(values) else math.nan


def _print(summary: dict[str, Any], console: Console) -> None:
    console.print(Text(f"{summary['path']}, epoch {summary['epoch']}, step {summary['step']}; nats", style="bold"))
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("layer", overflow="fold", min_width=8)
    for name in ("units", "entropy\nmean", "\nmedian", "MI\nmean", "\nmedian", "\n95 %", "dead", "ties"):
        table.add_column(name, justify="right", no_wrap=True)
    for layer in summary["layers"]:
        cells = [layer["name"], str(layer["units"])]
        cells += [_number(layer[f"entropy_{name}"]) for name in ("mean", "median")]
        cells += [_number(layer[f"mutual_information_{name}"]) for name in ("mean", "median", "95th_percentile")]
        cells += [f"{layer[name]:.0%}" for name in ("dead_fraction", "tie_fraction")]
        table.add_row(*[Text(cell) for cell in cells])
    console.print(table)
    for name, why in summary["skipped"].items():
        console.print(Text(f"skipped {name}: {why}"))
    for note in summary["notes"]:
        console.print(Text(f"note: {note}"))
    settings = ", ".join(f"{name} {value}" for name, value in summary["settings"].items())
    samples = ", ".join(dict.fromkeys(str(layer["samples"]) for layer in summary["layers"]))
    console.print(Text(f"{samples} samples; {settings}; measured by {summary['backend']}", style="dim"))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
