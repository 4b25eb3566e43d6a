"""A report with one of everything that loggers must live with, and what they must show of it."""

import math

import torch

from lightning_infomem.plots.layers import plot_layers
from lightning_infomem.records.report import InformationReport, LayerInformation
from lightning_infomem.reporting.loggers import log_pictures
from lightning_infomem.reporting.pictures import Pictures
from lightning_infomem.settings import MeasurementSettings

STEP = 123


def layer(name, entropy, information):
    """Units of these entropies, whose pairs have this mutual information in the order of the upper triangle."""
    units = len(entropy)
    matrix = torch.full((units, units), 9.0, dtype=torch.float64)
    first, second = torch.triu_indices(units, units, offset=1)
    matrix[first, second] = matrix[second, first] = torch.tensor(information, dtype=torch.float64)
    measures = torch.tensor(entropy, dtype=torch.float64), matrix
    return LayerInformation(name, units, torch.arange(units), *measures, (0.0, 1.0), 0.0, 0.0, 100, 0)


REPORT = InformationReport(
    (
        layer("plain", [1.0, 2.0, 2.5, 3.0], [0.1, 0.2, 0.3, 0.4, 0.5, 0.7]),
        layer("rounded", [2.0, math.nextafter(2.0, 3.0), 2.0], [0.1, 0.1, 0.1]),  # numpy has no bins for these
        layer("missing", [math.nan, 1.0, math.inf], [math.nan, math.nan, 0.25]),
        layer("nothing", [math.nan], []),
    ),
    MeasurementSettings().to_state(),
    "reference",
)
# Number of finite values.
HISTOGRAMS = {
    "infomem/plain/entropy": 4,
    "infomem/plain/mi": 6,
    "infomem/rounded/entropy": 3,
    "infomem/rounded/mi": 3,
    "infomem/missing/entropy": 1,
    "infomem/missing/mi": 1,
}
FIGURE = "infomem/layers"


VALUES = {"infomem/mi_mean": 0.25, "infomem/entropy_mean": 1.5, "infomem/smoothness": 0.75}


def log(*loggers, report=REPORT, figure=None, step=STEP):
    figures = {"layers": figure or (lambda: plot_layers(report))}
    return log_pictures(loggers, Pictures(figures, step, "infomem", report, VALUES))
