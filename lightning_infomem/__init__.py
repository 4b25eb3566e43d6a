"""Detect memorization while a network trains, and choose the checkpoint that generalises, without labels."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightning_infomem.callbacks import MemorizationMonitor, MemorizationStopping
    from lightning_infomem.measurement import measure
    from lightning_infomem.records.report import InformationReport
    from lightning_infomem.records.run_verdict import RunVerdict
    from lightning_infomem.selection import Ranking, judge_run, rank_checkpoints

__all__ = [
    "InformationReport",
    "MemorizationMonitor",
    "MemorizationStopping",
    "Ranking",
    "RunVerdict",
    "judge_run",
    "measure",
    "rank_checkpoints",
]

# Imported on first use: Lightning takes ten seconds to load, which is not needed to look at results.
_HOMES = {
    "InformationReport": "records.report",
    "MemorizationMonitor": "callbacks",
    "MemorizationStopping": "callbacks",
    "Ranking": "selection",
    "RunVerdict": "records.run_verdict",
    "judge_run": "selection",
    "measure": "measurement",
    "rank_checkpoints": "selection",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
