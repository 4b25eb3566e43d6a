"""Several processes of a Trainer measure checkpoints together as one would alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.networks import mlp
from tests.selection.checkpoint_files import save_checkpoint

SECONDS_TO_HANG = 100


def _launch(folder, *runs, torchrun):
    """By torchrun, or as one process whose Trainer starts the other."""
    start = ["torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m"] * torchrun
    command = [sys.executable, "-m", *start, "tests.selection.distributed_ranking", str(folder), json.dumps(runs)]
    with subprocess.Popen(
        command,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            _, complaints = process.communicate(timeout=SECONDS_TO_HANG)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    assert process.returncode == 0, complaints[-4000:]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    for number in range(3):
        torch.manual_seed(number)
        # The last is a copy of the first: one process could find its report before another has looked.
        save_checkpoint(folder / f"{number}.ckpt", None, state_dict=mlp().state_dict())
    (folder / "3.ckpt").write_bytes((folder / "0.ckpt").read_bytes())
    _launch(
        folder,
        {"name": "loader"},
        {"name": "list", "kind": "list"},
        {"name": "failing", "fails": True},
        torchrun=True,
    )
    _launch(folder, {"name": "launched"}, torchrun=False)
    _launch(folder, {"name": "alone", "devices": 1}, torchrun=False)
    return {
        name: [json.loads(path.read_text()) for path in sorted(folder.glob(f"{name}_rank*.json"))]
        for name in ("loader", "list", "failing", "launched", "alone")
    }


@pytest.mark.parametrize("name", ["loader", "list", "launched"])
def test_two_processes_report_what_one_reports(found, name):
    (alone,) = found["alone"]
    assert len(alone["information"]) == 4
    assert len(found[name]) == 2
    for rank in found[name]:
        for measure in ("information", "entropy"):
            for ours, theirs in zip(rank[measure], alone[measure], strict=True):
                assert ours == pytest.approx(theirs, abs=1e-6)
        assert rank["control"] == pytest.approx(alone["control"], abs=1e-6)
        assert rank["control"][0] == 101
        assert rank["complaints"] == []


@pytest.mark.parametrize("name", ["loader", "list", "launched"])
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
