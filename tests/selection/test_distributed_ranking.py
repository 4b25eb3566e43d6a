"""Several processes of a Trainer measure checkpoints together as one would alone."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from lightning_infomem.measurement import measure
from lightning_infomem.offline.offline_measurement import OfflineMeasurement
from tests.checkpoints.checkpoint_files import save_checkpoint
from tests.networks import dense, mlp

pytestmark = pytest.mark.distributed

SECONDS_TO_HANG = 300  # of a machine that others use, too


def _launch(folder: Path, *runs: dict[str, Any]) -> None:
    """Two processes with what torchrun says to its own."""
    command = [sys.executable, "-m", "tests.selection.distributed_ranking", str(folder), json.dumps(runs)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    known = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    known |= {"GROUP_RANK": "0", "TORCHELASTIC_RUN_ID": "test", "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            command,
            cwd=Path(__file__).parents[2],
            env={**os.environ, **known, "RANK": rank, "LOCAL_RANK": rank},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in "01"
    ]
    try:
        for process in processes:
            _, complaints = process.communicate(timeout=SECONDS_TO_HANG)
            assert process.returncode == 0, complaints[-4000:]
    finally:
        for process in processes:
            process.kill()
            process.wait()
            process.stderr.close()  # of the one that was not read, because the other had failed


@pytest.fixture(scope="module")
def networks() -> list[nn.Module]:
    """The last is a copy of the first: one process could find its report before the other has looked."""
    return [_network(seed) for seed in (0, 1, 2, 0)]


def _network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return mlp()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, networks: list[nn.Module]) -> dict[str, list[dict[str, Any]]]:
    """What each process of each run saw."""
    folder = tmp_path_factory.mktemp("zoo")
    for number, network in enumerate(networks):
        save_checkpoint(folder / f"{number}.ckpt", None, state_dict=network.state_dict())
    shutil.copyfile(folder / "0.ckpt", folder / "3.ckpt")
    runs = [{"name": "loader"}, {"name": "list", "kind": "list"}, {"name": "failing", "fails": True}]
    _launch(folder, *runs)
    return {
        run["name"]: [json.loads(path.read_text()) for path in sorted(folder.glob(f"{run['name']}_rank*.json"))]
        for run in runs
    }


@pytest.mark.parametrize("name", ["loader", "list"])
def test_two_processes_report_what_one_reports(found, networks, name):
    batches = dense(101).split(8)
    alone = [measure(network, batches) for network in networks]
    control = OfflineMeasurement(mlp(), batches).control(1)
    assert len(found[name]) == 2
    for rank in found[name]:
        assert len(rank["information"]) == len(rank["entropy"]) == 4
        for information, entropy, report in zip(rank["information"], rank["entropy"], alone, strict=True):
            for layer in report.layers:
                assert information[layer.name] == pytest.approx(layer.pairs().mean().item(), abs=1e-6)
                assert entropy[layer.name] == pytest.approx(layer.entropy.mean().item(), abs=1e-6)
        assert rank["control"] == [101, pytest.approx(control["0"].entropy.mean().item(), abs=1e-6)]
        assert rank["complaints"] == []


@pytest.mark.parametrize("name", ["loader", "list"])
def test_what_one_process_wrote_all_of_them_find(found, name):
    first, second = found[name]
    assert first["measured"] == second["measured"] == [3, 4]  # the copy not again, the second time none but the control
    assert first["again"] == second["again"] == first["information"]
    assert (first["written"], second["written"]) == (4, 0)


def test_a_process_that_fails_stops_no_other(found):
    first, second = found["failing"]
    assert len(first["skipped"]) == len(second["skipped"]) == 4
    assert "another rank failed (rank 1: ValueError: it is broken on this process)" in first["skipped"][0]
    assert "it is broken on this process" in second["skipped"][0]
