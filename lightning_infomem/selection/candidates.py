"""Checkpoints reduced to the few numbers that a ranking compares."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_infomem.records.comparability import Field
from lightning_infomem.records.moment import Moment
from lightning_infomem.records.predictions import Predictions
from lightning_infomem.records.report import InformationReport, LayerInformation
from lightning_infomem.records.tasks import GIVEN_TASKS, say_given, why_no_classes

__all__ = ["Candidate", "Fingerprint", "LayerScores", "take_fingerprint"]

Fingerprint = Mapping[Field, Hashable]

# Backends count the same neighbours, and one more baseline changes no measure. What the report says of the task counts,
# not what was asked for; what examples are shows in the samples.
_IRRELEVANT_SETTINGS = ("backend", "normal_scores", "task", "examples")


_OF_CLASSES = ("class_smoothness", "dispersion")


@dataclass(frozen=True, eq=False)
class LayerScores:
    """The numbers of one layer that a ranking compares.

    Attributes:
        unit_information: Mean mutual information of each unit with the others in nats, float64 ``[units]``.
        scores: Criterion -> value. Also holds ``dead_fraction`` and ``tie_fraction``, see `LayerInformation`;
            ``dropped_fraction``, the share of rows left out because they were not finite; and ``copy_fraction``, the
            mean mutual information of pairs divided by that of a unit with itself, which is 1 if all are copies.
    """

    unit_information: NDArray[np.float64]
    scores: Mapping[str, float]

    @property
    def mutual_information(self) -> float:
        """Mean over pairs, nats."""
        return self.scores["mutual_information"]

    @property
    def is_finite(self) -> bool:
        """Whether both measures have a value."""
        return math.isfinite(self.mutual_information) and math.isfinite(self.scores["entropy"])

    @property
    def standard_error(self) -> float:
        """Standard error of `mutual_information` over units, nats, by the first-order part of a U-statistic."""
        return float(2 * self.unit_information.std(ddof=1) / math.sqrt(len(self.unit_information)))

    @classmethod
    def of(cls, layer: LayerInformation, *, has_classes: bool = True) -> LayerScores:
        """Reduce one layer; `mutual_information` is NaN if no pair has a finite value.

        Without classes, the scores that need predicted ones are left out.
        """
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
            scores={
                **{name: value for name, value in layer.scores.items() if has_classes or name not in _OF_CLASSES},
                "mutual_information": float(mean),
                "entropy": float(entropy.mean()) if len(entropy) else math.nan,
                "dead_fraction": layer.dead_fraction,
                "tie_fraction": layer.tie_fraction,
                "dropped_fraction": layer.num_dropped / max(layer.num_dropped + layer.num_samples, 1),
                "copy_fraction": float(mean / itself.mean()) if len(itself) and itself.mean() > 0 else 0.0,
            },
        )


@dataclass(frozen=True, eq=False)
class Candidate:
    """One checkpoint without its report, which can be large.

    Attributes:
        path: Path of the file.
        layers: Layer name -> its scores; only layers whose entropy and mutual information are finite, so it is empty
            for a network that has diverged.
        scores: Criterion -> value, for criteria that have one value for the whole network; those of predictions only if
            the network classifies.
        fingerprint: What must agree with other reports; see `take_fingerprint`.
        moment: What the run is judged by, with the task of the network.
        epoch: See `CheckpointRecord`.
        step: See `CheckpointRecord`.
        metrics: See `CheckpointRecord`.
        notes: See `CheckpointRecord`.
        carried: Whether the file carried the report; False if it was measured for the ranking.
        run_id: See `CheckpointRecord`.
        read_again: Returns the report once more; None if that is impossible.
        predictions: What was predicted for each sampled input; None if that is unknown, or if the outputs of the
            network are not taken for classes.
        recipe: See `CheckpointRecord`.
        training_loss: See `InformationReport`.
    """

    path: Path
    layers: Mapping[str, LayerScores]
    scores: Mapping[str, float]
    fingerprint: Fingerprint
    moment: Moment
    epoch: int | None = None
    step: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    carried: bool = True
    run_id: str | None = None
    read_again: Callable[[], InformationReport] | None = None
    predictions: Predictions | None = None
    recipe: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    training_loss: float | None = None

    @classmethod
    def from_report(
        cls,
        path: Path,
        report: InformationReport,
        *,
        task: str = "auto",
        metrics: Mapping[str, float] | None = None,
        norms: Mapping[str, float] | None = None,
        **known: Any,
    ) -> Candidate:
        """Reduce a report to what a ranking compares.

        Args:
            path: Path of the checkpoint.
            report: Report of the checkpoint.
            task: What the network does, if the user said so; "auto" takes what the report says.
            metrics: See `CheckpointRecord`.
            norms: Criterion -> norm of the weights.
            **known: Further fields: ``epoch``, ``step``, ``notes``, ``carried``, ``run_id``,
                ``read_again``, ``recipe``.
        """
        if task != "auto":
            report = replace(report, task=task, task_reason=say_given(task))
        has_classes = why_no_classes(report.task) is None
        layers = {layer.name: LayerScores.of(layer, has_classes=has_classes) for layer in report.layers}
        scores = {**(report.scores if has_classes else {}), **_logged_scores(metrics or {}), **(norms or {})}
        if known.get("epoch") is not None:
            scores["epoch"] = float(known["epoch"])
        if report.training_loss is not None:
            scores["training_loss"] = report.training_loss
        return cls(
            path=path,
            layers={name: layer for name, layer in layers.items() if layer.is_finite},
            scores=scores,
            fingerprint=take_fingerprint(report),
            moment=Moment.of(report),
            metrics=metrics or {},
            predictions=report.predictions if has_classes else None,
            training_loss=report.training_loss,
            **known,
        )

    def values(self, criterion: str, layers: Sequence[str]) -> list[float]:
        """Return a criterion in each of these layers, or its one value if it has no layers; NaN if unknown."""
        if any(criterion in self.layers[name].scores for name in layers if name in self.layers):
            return [self.layers[name].scores.get(criterion, math.nan) for name in layers]
        return [self.scores.get(criterion, math.nan)]


def take_fingerprint(report: InformationReport) -> Fingerprint:
    """Collect what must agree with other reports, so that the report itself can be released.

    Args:
        report: A report.

    Returns:
        Field -> value. The fields are "layers" (names of all layers that were to be measured, skipped ones included),
        "probe" (digest of the inputs; None if unknown), "task" (what the network does; None without evidence),
        "settings.NAME", and for each layer "width", "units" and "samples". Rows that were dropped count as samples:
        they do not make reports incomparable.
    """
    fields: dict[Field, Hashable] = {
        "layers": tuple(sorted({*(layer.name for layer in report.layers), *report.skipped})),
        "probe": report.probe,
        "task": report.task if report.task in GIVEN_TASKS else None,
    }
    for name, value in report.settings.items():
        if name not in _IRRELEVANT_SETTINGS:
            fields[f"settings.{name}"] = tuple(value) if isinstance(value, list) else value
    for layer in report.layers:
        part = f"layer '{layer.name}'"
        fields["width", part] = layer.width
        fields["units", part] = tuple(layer.units.tolist())
        fields["samples", part] = layer.num_samples + layer.num_dropped
    return fields


def _logged_scores(metrics: Mapping[str, float]) -> dict[str, float]:
    """Find validation loss and accuracy among the metrics of a checkpoint, by the names that people give them."""
    scores: dict[str, float] = {}
    for criterion, words in (("validation_loss", {"loss"}), ("validation_accuracy", {"acc", "accuracy"})):
        for name, value in metrics.items():
            parts = set(name.lower().replace("/", "_").split("_"))
            if {"val", "valid", "validation", "eval"} & parts and words & parts:
                scores.setdefault(criterion, value)
    return scores
