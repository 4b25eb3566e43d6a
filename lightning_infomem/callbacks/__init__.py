"""Lightning callbacks: hooks only, the work is done below."""

from lightning_infomem.callbacks.memorization_monitor import MemorizationMonitor

__all__ = ["MemorizationMonitor"]
