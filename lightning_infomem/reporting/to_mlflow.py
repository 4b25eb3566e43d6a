"""Histograms and figures for MLflow."""

from __future__ import annotations

from typing import Any

from lightning_infomem.records.metric_names import Metric, metric_name
from lightning_infomem.reporting.pictures import Pictures

__all__ = ["to_mlflow"]


def to_mlflow(logger: Any, pictures: Pictures) -> None:
    """Store them as artifacts of an MLFlowLogger's run, because MLflow has no histograms.

    At step 123, a figure is ``infomem/layers/step_000123.png``, and ``infomem/histograms/step_000123.json`` holds all
    histograms: name -> ``counts`` (64) and ``edges`` (65, nats).
    """
    client, run = logger.experiment, logger.run_id
    file = f"step_{pictures.step:06d}"  # sorts by time
    binned = {name: pictures.binned(name) for name in pictures.histograms}
    if binned:
        counted = {
            name: {"counts": counts.tolist(), "edges": edges.tolist()} for name, (counts, edges) in binned.items()
        }
        client.log_dict(run, counted, f"{metric_name(pictures.prefix, Metric.HISTOGRAMS)}/{file}.json")
    for name, figure in pictures.figures.items():
        client.log_figure(run, figure, f"{name}/{file}.png")
