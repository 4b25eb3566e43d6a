"""What a monitor gives to the loggers of a Trainer beside its scalars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lightning_infomem._lightning import Trainer, scalar_step
from lightning_infomem.records.metric_names import Metric, metric_name
from lightning_infomem.records.report import InformationReport
from lightning_infomem.reporting.loggers import conclude, introduce, log_report
from lightning_infomem.reporting.pictures import Drawing
from lightning_infomem.reporting.tensorboard_setup import FINAL_MEASURES, Watched
from lightning_infomem.sampling.ranks import Ranks

__all__ = ["conclude_run", "introduce_run", "present"]


def introduce_run(trainer: Trainer, watched: Sequence[Watched]) -> None:
    """Tell the loggers what will come, on the first rank, when a run starts that does not resume another.

    Args:
        trainer: Trainer in its ``on_fit_start``, after whatever the user writes in ``setup``.
        watched: What each monitor of the run measures.
    """
    if trainer.is_global_zero and trainer.global_step == 0:
        introduce(trainer.loggers, watched)


def conclude_run(trainer: Trainer, watched: Sequence[Watched]) -> None:
    """Give the loggers the last measures of a run to set beside its hyperparameters, on the first rank.

    Args:
        trainer: Trainer in its ``on_fit_end``, when the loggers hold the hyperparameters that they were given.
        watched: What each monitor of the run measures.
    """
    if trainer.is_global_zero:
        logged = trainer.callback_metrics
        names = [metric_name(each.prefix, measure) for each in watched for measure in FINAL_MEASURES]
        measures = {name: float(logged[name]) for name in names if name in logged}
        conclude(trainer.loggers, measures, step=scalar_step(trainer))


def present(
    trainer: Trainer,
    report: InformationReport,
    figures: Mapping[str, Drawing],
    values: Mapping[str, float],
    *,
    prefix: str,
) -> dict[str, float]:
    """Give histograms and figures of a measurement to the loggers, on the first rank.

    Args:
        trainer: all its ranks must call this.
        report: the measures.
        figures: the last part of its name -> draws a figure.
        values: the scalars of the measurement.
        prefix: first part of the names.

    Returns:
        The name and the value of the seconds that it took on the first rank.
    """
    seconds = 0.0
    if trainer.is_global_zero:
        seconds = log_report(trainer.loggers, report, figures, values, step=scalar_step(trainer), prefix=prefix)
    return {metric_name(prefix, Metric.DRAWING_SECONDS): Ranks.current().on_all(lambda: seconds)[0]}
