"""What a monitor gives to the loggers of a Trainer beside its scalars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lightning_infomem._lightning import Trainer, hyperparameters_to_come, scalar_step
from lightning_infomem.records.metric_names import Metric, metric_name
from lightning_infomem.records.report import InformationReport
from lightning_infomem.reporting.loggers import introduce, log_report
from lightning_infomem.reporting.pictures import Drawing
from lightning_infomem.reporting.tensorboard_setup import Watched
from lightning_infomem.sampling.ranks import Ranks

__all__ = ["introduce_run", "present"]


def introduce_run(trainer: Trainer, watched: Sequence[Watched]) -> None:
    """Say what will come, on the first rank, at the start of a run that is not taken up again.

    Args:
        trainer: in ``on_fit_start``: what the user writes in ``setup`` comes before, Lightning's own hyperparameters
            come behind.
        watched: by each monitor of the run.
    """
    if trainer.is_global_zero and trainer.global_step == 0:
        introduce(trainer.loggers, watched, lambda logger: hyperparameters_to_come(trainer, logger))


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
