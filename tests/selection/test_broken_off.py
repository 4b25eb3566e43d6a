"""A ranking that is killed goes on where it was, and no checkpoint is touched by it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lightning_infomem.checkpoints.reading import find_checkpoints
from lightning_infomem.measurement import measure
from lightning_infomem.offline import offline_measurement
from lightning_infomem.offline.offline_measurement import OfflineMeasurement
from lightning_infomem.selection.read_candidates import read_candidates
from tests.checkpoints.checkpoint_files import save_checkpoint
from tests.networks import dense, mlp


def _run_until_killed(folder: Path, kill_after: int) -> tuple[int, list[str]]:
    command = [sys.executable, "-m", "tests.selection.broken_off_run", str(folder), str(kill_after)]
    done = subprocess.run(
        command,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


def test_after_a_kill_only_the_rest_is_measured(tmp_path, monkeypatch):
    networks = []
    for number in range(6):
        torch.manual_seed(number)
        networks.append(mlp())
        save_checkpoint(tmp_path / f"{number}.ckpt", None, state_dict=networks[-1].state_dict())
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.glob("*.ckpt")}

    code, lines = _run_until_killed(tmp_path, kill_after=3)
    assert (code, lines) == (-signal.SIGKILL, ["measured"] * 3)
    assert len(list((tmp_path / ".infomem").glob("*.report"))) == 3

    measured = []
    monkeypatch.setattr(
        offline_measurement, "measure", lambda *given, **named: measured.append(1) or measure(*given, **named)
    )
    data = dense(40).split(20)
    candidates, skipped = read_candidates(find_checkpoints(tmp_path), OfflineMeasurement(mlp(), data))
    assert (len(measured), skipped) == (3, {})
    assert [each.path.name for each in candidates] == [f"{number}.ckpt" for number in range(6)]
    for each, network in zip(candidates, networks, strict=True):
        assert each.layers["0"].mutual_information == pytest.approx(measure(network, data)["0"].pairs().mean().item())
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.glob("*.ckpt")} == before
