"""Histograms and figures for the loggers that have them."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from lightning_infomem.records.metric_names import DEFAULT_PREFIX, Metric, metric_name
from lightning_infomem.records.report import InformationReport
from lightning_infomem.reporting.pictures import Drawing, Pictures, draw_figures, picture
from lightning_infomem.reporting.tensorboard_setup import Watched, introduce_to_tensorboard, log_final_measures
from lightning_infomem.reporting.to_comet import to_comet
from lightning_infomem.reporting.to_mlflow import to_mlflow
from lightning_infomem.reporting.to_tensorboard import to_tensorboard
from lightning_infomem.reporting.to_wandb import to_wandb

__all__ = ["conclude", "introduce", "log_figures", "log_report"]

_Adapter = Callable[[Any, Pictures], None]

# By name: Lightning's two packages hold two classes of each, and what nobody uses need not be installed.
_ADAPTERS: Mapping[str, _Adapter] = {
    "TensorBoardLogger": to_tensorboard,
    "WandbLogger": to_wandb,
    "MLFlowLogger": to_mlflow,
    "CometLogger": to_comet,
}
# What Lightning puts in the place of a logger during fast_dev_run, and of its experiment on every rank but the first.
_STAND_IN_LOGGER, _STAND_IN_EXPERIMENT = "DummyLogger", "_DummyExperiment"

_log = logging.getLogger(__name__)
_warned: set[str] = set()


def log_report(
    loggers: Iterable[Any],
    report: InformationReport,
    figures: Mapping[str, Drawing],
    values: Mapping[str, float],
    *,
    step: int,
    prefix: str = DEFAULT_PREFIX,
) -> float:
    """Give every logger the histograms and the figures of a measurement, as far as it has them.

    In TensorBoard, W&B and Comet they stand beside the scalars. In MLflow they are artifacts of the run, at each step a
    file a figure and one for all histograms. A logger of another kind is named once in a warning. A logger that fails
    is named in the log: logging never stops a training. TensorBoard gets the means over all layers once more, in the
    group that it shows first.

    Args:
        loggers: of the Trainer; known by the name of their class, or of one that it inherits from.
        report: the measures; what is not finite is left out, and so is a histogram of nothing.
        figures: the last part of its name -> draws a figure; called once, and only if some logger shows figures.
        values: the scalars of the measurement.
        step: place on the x-axis, the one of the scalars.
        prefix: first part of the names.

    Returns:
        The seconds that all of it took; next to nothing where no logger shows any.
    """
    return _log_pictures(loggers, lambda: picture(report, figures, values, step=step, prefix=prefix), prefix)


def log_figures(loggers: Iterable[Any], figures: Mapping[str, Drawing], *, step: int, prefix: str) -> float:
    """Give every logger figures alone; see `log_report`."""

    def draw() -> Pictures:
        return Pictures({}, draw_figures(figures, prefix), {}, metric_name(prefix, Metric.HISTOGRAMS), step)

    return _log_pictures(loggers, draw, prefix)


def _log_pictures(loggers: Iterable[Any], make: Callable[[], Pictures], prefix: str) -> float:
    start = time.perf_counter()
    pictures: Pictures | None = None
    for logger in loggers:
        kind = type(logger).__name__
        adapter = _adapter(logger)
        if adapter is None:
            _warn_once(kind, prefix)
            continue
        try:
            if _is_stand_in(logger):
                continue
            if pictures is None:
                pictures = make()
            adapter(logger, pictures)
        except Exception as fault:  # a full disk or a closed writer is not worth a training run
            _log.warning("%s did not take the histograms and figures of %s: %s", kind, prefix, fault)
    return time.perf_counter() - start


def introduce(loggers: Iterable[Any], watched: Sequence[Watched]) -> None:
    """Before the first measurement, tell TensorBoard what will come and what it means; see `introduce_to_tensorboard`.

    Args:
        loggers: Loggers of the Trainer. Those of another kind are passed over, and one that fails is named in the log.
        watched: What each monitor of the run measures.
    """
    _give_tensorboards(loggers, lambda logger: introduce_to_tensorboard(logger, watched), "introduction to its numbers")


def conclude(loggers: Iterable[Any], measures: Mapping[str, float], *, step: int) -> None:
    """After the last measurement, give TensorBoard the row of this run; see `log_final_measures`.

    Args:
        loggers: Loggers of the Trainer. Those of another kind are passed over, and one that fails is named in the log.
        measures: Last value of each measure, by its logged name.
        step: Place on the x-axis, the one of the scalars.
    """
    _give_tensorboards(loggers, lambda logger: log_final_measures(logger, measures, step=step), "last measures")


def _give_tensorboards(loggers: Iterable[Any], give: Callable[[Any], None], what: str) -> None:
    for logger in loggers:
        try:
            if _adapter(logger) is to_tensorboard and not _is_stand_in(logger):
                give(logger)
        except Exception as fault:  # a closed writer is not worth a training run
            _log.warning("%s did not take the %s: %s", type(logger).__name__, what, fault)


def _is_stand_in(logger: Any) -> bool:
    return type(logger.experiment).__name__ == _STAND_IN_EXPERIMENT


def _adapter(logger: Any) -> _Adapter | None:
    names = (ancestor.__name__ for ancestor in type(logger).__mro__)
    return next((_ADAPTERS[name] for name in names if name in _ADAPTERS), None)


def _warn_once(kind: str, prefix: str) -> None:
    if kind in _warned or kind == _STAND_IN_LOGGER:
        return
    _warned.add(kind)
    warnings.warn(
        f"{kind}: histograms and figures of {prefix} are written to {', '.join(_ADAPTERS)} only; "
        "this logger gets the scalars.",
        stacklevel=4,
    )
