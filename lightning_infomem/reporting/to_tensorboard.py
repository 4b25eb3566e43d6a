"""Histograms, figures and the first group for TensorBoard."""

from __future__ import annotations

from typing import Any

from lightning_infomem.reporting.pictures import Pictures

__all__ = ["to_tensorboard"]


def to_tensorboard(logger: Any, pictures: Pictures) -> None:
    """Add them to the event file of a TensorBoardLogger."""
    writer = logger.experiment
    for name, value in pictures.overview.items():
        writer.add_scalar(name, value, pictures.step)
    for name, values in pictures.histograms.items():
        _, edges = pictures.binned(
            name
        )  # the writer's default bins grow by a tenth each and are too wide for entropies
        writer.add_histogram(name, values, pictures.step, bins=edges)
    for name, figure in pictures.figures.items():
        writer.add_figure(name, figure, pictures.step, close=False)
