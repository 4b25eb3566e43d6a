"""Histograms and figures for the loggers that have them."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from matplotlib.figure import Figure

from lightning_infomem.records import InformationReport
from lightning_infomem.reporting.metric_names import DEFAULT_PREFIX, metric_name

__all__ = ["log_report"]

_log = logging.getLogger(__name__)
_warned: set[str] = set()


def log_report(
    loggers: Iterable[Any],
    report: InformationReport,
    figure: Callable[[], Figure],
    *,
    step: int,
    prefix: str = DEFAULT_PREFIX,
) -> None:
    """Give every logger the histograms and the figure of a report, as far as it has them.

    A logger that takes scalars only is named once in a warning. A logger that fails is named in the log: logging
    never stops a training.

    Args:
        loggers: of the Trainer.
        report: the measures.
        figure: draws the figure of the report; called once, and only if some logger shows figures.
        step: place on the x-axis, the one of the scalars.
        prefix: first part of the names.
    """
    drawn: Figure | None = None
    for logger in loggers:
        kind = type(logger).__name__
        if kind != "TensorBoardLogger":
            if kind not in _warned and kind != "DummyLogger":  # which stands in for all during fast_dev_run
                _warned.add(kind)
                warnings.warn(
                    f"{kind}: histograms and figures of {prefix} are written to TensorBoardLogger only; "
                    "this logger gets the scalars.",
                    stacklevel=2,
                )
            continue
        drawn = drawn or figure()
        try:
            _to_tensorboard(logger.experiment, report, drawn, step, prefix)
        except Exception as fault:  # a full disk or a closed writer is not worth a training run
            _log.warning("%s did not take the histograms of %s: %s", kind, prefix, fault)


def _to_tensorboard(writer: Any, report: InformationReport, figure: Figure, step: int, prefix: str) -> None:
    for layer in report.layers:
        for measure, values in (("entropy", layer.finite_entropy()), ("mi", layer.pairs())):
            if len(values):
                writer.add_histogram(metric_name(prefix, measure, layer.name), values, step)
    writer.add_figure(metric_name(prefix, "layers"), figure, step, close=False)
