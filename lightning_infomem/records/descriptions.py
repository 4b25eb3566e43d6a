"""Describe a measurement in words, for titles."""

from __future__ import annotations

from collections.abc import Sequence

from lightning_infomem.records.report import InformationReport

__all__ = ["describe_measurement", "describe_settings"]


def describe_measurement(reports: Sequence[InformationReport]) -> str:
    """Describe the settings of a measurement and, for a single report, its moment.

    Args:
        reports: One or more reports, with at least one layer among them.

    >>> from lightning_infomem.records.report import LayerInformation
    >>> import torch
    >>> layer = LayerInformation("fc", 1, torch.arange(1), torch.ones(1), torch.ones(1, 1), (0, 1), 0, 0, 1024, 0)
    >>> describe_measurement([InformationReport((layer,), {"neighbors": 3, "bins": 100}, "cpu", epoch=4)])
    'epoch 4 · 1,024 samples, k = 3, 100 bins'
    """
    settings = describe_settings(reports)
    if len(reports) > 1:
        return settings
    moments = (("epoch", reports[0].epoch), ("step", reports[0].step))
    moment = ", ".join(f"{name} {value:,}" for name, value in moments if value is not None)
    return f"{moment} · {settings}" if moment else settings


def describe_settings(reports: Sequence[InformationReport]) -> str:
    """Describe the settings of a measurement; see `describe_measurement`."""
    counts = sorted({layer.num_samples for report in reports for layer in report.layers})
    samples = f"{counts[0]:,} samples" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,} samples"
    return f"{samples}, k = {_settings(reports, 'neighbors')}, {_settings(reports, 'bins')} bins"


def _settings(reports: Sequence[InformationReport], name: str) -> str:
    return " or ".join(map(str, sorted({report.settings[name] for report in reports})))
