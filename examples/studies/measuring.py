"""Measure one network on one probe, without labels."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from lightning_infomem.functional import correlation, pairwise_mutual_information, prediction_smoothness
from lightning_infomem.functional.baselines import mean_over_pairs
from lightning_infomem.functional.pairs import jackknife_error
from lightning_infomem.measurement import catch, measure_caught
from lightning_infomem.records.report import LayerInformation
from lightning_infomem.sampling.ranks import Ranks, bring_together
from lightning_infomem.settings import MeasurementSettings

__all__ = ["NUM_PROBE", "mean_and_error", "measure_probe", "residuals", "within_classes"]

NUM_PROBE = 500
MIN_ROWS = 30  # minimum size of a predicted class, for k = 3
_SURE = 1e3  # a logit whose probability rounds to 1
_ROUNDING = 1e-5  # relative float32 residual of a unit that is linear in the logits

_SETTINGS = MeasurementSettings(max_samples=NUM_PROBE, max_units=32)
_SCORES = (
    "mean_correlation",
    "rankme",
    "participation_ratio",
    "entropy_network_range",
    "entropy_layer_range",
    "entropy_unit_range",
)
_CHUNK = 250  # rows per forward pass


def measure_probe(network: nn.Module, inputs: Tensor, layers: dict[str, nn.Module]) -> dict[str, object]:
    """Measure a network on unlabelled inputs.

    Args:
        network: Any network. It runs in evaluation mode, and its mode is restored.
        inputs: ``[examples, ...]``. int64 words are passed with a mask of the positions that are not padding.
        layers: Name -> module.

    Returns:
        ``predictions``: mean confidence and other scores; ``predicted``: the class of each input; ``layers``: layer ->
        measure -> its mean over pairs of units (nats) or its value, and with the suffix ``_error`` its jackknife
        standard error over units, if there is one.

    Raises:
        ValueError: The logits are not finite.
    """
    batches: list[object] = [
        rows if rows.is_floating_point() else {"inputs": rows, "attention_mask": rows != 0}
        for rows in inputs.split(_CHUNK)
    ]
    caught = bring_together(catch(network, batches, list(layers), _SETTINGS).tap, Ranks())
    logits = caught.logits
    if not logits.numel() or not bool(logits.isfinite().all()):
        raise ValueError(f"network: finite logits are required, got {tuple(logits.shape)}, some not finite.")
    report = measure_caught(caught, _SETTINGS)
    measured = {layer.name: _measures(layer, caught.samples[layer.name], logits) for layer in report.layers}
    return {"predictions": dict(report.scores), "predicted": logits.argmax(1).tolist(), "layers": measured}


def residuals(samples: Tensor, logits: Tensor) -> Tensor:
    """Subtract each unit's linear fit on the logits: float64 ``[samples, units]``, 0 if only rounding is left."""
    units, outputs = samples.double(), logits.double()
    units, outputs = units - units.mean(0), outputs - outputs.mean(0)
    basis, sizes, _ = torch.linalg.svd(outputs, full_matrices=False)
    basis = basis[:, sizes > _ROUNDING * sizes[0]]  # with two classes, one logit is often the negative of the other
    left = units - basis @ (basis.T @ units)
    return left.masked_fill(left.norm(dim=0) <= _ROUNDING * units.norm(dim=0), 0.0)


def within_classes(samples: Tensor, predicted: Tensor) -> tuple[Tensor, float]:
    """Measure the mutual information of pairs of units within predicted classes.

    Args:
        samples: ``[samples, units]``.
        predicted: int64 ``[samples]``.

    Returns:
        float64 ``[units, units]`` in nats, the mean over classes with at least `MIN_ROWS` samples, weighted by their
        numbers of samples (NaN if there is none), and the share of the samples in these classes.
    """
    total, rows_used = torch.zeros(samples.shape[1], samples.shape[1], dtype=torch.float64), 0
    for label in predicted.unique():
        rows = samples[predicted == label]
        if len(rows) >= MIN_ROWS:
            total += len(rows) * pairwise_mutual_information(rows)
            rows_used += len(rows)
    return (total / rows_used if rows_used else total.fill_(math.nan)), rows_used / len(samples)


def mean_and_error(matrix: Tensor) -> tuple[float, float]:
    """Return the mean over pairs of different units and its jackknife standard error; NaN if a pair is not finite."""
    pairs = torch.triu_indices(len(matrix), len(matrix), offset=1)
    values = matrix[pairs[0], pairs[1]]
    if not bool(values.isfinite().all()):
        return math.nan, math.nan
    return values.mean().item(), jackknife_error(pairs.T, values)


def _measures(layer: LayerInformation, samples: Tensor, logits: Tensor) -> dict[str, float]:
    left = residuals(samples, logits)
    within, share = within_classes(samples, logits.argmax(1))
    values: dict[str, float] = {name: layer.scores[name] for name in _SCORES}
    values["smoothness"] = prediction_smoothness(samples, logits).item()
    surely = (
        one_hot(logits.argmax(1), logits.shape[1]) * _SURE
    )  # the same for predicted classes, regardless of confidence
    values["class_smoothness"] = prediction_smoothness(samples, surely).item()
    values["copula"] = layer.scores["gaussian_mutual_information"]
    values["copula_error"] = layer.scores["gaussian_mutual_information_error"]
    values["residual_correlation"] = mean_over_pairs(correlation(left).abs())
    values["residual_share"] = (left.square().sum() / (samples.double().var(0, correction=0).sum() * len(left))).item()
    values["within_rows"] = share
    values["dead_fraction"] = layer.dead_fraction
    matrices = {
        "mi": layer.mutual_information,
        "residual_mi": pairwise_mutual_information(left.float()),
        "within_mi": within,
    }
    for name, matrix in matrices.items():
        values[name], values[f"{name}_error"] = mean_and_error(matrix)
    return values
