"""Decide which recipe is best, or which epoch of one run to keep."""

from lightning_infomem.records.ranking_row import RankedCheckpoint
from lightning_infomem.records.run_verdict import RunVerdict
from lightning_infomem.selection.judge_run import judge_run
from lightning_infomem.selection.rank_checkpoints import rank_checkpoints
from lightning_infomem.selection.ranking import Ranking

__all__ = ["RankedCheckpoint", "Ranking", "RunVerdict", "judge_run", "rank_checkpoints"]
