"""The names that both callbacks promise to log."""

MEASURES = [
    "dead_fraction",
    "entropy_mean",
    "entropy_median",
    "mi_drop",
    "mi_drop_error",
    "mi_mean",
    "mi_median",
    "mi_p95",
    "smoothness",
    "tie_fraction",
]


OF_THE_RUN = [
    "samples",
    "layers_measured",
    "seconds",
    "drawing_seconds",
    "age",
    "confidence",
    "smoothness_drop",
    "consensus_drop",
    "consensus_drop_error",
    "memorizing",
]


def names_over_layers(prefix="infomem"):
    return {f"{prefix}/{measure}" for measure in [*MEASURES, *OF_THE_RUN]}


def names_by_layer(layers, prefix="infomem"):
    return {f"{prefix}/{layer}/{measure}" for layer in layers for measure in MEASURES}
