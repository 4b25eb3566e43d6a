"""The names of logged values."""

from __future__ import annotations

import re
from enum import Enum
from hashlib import blake2b
from typing import NamedTuple

from lightning_infomem._errors import UsageTypeError, UsageValueError

__all__ = [
    "DEFAULT_PREFIX",
    "OVERVIEW_MEASURES",
    "Metric",
    "MetricName",
    "check_prefix",
    "logged_name",
    "metric_name",
    "overview_name",
]

DEFAULT_PREFIX = "infomem"
_REFUSED = re.compile(r"[^A-Za-z0-9_. -]")  # by one logger or another, within a part of a name


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
    LAYERS_MEASURED = "layers_measured"
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
    def of(cls, name: str, prefix: str = DEFAULT_PREFIX) -> MetricName | None:
        """Split a name into its parts; None if `metric_name` did not make it with this prefix.

        >>> MetricName.of("a/b/fc.0/mi_mean", prefix="a/b")
        MetricName(prefix='a/b', layer='fc.0', measure='mi_mean')
        """
        if not name.startswith(f"{prefix}/"):
            return None
        parts = name.removeprefix(f"{prefix}/").split("/")  # neither layer nor measure contains a slash
        if len(parts) > 2 or parts != list(map(logged_name, parts)):
            return None
        return cls(prefix, parts[0] if len(parts) == 2 else None, parts[-1])


def check_prefix(prefix: str) -> str:
    """Return a prefix whose names all loggers accept as they are.

    Raises:
        TypeError: It is no string.
        ValueError: It is empty, has characters that a logger refuses, or empty parts between slashes.
    """
    if not isinstance(prefix, str):
        raise UsageTypeError(f"prefix: a string is required, got {type(prefix).__name__} {prefix!r}.")
    if not all(prefix.split("/")) or any(map(_REFUSED.search, prefix.split("/"))):
        raise UsageValueError(
            "prefix: letters from A to Z, digits, '_', '.', '-' and spaces, in parts that may be divided by '/', are "
            f"required, got {prefix!r}; loggers refuse other names."
        )
    return prefix


def metric_name(prefix: str, measure: str, layer: str | None = None) -> str:
    """Return ``prefix/measure`` for all layers or ``prefix/layer/measure`` for one, in characters for all loggers.

    The prefix has to be one that `check_prefix` accepts.

    >>> metric_name("infomem", Metric.MI_MEAN, "encoder.0"), metric_name("probe/val", Metric.MI_MEAN)
    ('infomem/encoder.0/mi_mean', 'probe/val/mi_mean')
    """
    parts = [measure] if layer is None else [layer, measure]
    return "/".join([prefix, *map(logged_name, parts)])


def logged_name(name: str) -> str:
    """Return one part of a name, such as a layer, in characters that all loggers accept.

    Where characters are replaced, digits that depend on the whole name keep two names apart.

    >>> logged_name("encoder.0"), logged_name("user:age"), logged_name("user@age")
    ('encoder.0', 'user_age-4cf1b333', 'user_age-202d6947')
    """
    plain = _REFUSED.sub("_", name)
    if plain == name:
        return name
    return f"{plain}-{blake2b(name.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"


def overview_name(prefix: str, what: str) -> str:
    """Return a name in the group that TensorBoard shows first.

    TensorBoard sorts groups by their characters and opens the first ones; there is no other way to choose them. The
    leading space, which browsers do not show, sorts before every letter, so that "Accuracy", "Loss" and "epoch" follow.

    >>> overview_name("infomem", "entropy in nats"), overview_name("probe", "entropy in nats")
    (' Memorization/entropy in nats', ' Memorization probe/entropy in nats')
    """
    group = " Memorization" if prefix == DEFAULT_PREFIX else f" Memorization {prefix}"
    return f"{group}/{what}"
