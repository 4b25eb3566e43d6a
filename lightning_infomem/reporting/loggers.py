"""Histograms and figures for the loggers that support them."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from lightning_infomem.reporting.pictures import Pictures
from lightning_infomem.reporting.tensorboard_setup import Watched, introduce_to_tensorboard, log_final_measures
from lightning_infomem.reporting.to_comet import to_comet
from lightning_infomem.reporting.to_mlflow import to_mlflow
from lightning_infomem.reporting.to_tensorboard import to_tensorboard
from lightning_infomem.reporting.to_wandb import to_wandb

__all__ = ["conclude", "introduce", "log_pictures"]

# By name, because Lightning's two packages have two classes of each, and unused loggers need not be installed.
_ADAPTERS: Mapping[str, Callable[[Any, Pictures], None]] = {
    "TensorBoardLogger": to_tensorboard,
    "WandbLogger": to_wandb,
    "MLFlowLogger": to_mlflow,
    "CometLogger": to_comet,
}
# Lightning's replacements for a logger during fast_dev_run, and for its experiment on every rank but the first.
_STAND_IN_LOGGER, _STAND_IN_EXPERIMENT = "DummyLogger", "_DummyExperiment"

_log = logging.getLogger(__name__)
_warned: set[str] = set()


def log_pictures(loggers: Iterable[Any], pictures: Pictures) -> float:
    """Give the histograms and figures of a measurement to every logger that supports them.

    TensorBoard, W&B and Comet show them next to the scalars, and TensorBoard gets the means over all layers again in
    its first group. In MLflow they are artifacts of the run: at each step one file per figure and one for all
    histograms. For other loggers there is one warning each. A logger that fails is named in the log, but logging never
    stops a training.

    Args:
        loggers: Loggers of the Trainer, known by the name of their class or of one that it inherits from.
        pictures: What to log; drawn once, and only if a logger shows it.

    Returns:
        The seconds that it took; next to nothing if no logger shows figures.
    """
    start = time.perf_counter()
    what = f"histograms and figures of {pictures.prefix}"
    for logger in loggers:
        adapter = _adapter(logger)
        if adapter is None:
            _warn_once(type(logger).__name__, what)
        else:
            _give(logger, what, adapter, pictures)
    return time.perf_counter() - start


def introduce(loggers: Iterable[Any], watched: Sequence[Watched]) -> None:
    """Explain the coming numbers in TensorBoard; see `introduce_to_tensorboard`.

    Args:
        loggers: Loggers of the Trainer. Other loggers are skipped, and one that fails is named in the log.
        watched: What each monitor of the run measures.
    """
    for logger in loggers:
        if _adapter(logger) is to_tensorboard:
            _give(logger, "introduction to its numbers", introduce_to_tensorboard, watched)


def conclude(loggers: Iterable[Any], prefixes: Sequence[str], logged: Mapping[str, Any], *, step: int) -> None:
    """Log the last measures of a run next to its hyperparameters in TensorBoard; see `log_final_measures`.

    Args:
        loggers: Loggers of the Trainer. Other loggers are skipped, and one that fails is named in the log.
        prefixes: Prefix of each monitor of the run.
        logged: Logged name -> last value.
        step: Place on the x-axis, as for the scalars.
    """
    for logger in loggers:
        if _adapter(logger) is to_tensorboard:
            _give(logger, "last measures", log_final_measures, prefixes, logged, step)


def _give(logger: Any, what: str, give: Callable[..., None], *arguments: Any) -> None:
    try:
        if type(logger.experiment).__name__ != _STAND_IN_EXPERIMENT:
            give(logger, *arguments)
    except Exception as fault:  # a full disk or a closed writer is not worth a training run
        _log.warning("%s did not take the %s: %s", type(logger).__name__, what, fault)


def _adapter(logger: Any) -> Callable[[Any, Pictures], None] | None:
    names = (ancestor.__name__ for ancestor in type(logger).__mro__)
    return next((_ADAPTERS[name] for name in names if name in _ADAPTERS), None)


def _warn_once(kind: str, what: str) -> None:
    if kind in _warned or kind == _STAND_IN_LOGGER:
        return
    _warned.add(kind)
    warnings.warn(
        f"{kind}: {what} are written to {', '.join(_ADAPTERS)} only; this logger gets the scalars.", stacklevel=3
    )
