"""The published numbers of Bansal, Pruthi and Belinkov (NeurIPS 2022), for comparison with ours."""

from __future__ import annotations

__all__ = ["TABLE_2", "TABLE_4", "TABLE_5", "TABLE_5_ORDER", "TABLE_6"]

# Kendall's tau between the rankings by a measure and by an extrinsic metric: experiment -> metric -> measure -> tau.
TABLE_2: dict[str, dict[str, dict[str, float]]] = {
    "sentiment-adjectives": {"validation_accuracy": {"entropy": 0.80, "mutual_information": 0.80}},
    "colored-mnist": {"validation_accuracy": {"entropy": 1.00, "mutual_information": 1.00}},
    "bias-in-bios": {
        "compression": {"entropy": 0.47, "mutual_information": 0.60},
        "tpr_gap": {"entropy": 0.20, "mutual_information": 0.07},
        "sufficiency_gap": {"entropy": 0.20, "mutual_information": 0.33},
    },
    "shuffled-imdb": {"validation_accuracy": {"entropy": 0.60, "mutual_information": 0.80}},
    "shuffled-mnist": {"validation_accuracy": {"entropy": 1.00, "mutual_information": 1.00}},
}

# Magnitude of Pearson's correlation over levels of a measure with a norm or accuracy.
TABLE_4: dict[str, dict[str, dict[str, float]]] = {
    "colored-mnist": {
        "2-norm": {"entropy": 0.31, "mutual_information": 0.14},
        "Frobenius": {"entropy": 0.50, "mutual_information": 0.31},
        "path-norm": {"entropy": 0.58, "mutual_information": 0.30},
        "validation_accuracy": {"entropy": 0.96, "mutual_information": 0.85},
    },
    "shuffled-mnist": {
        "2-norm": {"entropy": 0.96, "mutual_information": 1.00},
        "Frobenius": {"entropy": 0.99, "mutual_information": 0.95},
        "path-norm": {"entropy": 0.98, "mutual_information": 0.94},
        "validation_accuracy": {"entropy": 0.87, "mutual_information": 0.70},
    },
}

# Bias-in-Bios: tau between all metrics over its six networks, in this order.
TABLE_5_ORDER = (
    "compression",
    "tpr_gap",
    "fpr_gap",
    "separation_gap",
    "sufficiency_gap",
    "entropy",
    "mutual_information",
)
TABLE_5: tuple[tuple[float, ...], ...] = (
    (1.00, 0.47, 0.60, 0.47, 0.47, 0.47, 0.60),
    (0.47, 1.00, 0.87, 0.73, 0.73, 0.20, 0.07),
    (0.60, 0.87, 1.00, 0.60, 0.60, 0.07, 0.20),
    (0.47, 0.73, 0.60, 1.00, 1.00, 0.20, 0.33),
    (0.47, 0.73, 0.60, 1.00, 1.00, 0.20, 0.33),
    (0.47, 0.20, 0.07, 0.20, 0.20, 1.00, 0.60),
    (0.60, 0.07, 0.20, 0.33, 0.33, 0.60, 1.00),
)

# Tau between the rankings by a norm and by the extrinsic metric.
TABLE_6: dict[str, dict[str, float]] = {
    "sentiment-adjectives": {"2-norm": 0.00, "Frobenius": -0.40},
    "colored-mnist": {"2-norm": -0.20, "Frobenius": 0.80, "path-norm": 0.80},
    "shuffled-imdb": {"2-norm": 1.00, "Frobenius": -1.00},
    "shuffled-mnist": {"2-norm": 0.80, "Frobenius": 1.00, "path-norm": 1.00},
}
