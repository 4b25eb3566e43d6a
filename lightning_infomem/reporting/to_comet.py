"""Histograms and figures for Comet."""

from __future__ import annotations

from typing import Any

from lightning_infomem.reporting.pictures import Pictures

__all__ = ["to_comet"]


def to_comet(logger: Any, pictures: Pictures) -> None:
    """Log them to the experiment of a CometLogger, which stacks the histograms of one name along the steps."""
    experiment = logger.experiment
    for name, values in pictures.histograms.items():
        experiment.log_histogram_3d(values, name=name, step=pictures.step)
    for name, figure in pictures.figures.items():
        experiment.log_figure(figure_name=name, figure=figure, step=pictures.step)
