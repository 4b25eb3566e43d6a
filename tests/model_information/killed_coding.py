"""Codings that kill their own process after a block, as a crash would: ``python -m ... FOLDER``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch

from lightning_infomem.model_information import prequential_codelength
from lightning_infomem.model_information.coding_record import CodingRecord
from tests.model_information.tasks import QUICK, AdamClassifier, network, separable

STARTS = ("cold", "warm")
BLOCKS_WRITTEN = 2


def codelength(start, resume):
    settings = {**QUICK, "start": start, "blocks": (10, 30, 60, 100)}
    return prequential_codelength(AdamClassifier(network()), separable(), resume=resume, **settings)


def write_and_die(record, nats, weights):
    write(record, nats, weights)
    if len(nats) == BLOCKS_WRITTEN:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    torch.set_num_threads(1)
    write, CodingRecord.write = CodingRecord.write, write_and_die
    for start in STARTS:  # one import of torch serves all
        child = os.fork()
        if not child:
            codelength(start, Path(sys.argv[1]) / start)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
