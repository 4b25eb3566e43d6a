"""Checkpoints reduced to the few numbers that a ranking compares."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import track

from lightning_infomem.records import InformationReport
from lightning_infomem.selection.checkpoints import UnusableCheckpoint, read_checkpoint
from lightning_infomem.selection.comparability import Fingerprint, take_fingerprint
from lightning_infomem.selection.criteria import mean_entropy, mean_mutual_information

__all__ = ["Candidate", "collect_candidates", "read_candidate"]


@dataclass(frozen=True, eq=False)
class Candidate:
    """One checkpoint and its measures per layer; its report, which can be large, is let go.

    Attributes:
        path: of the file.
        entropy: layer name -> mean, nats; only layers of which both measures are finite.
        mutual_information: layer name -> mean, nats; the same layers.
        fingerprint: of the report.
        epoch: see `CheckpointRecord`.
        step: see `CheckpointRecord`.
        metrics: see `CheckpointRecord`.
        notes: see `CheckpointRecord`.
        carried: whether the file carried the report, and it was not measured anew.
    """

    path: Path
    entropy: Mapping[str, float]
    mutual_information: Mapping[str, float]
    fingerprint: Fingerprint
    epoch: int | None = None
    step: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    carried: bool = True

    @classmethod
    def from_report(cls, path: Path, report: InformationReport) -> Candidate:
        """Reduce a report.

        Raises:
            UnusableCheckpoint: no layer has finite measures.
        """
        entropy, information = mean_entropy(report), mean_mutual_information(report)
        finite = [name for name in entropy if math.isfinite(entropy[name]) and math.isfinite(information[name])]
        if not finite:
            raise UnusableCheckpoint("no layer has a finite entropy and mutual information; has its training diverged?")
        return cls(
            path,
            {name: entropy[name] for name in finite},
            {name: information[name] for name in finite},
            take_fingerprint(report),
        )


def collect_candidates(
    paths: Sequence[Path], measure_anew: Callable[[Path], InformationReport] | None
) -> tuple[list[Candidate], dict[str, str]]:
    """Read all checkpoints, one at a time.

    Args:
        paths: of the files.
        measure_anew: gives the report of a checkpoint that carries none.

    Returns:
        The usable checkpoints, and path -> reason of the others.
    """
    candidates, skipped = [], {}
    seen: Iterable[Path] = paths
    if sys.stderr.isatty():  # elsewhere older versions of rich leave an empty line
        seen = track(paths, "Reading checkpoints", console=Console(stderr=True), transient=True)
    for path in seen:
        try:
            candidates.append(read_candidate(path, measure_anew))
        except UnusableCheckpoint as fault:
            skipped[str(path)] = str(fault)
    return candidates, skipped


def read_candidate(path: Path, measure_anew: Callable[[Path], InformationReport] | None) -> Candidate:
    """Read one checkpoint, or measure it where it carries no report.

    Raises:
        UnusableCheckpoint: it cannot be read or measured.
    """
    record = read_checkpoint(path)
    carried = record.report is not None
    if record.report is not None:
        report = record.report
    elif measure_anew is not None:
        report = measure_anew(path)
    else:
        raise UnusableCheckpoint(
            "carries no report; train with MemorizationMonitor (and without save_weights_only), or give model= and "
            "data= to have it measured"
        )
    return dataclasses.replace(
        Candidate.from_report(path, report),
        epoch=record.epoch,
        step=record.step,
        metrics=record.metrics,
        notes=record.notes,
        carried=carried,
    )
