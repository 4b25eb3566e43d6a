"""Histograms and figures for Weights & Biases."""

from __future__ import annotations

from typing import Any

from lightning_infomem.reporting.pictures import Pictures

__all__ = ["to_wandb"]

_X_AXIS = "trainer/global_step"  # as Lightning's WandbLogger names it


def to_wandb(logger: Any, pictures: Pictures) -> None:
    """Log them as one row of a WandbLogger's run; a histogram is 64 counts."""
    import wandb  # late, because it need not be installed unless its logger is used

    row: dict[str, Any] = {_X_AXIS: pictures.step}
    for name in pictures.histograms:
        row[name] = wandb.Histogram(np_histogram=pictures.binned(name))
    for name, figure in pictures.figures.items():
        row[name] = wandb.Image(figure)
    # Without step=, which is W&B's count of calls: it drops rows with a lower one.
    if len(row) > 1:
        logger.experiment.log(row)
