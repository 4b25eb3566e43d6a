"""A ranking that is killed goes on where it was, and no checkpoint is touched by it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import torch

from lightning_infomem.measurement import measure
from tests.networks import dense, mlp
from tests.selection.checkpoint_files import save_checkpoint


def _run(folder: Path, kill_after: int) -> tuple[int, list[str]]:
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


def test_after_a_kill_only_the_rest_is_measured(tmp_path):
    networks = []
    for number in range(6):
        torch.manual_seed(number)
        networks.append(mlp())
        save_checkpoint(tmp_path / f"{number}.ckpt", None, state_dict=networks[-1].state_dict())
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.glob("*.ckpt")}

    code, lines = _run(tmp_path, kill_after=3)
    assert (code, lines) == (-signal.SIGKILL, ["measured"] * 3)
    assert len(list((tmp_path / ".infomem").glob("*.report"))) == 3

    code, lines = _run(tmp_path, kill_after=99)
    assert code == 0
    assert lines.count("measured") == 3
    values = {name: float(value) for name, value in (line.split() for line in lines if ".ckpt" in line)}
    data = dense(40).split(20)
    assert values == {
        f"{number}.ckpt": measure(network, data)["0"].pairs().mean().item() for number, network in enumerate(networks)
    }
    assert lines[-1] == "0 skipped"
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.glob("*.ckpt")} == before
