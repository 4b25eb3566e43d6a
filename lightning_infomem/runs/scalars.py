"""The numbers of a report that are logged, as a flat dictionary."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, median

from torch import Tensor

from lightning_infomem.records.metric_names import DEFAULT_PREFIX, Metric, metric_name
from lightning_infomem.records.report import InformationReport, LayerInformation

__all__ = [
    "OF_EACH_LAYER",
    "OF_EVERY_MEASUREMENT",
    "drop_error",
    "layer_measures",
    "mutual_information_drop",
    "scalars",
]

# What is logged of each layer and over all of them, and what is logged over all layers only, at every measurement.
OF_EACH_LAYER = (
    Metric.ENTROPY_MEAN,
    Metric.ENTROPY_MEDIAN,
    Metric.MI_MEAN,
    Metric.MI_MEDIAN,
    Metric.MI_P95,
    Metric.MI_DROP,
    Metric.MI_DROP_ERROR,
    Metric.SMOOTHNESS,
    Metric.DEAD_FRACTION,
    Metric.TIE_FRACTION,
)
OF_EVERY_MEASUREMENT = (
    Metric.SAMPLES,
    Metric.LAYERS_MEASURED,
    Metric.SECONDS,
    Metric.DRAWING_SECONDS,
    Metric.SMOOTHNESS_DROP,
    Metric.CONSENSUS_DROP,
    Metric.CONSENSUS_DROP_ERROR,
    Metric.MEMORIZING,
)


def scalars(report: InformationReport, *, prefix: str = DEFAULT_PREFIX) -> dict[str, float]:
    """Return the measures of a report by name, per layer and over all layers; entropy and mutual information in nats.

    The value over all layers is the mean over those that were measured, whatever their widths; ``layers_measured`` is
    their number. Values that are not finite are left out; a layer with one unit, for example, has no pair.

    Args:
        report: The measures.
        prefix: First part of every name.

    Returns:
        Name -> value: for each layer and over all layers ``entropy_mean``, ``entropy_median``, ``mi_mean``,
        ``mi_median``, ``mi_p95`` (95th percentile over pairs), ``dead_fraction`` and ``tie_fraction``; also
        ``samples``, ``layers_measured`` and ``seconds``. Of a classification also ``smoothness`` (of the predicted
        classes, see `prediction_smoothness`) and, over all layers only, ``confidence`` (mean highest probability).
    """
    by_layer = {layer.name: layer_measures(layer) for layer in report.layers}
    if report.task != "classification":
        for measures in by_layer.values():
            del measures[Metric.SMOOTHNESS]
    values = {
        metric_name(prefix, measure, name): value
        for name, measures in by_layer.items()
        for measure, value in measures.items()
    }
    for measure in dict.fromkeys(measure for measures in by_layer.values() for measure in measures):
        found = (measures.get(measure, math.nan) for measures in by_layer.values())
        over_layers = [value for value in found if math.isfinite(value)]
        if over_layers:
            values[metric_name(prefix, measure)] = fmean(over_layers)
    values[metric_name(prefix, Metric.SAMPLES)] = float(min((layer.num_samples for layer in report.layers), default=0))
    values[metric_name(prefix, Metric.LAYERS_MEASURED)] = float(len(report.layers))
    values[metric_name(prefix, Metric.SECONDS)] = report.seconds
    if report.task == "classification":
        values[metric_name(prefix, Metric.CONFIDENCE)] = report.scores.get("mean_confidence", math.nan)
    return {name: value for name, value in values.items() if math.isfinite(value)}


def mutual_information_drop(
    history: Sequence[Mapping[str, float]], layers: Sequence[str], *, prefix: str = DEFAULT_PREFIX
) -> dict[str, float]:
    """Return how far mean mutual information has fallen from its highest value in a run, as a share of that value.

    It rises while a network learns what inputs have in common, and falls when it begins to store single examples. It is
    a trend to look at, not a verdict.

    Args:
        history: Scalars of every measurement of the run, the current one last.
        layers: Names of the layers.
        prefix: Prefix of the names in ``history``.

    Returns:
        ``mi_drop`` of each layer that has a value now, and the median over these; 0 at a maximum, and while no maximum
        is positive.
    """
    drops: dict[str, float] = {}
    for layer in layers:
        name = metric_name(prefix, Metric.MI_MEAN, layer)
        course = [values[name] for values in history if math.isfinite(values.get(name, math.nan))]
        if course and math.isfinite(history[-1].get(name, math.nan)):
            highest = max(course)
            drops[metric_name(prefix, Metric.MI_DROP, layer)] = (highest - course[-1]) / highest if highest > 0 else 0.0
    return {**drops, metric_name(prefix, Metric.MI_DROP): median(drops.values())} if drops else {}


def drop_error(units: Tensor, highest: Tensor) -> float:
    """Return the standard error of a `mutual_information_drop` over units.

    Args:
        units: Mean mutual information of each unit with the others now, float64 ``[units]``.
        highest: The same for the same units when their mean was highest.

    Returns:
        Standard error of the first-order part of a ratio of two U-statistics, as a share of the highest value; NaN for
        fewer than two finite units, or a highest value that is not positive.
    """
    known = units.isfinite() & highest.isfinite()
    now, before = units[known], highest[known]
    if len(now) < 2 or before.mean() <= 0:
        return math.nan
    parts = (now - now.mean() * before / before.mean()) / before.mean()
    return float(2 * parts.std() / math.sqrt(len(parts)))


def layer_measures(layer: LayerInformation) -> dict[str, float]:
    """Return the measures of one layer by name; those of units or pairs are missing if none is finite."""
    entropy, pairs = layer.finite_entropy(), layer.pairs()
    measures: dict[str, float] = {
        Metric.DEAD_FRACTION: layer.dead_fraction,
        Metric.TIE_FRACTION: layer.tie_fraction,
        Metric.SMOOTHNESS: layer.scores.get("class_smoothness", math.nan),
    }
    for values, mean, middle in (
        (entropy, Metric.ENTROPY_MEAN, Metric.ENTROPY_MEDIAN),
        (pairs, Metric.MI_MEAN, Metric.MI_MEDIAN),
    ):
        if len(values):
            measures |= {mean: values.mean().item(), middle: values.quantile(0.5).item()}
    if len(pairs):
        measures[Metric.MI_P95] = pairs.quantile(0.95).item()
    return measures
