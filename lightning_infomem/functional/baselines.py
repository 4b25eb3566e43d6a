"""Cheap baseline measures of activations and predictions, with which every ranking is compared."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from lightning_infomem.functional.confidence import mean_confidence, nuclear_norm, softmax_entropy
from lightning_infomem.functional.correlation import correlation
from lightning_infomem.functional.dispersion_score import dispersion_score
from lightning_infomem.functional.entropy import binned_entropy
from lightning_infomem.functional.gaussian_copula import gaussian_copula_information
from lightning_infomem.functional.mano import mano
from lightning_infomem.functional.pairs import jackknife_error
from lightning_infomem.functional.smoothness import prediction_smoothness
from lightning_infomem.functional.spectrum import alpha_req, participation_ratio, rankme
from lightning_infomem.functional.standardization import scale_to_one

__all__ = [
    "class_dispersion",
    "class_smoothness",
    "layer_baselines",
    "mean_over_pairs",
    "predicted_classes",
    "prediction_baselines",
]

_CERTAIN = 1e3  # a logit whose probability is 1


def layer_baselines(samples: Tensor, *, bins: int, network_range: tuple[float, float]) -> dict[str, float]:
    """Compute the baselines of one layer.

    Args:
        samples: ``[samples, units]``, finite.
        bins: Number of histogram bins for the entropies.
        network_range: Lowest and highest value over all layers.

    Returns:
        Name -> value; NaN if undefined. ``gaussian_mutual_information`` (nats, mean over pairs) with its
        ``gaussian_mutual_information_error`` (jackknife over units), ``mean_correlation`` (mean magnitude over pairs),
        ``rankme``, ``participation_ratio``, ``alpha_req``, ``range_in_deviations`` (the network range in standard
        deviations of all values of the layer; large if there are outliers), and the mean entropy for each range of
        the bins: ``entropy_network_range``, ``entropy_layer_range``, ``entropy_unit_range``.

    Cost:
        An eigenvalue decomposition of ``[units, units]``.
    """
    # All but the entropies are scale-invariant; scaling by a power of two keeps their squares within float64.
    scaled = scale_to_one(samples.double(), samples.double().abs().amax())
    information = gaussian_copula_information(scaled).cpu()
    pairs = torch.triu_indices(len(information), len(information), offset=1)
    values: dict[str, float | Tensor] = {
        "gaussian_mutual_information": mean_over_pairs(information),
        "gaussian_mutual_information_error": jackknife_error(pairs.T, information[pairs[0], pairs[1]]),
        "mean_correlation": mean_over_pairs(correlation(scaled).abs()),
        "rankme": rankme(scaled),
        "participation_ratio": participation_ratio(scaled),
        "alpha_req": alpha_req(scaled),
        "range_in_deviations": (network_range[1] - network_range[0]) / samples.double().std(),
    }
    ranges: dict[str, str | tuple[float, float]] = {"network": network_range, "layer": "layer", "unit": "unit"}
    for name, value_range in ranges.items():
        values[f"entropy_{name}_range"] = binned_entropy(samples, bins=bins, value_range=value_range).mean()
    return {name: float(value) for name, value in values.items()}


def mean_over_pairs(matrix: Tensor) -> float:
    """Mean of a symmetric ``[units, units]`` over all pairs of different units; NaN for one unit."""
    first, second = torch.triu_indices(len(matrix), len(matrix), offset=1)
    return matrix[first.to(matrix.device), second.to(matrix.device)].mean().item()


def prediction_baselines(logits: Tensor) -> dict[str, float]:
    """Compute the baselines of the predictions.

    Args:
        logits: ``[samples, classes]``; rows that are not finite are ignored.

    Returns:
        ``mean_confidence``, ``softmax_entropy`` (nats), ``nuclear_norm`` and ``mano``; empty without
        classes or finite rows.
    """
    finite = logits[logits.isfinite().all(1)] if logits.shape[1] > 1 else logits[:0]
    if not len(finite):
        return {}
    measures = (mean_confidence, softmax_entropy, nuclear_norm, mano)
    return {measure.__name__: float(measure(finite)) for measure in measures}


def predicted_classes(logits: Tensor) -> Tensor | None:
    """Class of the highest logit, int32 ``[samples]`` on the CPU.

    A row that is not finite gives -1. The result is None with fewer than two classes or no rows.
    """
    if logits.shape[1] < 2 or not len(logits):
        return None
    return logits.argmax(1).masked_fill(~logits.isfinite().all(1), -1).int().cpu()


def class_smoothness(samples: Tensor, classes: Tensor) -> float:
    """Compute `prediction_smoothness` of the predicted classes, ignoring how confident the network is.

    Args:
        samples: Activations of a layer, ``[samples, units]``.
        classes: Predicted classes; see `predicted_classes`.

    Returns:
        The value; NaN if undefined, as when all predictions are equal.
    """
    known = (classes >= 0).to(samples.device)
    names, index = torch.unique(classes[classes >= 0], return_inverse=True)
    if len(names) < 2:
        return math.nan
    certain = one_hot(index, len(names)).to(samples.device) * _CERTAIN
    try:
        return prediction_smoothness(samples[known], certain).item()
    except ValueError:  # too few finite rows
        return math.nan


def class_dispersion(samples: Tensor, classes: Tensor) -> float:
    """Compute `dispersion_score` of the predicted classes, without rows that are not finite.

    Args:
        samples: Activations of a layer, ``[samples, units]``.
        classes: Predicted classes; see `predicted_classes`.

    Returns:
        The value; NaN if undefined, as when all predictions are equal.
    """
    known = (classes.to(samples.device) >= 0) & samples.isfinite().all(1)
    if not bool(known.any()):
        return math.nan
    return float(dispersion_score(samples[known], classes.to(samples.device)[known]))
