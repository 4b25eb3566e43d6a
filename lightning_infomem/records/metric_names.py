"""The names of logged values."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

__all__ = ["DEFAULT_PREFIX", "OVERVIEW_MEASURES", "Metric", "MetricName", "logged_name", "metric_name", "overview_name"]

DEFAULT_PREFIX = "infomem"


class Metric(str, Enum):
    """The last part of every logged name. Members are strings and can be used like their values.

    >>> Metric.MI_MEAN == "mi_mean", f"{Metric.MI_MEAN}", {"mi_mean": 0.5}[Metric.MI_MEAN]
    (True, 'mi_mean', 0.5)
    """

    # For each layer, and over all of them.
    ENTROPY_MEAN = "entropy_mean"
    ENTROPY_MEDIAN = "entropy_median"
    MI_MEAN = "mi_mean"
    MI_MEDIAN = "mi_median"
    MI_P95 = "mi_p95"
    MI_DROP = "mi_drop"
    MI_DROP_ERROR = "mi_drop_error"
    SMOOTHNESS = "smoothness"
    DEAD_FRACTION = "dead_fraction"
    TIE_FRACTION = "tie_fraction"
    # Over all layers only.
    CONFIDENCE = "confidence"
    TRAINING_CONFIDENCE = "training_confidence"
    CONFIDENCE_GAP = "confidence_gap"
    MEMORIZING = "memorizing"
    SMOOTHNESS_DROP = "smoothness_drop"
    CONSENSUS_DROP = "consensus_drop"
    CONSENSUS_DROP_ERROR = "consensus_drop_error"
    SAMPLES = "samples"
    SECONDS = "seconds"
    DRAWING_SECONDS = "drawing_seconds"
    AGE = "age"
    # Histograms of each layer, and of all layers in one file.
    ENTROPY = "entropy"
    MI = "mi"
    HISTOGRAMS = "histograms"

    def __str__(self) -> str:
        return self.value


# Measure -> its name in the first group of TensorBoard.
OVERVIEW_MEASURES = {Metric.ENTROPY_MEAN: "entropy in nats", Metric.MI_MEAN: "mutual information in nats"}


class MetricName(NamedTuple):
    """The parts of a name made by `metric_name`; ``layer`` is None for values over all layers."""

    prefix: str
    layer: str | None
    measure: str

    @classmethod
    def of(cls, name: str) -> MetricName | None:
        """Split a name into its parts; None if `metric_name` did not make it.

        >>> MetricName.of("infomem/fc.0/mi_mean")
        MetricName(prefix='infomem', layer='fc.0', measure='mi_mean')
        """
        parts = name.split("/")  # no part contains a slash
        if len(parts) not in (2, 3) or parts != list(map(logged_name, parts)):
            return None
        return cls(parts[0], parts[1] if len(parts) == 3 else None, parts[-1])


def metric_name(prefix: str, measure: str, layer: str | None = None) -> str:
    """Return ``prefix/measure`` for all layers or ``prefix/layer/measure`` for one, in characters for all loggers.

    >>> metric_name("infomem", Metric.MI_MEAN, "encoder.layers[0]")
    'infomem/encoder.layers_0_/mi_mean'
    """
    parts = [prefix, measure] if layer is None else [prefix, layer, measure]
    return "/".join(map(logged_name, parts))


def logged_name(name: str) -> str:
    """Return one part of a name, such as a layer, in characters that all loggers accept.

    >>> logged_name("encoder.layers[0]")
    'encoder.layers_0_'
    """
    return re.sub(r"[^A-Za-z0-9_. -]", "_", name)


def overview_name(prefix: str, what: str) -> str:
    """Return a name in the group that TensorBoard shows first.

    TensorBoard sorts groups by their characters and opens the first ones; there is no other way to choose them. The
    leading space, which browsers do not show, sorts before every letter, so that "Accuracy", "Loss" and "epoch" follow.

    >>> overview_name("infomem", "entropy in nats"), overview_name("probe", "entropy in nats")
    (' Memorization/entropy in nats', ' Memorization probe/entropy in nats')
    """
    group = " Memorization" if prefix == DEFAULT_PREFIX else f" Memorization {logged_name(prefix)}"
    return f"{group}/{what}"
