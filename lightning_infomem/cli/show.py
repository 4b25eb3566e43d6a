"""`infomem show`: print the report that one checkpoint carries."""

from __future__ import annotations

import argparse
import json
import math
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from lightning_infomem._errors import UsageValueError
from lightning_infomem.records.file_names import name_files
from lightning_infomem.records.metric_names import Metric
from lightning_infomem.records.table import Column, Note, Table, plain_value

if TYPE_CHECKING:
    from lightning_infomem.records.report import InformationReport

__all__ = ["add_parser"]

_COLUMNS = (
    Column("name", "layer"),
    Column("width", shown="never"),
    Column("units"),
    Column("samples", shown="never"),
    Column("dropped", shown="never"),
    Column("entropy_mean", "entropy mean", ".3f"),
    Column("entropy_median", "median", ".3f"),
    Column("mutual_information_mean", "MI mean", ".3f"),
    Column("mutual_information_median", "median", ".3f"),
    Column("mutual_information_95th_percentile", "95 %", ".3f"),
    Column("dead_fraction", "dead", ".0%"),
    Column("tie_fraction", "ties", ".0%"),
)
# Name in the output -> logged metric.
_MEASURES = {
    "entropy_mean": Metric.ENTROPY_MEAN,
    "entropy_median": Metric.ENTROPY_MEDIAN,
    "mutual_information_mean": Metric.MI_MEAN,
    "mutual_information_median": Metric.MI_MEDIAN,
    "mutual_information_95th_percentile": Metric.MI_P95,
    "dead_fraction": Metric.DEAD_FRACTION,
    "tie_fraction": Metric.TIE_FRACTION,
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("show", help="print the report that one checkpoint carries", description=__doc__)
    parser.add_argument("checkpoint", metavar="CKPT", type=Path, help="a checkpoint, or a folder with one")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the report."""
    from lightning_infomem.checkpoints.reading import UnusableCheckpoint, read_checkpoint

    path = _one_checkpoint(arguments.checkpoint)
    try:
        record = read_checkpoint(path)
    except UnusableCheckpoint as fault:
        raise UsageValueError(f"'{path}': {fault}") from fault
    if record.report is None:
        raise UsageValueError(f"'{path}': carries no report; train with MemorizationMonitor.")
    summary = _summary(record.report)
    summary = {"path": record.path, "epoch": record.epoch, "step": record.step, **summary}
    summary["notes"] = [*record.notes, *([] if record.staleness is None else [record.staleness])]
    if arguments.json:
        print(json.dumps(plain_value(summary), indent=2, allow_nan=False))
    else:
        Console().print(_table(summary))
    return 0


def _one_checkpoint(place: Path) -> Path:
    """Return the checkpoint itself, or the only one in a folder."""
    from lightning_infomem.checkpoints.reading import find_checkpoints

    found = find_checkpoints(place) if place.is_dir() else [place]
    if len(found) == 1 or place in found:  # a Hugging Face folder can hold others
        return place if place in found else found[0]
    raise UsageValueError(
        f"CKPT: one checkpoint is required, got the folder '{place}' with {len(found)} of them: "
        f"{name_files([str(path) for path in found])}; name one, as in `infomem show {shlex.quote(str(found[-1]))}`."
    )


def _summary(report: InformationReport) -> dict[str, Any]:
    """Return the contents of the report as plain values; NaN if a layer has no finite value."""
    from lightning_infomem.runs.scalars import layer_measures

    layers = []
    for layer in report.layers:
        measures = layer_measures(layer)
        counts = {
            "name": layer.name,
            "width": layer.width,
            "units": len(layer.units),
            "samples": layer.num_samples,
            "dropped": layer.num_dropped,
        }
        layers.append({**counts, **{name: measures.get(metric, math.nan) for name, metric in _MEASURES.items()}})
    return {
        "layers": layers,
        "task": report.task,
        "task_reason": report.task_reason,
        "repeats": report.num_repeats,
        "skipped": dict(report.skipped),
        "settings": dict(report.settings),
        "backend": report.backend,
        "seconds": report.seconds,
        "version": report.version,
    }


def _table(summary: Mapping[str, Any]) -> Table:
    settings = ", ".join(f"{name} {value}" for name, value in summary["settings"].items())
    samples = ", ".join(dict.fromkeys(str(layer["samples"]) for layer in summary["layers"]))
    repeats = f" ({summary['repeats']} more repeat an input and were left out)" if summary["repeats"] else ""
    return Table(
        _COLUMNS,
        summary["layers"],
        title=f"{summary['path']}, epoch {summary['epoch']}, step {summary['step']}; nats",
        notes=[
            *(f"skipped {name}: {why}" for name, why in summary["skipped"].items()),
            *(f"note: {note}" for note in summary["notes"]),
            f"task: {summary['task']}" + (f" ({summary['task_reason']})" if summary["task_reason"] else ""),
            Note(f"{samples} samples{repeats}; {settings}; measured by {summary['backend']}", "dim"),
        ],
    )
