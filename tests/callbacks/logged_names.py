"""The names that both callbacks promise to log."""

MEASURES = [
    "dead_fraction",
    "entropy_mean",
    "entropy_median",
    "mi_drop",
    "mi_mean",
    "mi_median",
    "mi_p95",
    "tie_fraction",
]


def names_over_layers(prefix="infomem"):
    return {f"{prefix}/{measure}" for measure in [*MEASURES, "samples", "seconds", "age", "confidence"]}


def names_by_layer(layers, prefix="infomem"):
    return {f"{prefix}/{layer}/{measure}" for layer in layers for measure in MEASURES}
