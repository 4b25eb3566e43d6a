"""The first stage of a ranking: open files, and measure those that carry no report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from torch import nn

from lightning_infomem._errors import UsageValueError
from lightning_infomem.checkpoints.reading import UnusableCheckpoint, load_checkpoint, read_checkpoint
from lightning_infomem.functional.complexity import frobenius_norms, log_product, spectral_norms, sum_of_squares
from lightning_infomem.offline.offline_measurement import OfflineMeasurement
from lightning_infomem.records.file_names import files_by_reason
from lightning_infomem.records.report import InformationReport
from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.settings import check_setting_names

__all__ = ["offline_measurement", "read_candidate", "read_candidates", "reduce_report"]


def read_candidates(
    paths: Sequence[Path],
    measurement: OfflineMeasurement | None = None,
    *,
    weight_norms: bool = False,
    task: str = "auto",
    at_least: int = 0,
) -> tuple[list[Candidate], dict[str, str]]:
    """Read checkpoints one at a time.

    Args:
        paths: Paths of the checkpoints.
        measurement: Measures a checkpoint that carries no report.
        weight_norms: Whether to compute the norms of the weights.
        task: See `Candidate.from_report`.
        at_least: How many usable checkpoints are required: 0, 1 or 2.

    Returns:
        The usable checkpoints, and path -> reason for the others.

    Raises:
        ValueError: Fewer checkpoints are usable.
    """
    candidates, skipped = [], {}
    seen: Iterable[Path] = paths
    if sys.stderr.isatty():  # elsewhere older versions of rich leave an empty line
        seen = track(paths, "Reading checkpoints", console=Console(stderr=True), transient=True)
    for path in seen:
        try:
            candidates.append(read_candidate(path, measurement, weight_norms=weight_norms, task=task))
        except UnusableCheckpoint as fault:
            skipped[str(path)] = str(fault)
    if len(candidates) < at_least:
        required = "one usable one is" if at_least == 1 else "two usable ones are"
        reasons = "; ".join(files_by_reason(skipped)) or "nothing was skipped"
        raise UsageValueError(
            f"checkpoints: at least {required} required, got {len(candidates)} of {len(paths)} ({reasons})."
        )
    return candidates, skipped


def read_candidate(
    path: Path, measurement: OfflineMeasurement | None = None, *, weight_norms: bool = False, task: str = "auto"
) -> Candidate:
    """Read one checkpoint, or measure it if it carries no report of its weights.

    Raises:
        UnusableCheckpoint: It cannot be read or measured.
    """
    record = read_checkpoint(path)
    report = record.report if record.staleness is None else None
    is_carried = report is not None
    if report is None:
        if measurement is None and record.staleness is not None:
            raise UnusableCheckpoint(
                f"{record.staleness}; save checkpoints when a validation was measured, or give model= and data= to "
                "have it measured"
            )
        if measurement is None:
            raise UnusableCheckpoint(
                "carries no report; train with MemorizationMonitor (and without save_weights_only), or give model= and "
                "data= to have it measured"
            )
        report = measurement(path)
    return reduce_report(
        path,
        report,
        task=task,
        epoch=record.epoch,
        step=record.step,
        metrics=record.metrics,
        norms=_weight_norms(path, measurement) if weight_norms else {},
        notes=(*record.notes, *([] if record.staleness is None else [f"{record.staleness}: measured anew"])),
        carried=is_carried,
        run_id=record.run_id,
        recipe=record.recipe,
        # Reports are large; only those that no file carries are kept.
        read_again=partial(_carried_report, path) if record.report is not None else lambda: report,
    )


def _carried_report(path: Path) -> InformationReport:
    report = read_checkpoint(path).report
    if report is None:
        raise UnusableCheckpoint("no longer carries its report; was it written anew?")
    return report


def reduce_report(path: Path, report: InformationReport, **known: Any) -> Candidate:
    """Reduce a report by `Candidate.from_report`, but refuse one of a network that has diverged.

    Raises:
        UnusableCheckpoint: No layer has finite measures, or no prediction is finite.
    """
    candidate = Candidate.from_report(path, report, **{"read_again": lambda: report, **known})
    if not candidate.layers:
        raise UnusableCheckpoint("no layer has a finite entropy and mutual information; has its training diverged?")
    if candidate.predictions is not None and bool((candidate.predictions.classes < 0).all()):
        raise UnusableCheckpoint("its outputs are not finite for any input; has its training diverged?")
    return candidate


def offline_measurement(
    door: Callable[..., Any],
    model: nn.Module | Callable[[dict[str, Any]], nn.Module] | None,
    data: Iterable[Any] | None,
    *,
    layers: str | type[nn.Module] | Sequence[str | type[nn.Module]],
    settings: dict[str, Any],
    task: str = "auto",
    **how: Any,
) -> OfflineMeasurement | None:
    """Prepare to measure checkpoints without a report; None if no model was given.

    Args:
        door: Function whose arguments these are; see `check_setting_names`.
        model: See `OfflineMeasurement`.
        data: See `OfflineMeasurement`.
        layers: See `OfflineMeasurement`.
        settings: Fields of `MeasurementSettings`.
        task: The field of this name, which also says how to read reports.
        **how: Further arguments of `OfflineMeasurement`; None if not given.

    Raises:
        TypeError: A name in ``settings`` is unknown.
        ValueError: Only one of model and data was given, or neither but another argument.
    """
    check_setting_names(settings, door)
    if model is not None and data is not None:
        return OfflineMeasurement(model, data, layers=layers, task=task, **how, **settings)
    if model is not None or data is not None:
        given, missing = ("data", "model") if model is None else ("model", "data")
        raise UsageValueError(
            f"{missing}: required together with {given}, to measure checkpoints; give both or neither."
        )
    unused = [*settings, *(["layers"] if layers != "auto" else [])]
    unused += [name for name, value in how.items() if value is not None]
    if unused:
        raise UsageValueError(
            f"{unused[0]}: only with model and data, because it says how to measure, and without them reports are "
            "only read; give model= and data=, or leave it out."
        )
    return None


def _weight_norms(path: Path, measurement: OfflineMeasurement | None) -> dict[str, float]:
    weights = load_checkpoint(path).get("state_dict")
    scores = {} if measurement is None else {"path_norm": measurement.path_norm(path)}
    if isinstance(weights, Mapping):
        for name, norms in (("spectral_norm", spectral_norms(weights)), ("frobenius_norm", frobenius_norms(weights))):
            scores |= {f"{name}_sum": sum_of_squares(norms), f"{name}_log_product": log_product(norms)}
    return scores
