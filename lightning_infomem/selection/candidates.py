"""Checkpoints reduced to the few numbers that a ranking compares."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from lightning_infomem.checkpoints.reading import UnusableCheckpoint, load_checkpoint, read_checkpoint
from lightning_infomem.functional.complexity import frobenius_norms, log_product, spectral_norms, sum_of_squares
from lightning_infomem.records.moment import Moment
from lightning_infomem.records.report import InformationReport, LayerInformation
from lightning_infomem.selection.fingerprint import Fingerprint, take_fingerprint

__all__ = ["Candidate", "LayerScores", "collect_candidates", "read_candidate"]


@dataclass(frozen=True, eq=False)
class LayerScores:
    """What a ranking needs of one layer.

    Attributes:
        unit_information: float64 ``[units]``, mean mutual information of the pairs of each unit, nats.
        unit_entropy: float64 ``[units]``, nats.
        scores: name of a criterion -> value.
        tie_fraction: see `LayerInformation`.
        dropped_fraction: share of rows left out because they were not finite.
        copy_fraction: mean mutual information of the pairs over that of a unit with itself: 1 where all are copies.
    """

    unit_information: NDArray[np.float64]
    unit_entropy: NDArray[np.float64]
    scores: Mapping[str, float]
    tie_fraction: float
    dropped_fraction: float
    copy_fraction: float

    @property
    def mutual_information(self) -> float:
        """Mean over the pairs, nats."""
        return self.scores["mutual_information"]

    @property
    def standard_error(self) -> float:
        """Of `mutual_information`, over units, nats: that of the first-order part of a U-statistic."""
        return float(2 * self.unit_information.std(ddof=1) / math.sqrt(len(self.unit_information)))

    @classmethod
    def of(cls, layer: LayerInformation) -> LayerScores:
        """Reduce a layer; `mutual_information` is NaN where no pair has a finite value."""
        matrix = layer.mutual_information.numpy().copy()
        itself = matrix.diagonal()[np.isfinite(matrix.diagonal())]
        np.fill_diagonal(matrix, np.nan)
        known = np.isfinite(matrix)
        partners = known.sum(axis=1)
        totals = np.where(known, matrix, 0.0).sum(axis=1)
        entropy = layer.finite_entropy().numpy()
        mean = totals.sum() / partners.sum() if partners.any() else math.nan
        return cls(
            unit_information=totals[partners > 0] / partners[partners > 0],
            unit_entropy=entropy,
            scores={
                **layer.scores,
                "mutual_information": float(mean),
                "entropy": float(entropy.mean()) if len(entropy) else math.nan,
                "dead_fraction": layer.dead_fraction,
            },
            tie_fraction=layer.tie_fraction,
            dropped_fraction=layer.num_dropped / max(layer.num_dropped + layer.num_samples, 1),
            copy_fraction=float(mean / itself.mean()) if len(itself) and itself.mean() > 0 else 0.0,
        )


@dataclass(frozen=True, eq=False)
class Candidate:
    """One checkpoint; its report, which can be large, is let go.

    Attributes:
        path: of the file.
        layers: name -> what is known of the layer; only layers of which entropy and mutual information are finite.
        scores: name of a criterion that has no layers -> value.
        fingerprint: of the report.
        epoch: see `CheckpointRecord`.
        step: see `CheckpointRecord`.
        metrics: see `CheckpointRecord`.
        notes: see `CheckpointRecord`.
        carried: whether the file carried the report, and it was not measured anew.
        is_control: whether it is no checkpoint but the network before any training.
        moment: what it tells of its run.
    """

    path: Path
    layers: Mapping[str, LayerScores]
    scores: dict[str, float]
    fingerprint: Fingerprint
    epoch: int | None = None
    step: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    carried: bool = True
    is_control: bool = False
    moment: Moment | None = None

    @classmethod
    def from_report(cls, path: Path, report: InformationReport) -> Candidate:
        """Reduce a report.

        Raises:
            UnusableCheckpoint: no layer has finite measures.
        """
        layers = {layer.name: LayerScores.of(layer) for layer in report.layers}
        finite = {
            name: layer
            for name, layer in layers.items()
            if math.isfinite(layer.mutual_information) and math.isfinite(layer.scores["entropy"])
        }
        if not finite:
            raise UnusableCheckpoint("no layer has a finite entropy and mutual information; has its training diverged?")
        return cls(path, finite, dict(report.scores), take_fingerprint(report), moment=Moment.of(report))

    def values(self, criterion: str, layers: Sequence[str]) -> list[float]:
        """A criterion in each of these layers, or its one value where it has no layers; NaN where it is not known."""
        if any(criterion in self.layers[name].scores for name in layers if name in self.layers):
            return [self.layers[name].scores.get(criterion, math.nan) for name in layers]
        return [self.scores.get(criterion, math.nan)]


def collect_candidates(
    paths: Sequence[Path], measure_anew: Callable[[Path], InformationReport] | None, *, weight_norms: bool = False
) -> tuple[list[Candidate], dict[str, str]]:
    """Read all checkpoints, one at a time.

    Args:
        paths: of the files.
        measure_anew: gives the report of a checkpoint that carries none.
        weight_norms: take the norms of the weights, too.

    Returns:
        The usable checkpoints, and path -> reason of the others.
    """
    candidates, skipped = [], {}
    seen: Iterable[Path] = paths
    if sys.stderr.isatty():  # elsewhere older versions of rich leave an empty line
        seen = track(paths, "Reading checkpoints", console=Console(stderr=True), transient=True)
    for path in seen:
        try:
            candidates.append(read_candidate(path, measure_anew, weight_norms=weight_norms))
        except UnusableCheckpoint as fault:
            skipped[str(path)] = str(fault)
    return candidates, skipped


def read_candidate(
    path: Path, measure_anew: Callable[[Path], InformationReport] | None, *, weight_norms: bool = False
) -> Candidate:
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
    candidate = Candidate.from_report(path, report)
    scores = {**candidate.scores, **_logged_scores(record.metrics)}
    if record.epoch is not None:
        scores["epoch"] = float(record.epoch)
    if weight_norms:
        scores |= _weight_norms(load_checkpoint(path))
    return dataclasses.replace(
        candidate,
        scores=scores,
        epoch=record.epoch,
        step=record.step,
        metrics=record.metrics,
        notes=record.notes,
        carried=carried,
    )


def _weight_norms(checkpoint: Mapping[str, Any]) -> dict[str, float]:
    weights = checkpoint.get("state_dict")
    if not isinstance(weights, Mapping):
        return {}
    norms = {"spectral_norm": spectral_norms(weights), "frobenius_norm": frobenius_norms(weights)}
    scores = {f"{name}_sum": sum_of_squares(by_layer) for name, by_layer in norms.items()}
    return {**scores, **{f"{name}_log_product": log_product(by_layer) for name, by_layer in norms.items()}}


def _logged_scores(metrics: Mapping[str, float]) -> dict[str, float]:
    """The validation loss and accuracy among the metrics of a checkpoint, by the names that people give them."""
    scores: dict[str, float] = {}
    for criterion, words in (("validation_loss", ("loss",)), ("validation_accuracy", ("acc", "accuracy"))):
        for name, value in metrics.items():
            parts = name.lower().replace("/", "_").split("_")
            if {"val", "valid", "validation", "eval"} & set(parts) and set(words) & set(parts):
                scores.setdefault(criterion, value)
    return scores
