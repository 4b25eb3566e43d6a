"""Callbacks for Lightning, and for the Trainer of Hugging Face transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lightning_infomem.callbacks.memorization_monitor import MemorizationMonitor
from lightning_infomem.callbacks.memorization_stopping import MemorizationStopping

if TYPE_CHECKING:
    from lightning_infomem.callbacks.transformers_trainer import (
        MemorizationTrainerCallback as MemorizationTrainerCallback,
    )

__all__ = ["MemorizationMonitor", "MemorizationStopping"]


def __getattr__(name: str) -> Any:
    """Import the callback for transformers late, since that takes seconds and need not be installed."""
    if name == "MemorizationTrainerCallback":
        from lightning_infomem.callbacks.transformers_trainer import MemorizationTrainerCallback

        return MemorizationTrainerCallback
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
