"""From checkpoints to a ranking: reports are read out of the files, or measured where there are none."""

from lightning_infomem.checkpoints.reading import CheckpointRecord, find_checkpoints, read_checkpoint
from lightning_infomem.selection.rank_checkpoints import RankedCheckpoint, Ranking, rank_checkpoints

__all__ = [
    "CheckpointRecord",
    "RankedCheckpoint",
    "Ranking",
    "find_checkpoints",
    "rank_checkpoints",
    "read_checkpoint",
]
