"""Callbacks for Lightning, and for the Trainer of Hugging Face transformers: hooks only, the work is done below."""

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
    """Import transformers, which takes seconds and need not be installed, for whoever asks for its callback."""
    if name == "MemorizationTrainerCallback":
        from lightning_infomem.callbacks.transformers_trainer import MemorizationTrainerCallback

        return MemorizationTrainerCallback
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
