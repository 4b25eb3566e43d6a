"""What every callback does with a report: the values of the run so far, and a word on what was left out."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

from lightning_infomem.records import InformationReport
from lightning_infomem.reporting.metric_names import metric_name
from lightning_infomem.reporting.scalars import mutual_information_drop, scalars

__all__ = ["next_values", "tell_skipped"]


def next_values(
    report: InformationReport,
    history: Sequence[Mapping[str, float]],
    *,
    prefix: str,
    epoch: float,
    step: int,
    training_confidence: float | None = None,
) -> dict[str, float]:
    """The values that follow those of a run: all names logged before stay, since monitors fail on a missing one.

    Args:
        report: the measures.
        history: the values of every measurement before, oldest first.
        prefix: first part of every name.
        epoch: of the run.
        step: of the run.
        training_confidence: mean confidence on training inputs, where it is known.

    Returns:
        Name -> value, with ``epoch`` and ``step``.
    """
    values = {**(history[-1] if history else {}), **scalars(report, prefix=prefix)}
    names = [layer.name for layer in report.layers]
    values |= mutual_information_drop([*history, values], names, prefix=prefix)
    confidence = report.scores.get("mean_confidence")
    if training_confidence is not None and confidence is not None:
        values[metric_name(prefix, "training_confidence")] = training_confidence
        values[metric_name(prefix, "confidence_gap")] = training_confidence - confidence
    return values | {"epoch": float(epoch), "step": float(step)}


def tell_skipped(report: InformationReport, told: set[str], *, who: str, strictly: bool) -> None:
    """Warn of the layers that a report leaves out, of each once, or raise.

    Args:
        report: the measures.
        told: the layers of which it was said before; those of this report join them.
        who: the callback, as users know it.
        strictly: raise instead.

    Raises:
        ValueError: a layer is left out, and ``strictly``.
    """
    new = {name: why for name, why in report.skipped.items() if name not in told}
    if not new:
        return
    told.update(new)
    message = "; ".join(f"layer {name!r}: {why}" for name, why in new.items())
    if strictly:
        raise ValueError(f"{who}: {message}.")
    warnings.warn(f"{who} leaves out {message}.", stacklevel=3)
