"""Histograms and figures for Weights & Biases."""

from __future__ import annotations

from typing import Any

from lightning_infomem.reporting.pictures import Pictures

__all__ = ["to_wandb"]

_X_AXIS = "trainer/global_step"  # so Lightning's WandbLogger names it for all that is logged


def to_wandb(logger: Any, pictures: Pictures) -> None:
    """Log them as one row of a WandbLogger's run; histograms are counted here, 64 numbers each."""
    import wandb  # only here: it need not be installed where its logger is not used

    row: dict[str, Any] = {_X_AXIS: pictures.step}
    for name in pictures.histograms:
        row[name] = wandb.Histogram(np_histogram=pictures.binned(name))
    for name, figure in pictures.figures.items():
        row[name] = wandb.Image(figure)
    # Without step=: that is W&B's own count of calls, and rows that come with a lower one are dropped.
    logger.experiment.log(row)
