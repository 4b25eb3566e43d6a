"""Measures a folder, for test_broken_off: ``python -m tests.selection.broken_off_run FOLDER KILL_AFTER``.

One line is printed for each measurement. After ``KILL_AFTER`` of them the process is killed as by ``kill -9``, in the
middle of the next one.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch

from lightning_infomem.checkpoints.reading import find_checkpoints
from lightning_infomem.measurement import measure
from lightning_infomem.offline import offline_measurement
from lightning_infomem.selection.read_candidates import read_candidates
from tests.networks import dense, mlp


def main(folder: Path, kill_after: int) -> None:
    """Measure all checkpoints of the folder."""
    torch.set_num_threads(1)
    count = 0

    def counting(*arguments, **settings):
        nonlocal count
        if count == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
        print("measured", flush=True)
        return measure(*arguments, **settings)

    offline_measurement.measure = counting
    read_candidates(find_checkpoints(folder), offline_measurement.OfflineMeasurement(mlp(), dense(40).split(20)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
