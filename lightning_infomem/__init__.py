"""See memorization while a network trains, and choose the checkpoint that generalises, without labels."""

from lightning_infomem.callbacks import MemorizationMonitor, MemorizationStopping
from lightning_infomem.measurement import measure
from lightning_infomem.records import InformationReport
from lightning_infomem.selection import Ranking, rank_checkpoints

__all__ = ["InformationReport", "MemorizationMonitor", "MemorizationStopping", "Ranking", "measure", "rank_checkpoints"]
