"""Several processes measure what one would have measured, and none waits for one that failed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lightning_infomem.runs.run_file import RUN_FILE, read_run_file
from tests.callbacks.distributed_run import run

pytestmark = pytest.mark.distributed

SECONDS_TO_HANG = 300  # of a machine that others use, too
# Importing Lightning takes longest: torchrun starts two processes for all of its runs, one process all runs that start
# others themselves.
RUNS: dict[str, dict[str, Any]] = {
    "one process": {"devices": 1},
    "two processes": {"logged": True},
    "four processes": {"devices": 4, "strategy": "ddp_fork"},
    "one process, few rows": {"devices": 1, "max_samples": 37},
    "two processes, few rows": {"max_samples": 37},
    "two processes, nobody divides the data": {"whole": True},
    "two processes, five samples": {"examples": 5},
    "one process, five samples": {"devices": 1, "examples": 5},
    "one process, own loader": {"devices": 1, "probe": True},
    "two processes, own loader": {"probe": True},
    "two processes, test": {"stage": "test"},
    "two processes, every input twice": {"twice": True},
    "out of memory on one rank": {"fault": "memory"},
    "a layer broken on one rank": {"fault": "layer"},
    "two processes, spawned": {"strategy": "ddp_spawn"},
    "two processes, a command each": {"strategy": "ddp"},  # the last, because the second command begins with it
}


def launch(runs: list[dict[str, Any]], *, processes: int = 1) -> None:
    """Starts that many processes by torchrun; one starts the others itself, by the strategy of each run."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    torchrun = ["torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m"] * (processes > 1)
    command = [sys.executable, "-m", *torchrun, "tests.callbacks.distributed_run", json.dumps(runs)]
    with subprocess.Popen(
        command,
        cwd=Path(__file__).parents[2],
        env=environment,
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


def ranks_in(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("rank*.json"))]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What each rank of each run saw."""
    folder = tmp_path_factory.mktemp("runs")
    for name, settings in RUNS.items():
        if settings.get("devices") == 1:  # no process of its own is needed
            run(str(folder / name), **settings)
    others = [{"folder": str(folder / name), **RUNS[name]} for name in RUNS if RUNS[name].get("devices") != 1]
    launch([each for each in others if "strategy" not in each], processes=2)
    launch([each for each in others if "strategy" in each])
    return {name: ranks_in(folder / name) for name in RUNS}


def assert_same_report(ranks: list[dict[str, Any]], alone: dict[str, Any]) -> None:
    for rank in ranks:
        assert (rank["samples"], rank["probe"]) == (alone["samples"], alone["probe"])
        assert rank["scores"] == pytest.approx(alone["scores"], abs=1e-6)
        ours, theirs = dict(rank["predictions"]), dict(alone["predictions"])
        assert ours.pop("log_odds") == pytest.approx(theirs.pop("log_odds"), abs=1e-2)  # 16 bits of float32 sums
        assert ours == theirs
        assert ours["places"] is not None
        for ours, theirs in zip(rank["layer_scores"], alone["layer_scores"], strict=True):
            assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-6, nan_ok=True)  # float32 activations, row by row
        for ours, theirs in zip(rank["mutual_information"], alone["mutual_information"], strict=True):
            for row, expected in zip(ours, theirs, strict=True):
                assert row == pytest.approx(expected, abs=1e-6)
        for ours, theirs in zip(rank["entropy"], alone["entropy"], strict=True):
            assert ours == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize(
    ("together", "alone", "num_ranks"),
    [
        ("two processes", "one process", 2),
        ("four processes", "one process", 4),
        ("two processes, few rows", "one process, few rows", 2),
        ("two processes, nobody divides the data", "one process", 2),
        ("two processes, five samples", "one process, five samples", 2),
        ("two processes, own loader", "one process, own loader", 2),
        ("two processes, test", "one process", 2),
        ("two processes, every input twice", "one process", 2),
        ("two processes, a command each", "one process", 2),
        ("two processes, spawned", "one process", 2),  # where the monitor is pickled
    ],
)
def test_many_processes_report_what_one_reports(
    found: dict[str, list[dict[str, Any]]], together: str, alone: str, num_ranks: int
) -> None:
    """Of 101 rows, which neither two nor four ranks can share equally: some are repeated, and left out."""
    assert len(found[together]) == num_ranks
    assert found[alone][0]["mutual_information"], "there is something to compare"
    assert_same_report(found[together], found[alone][0])


def test_the_code_of_labels_is_of_all_processes_each_sample_once(found: dict[str, list[dict[str, Any]]]) -> None:
    """Of networks that do not learn, so that the order of samples does not matter."""
    for together, alone, count in (
        ("two processes, five samples", "one process, five samples", 5),
        ("two processes, nobody divides the data", "one process", 16),
        ("two processes", "four processes", 32),
    ):
        for rank in found[together]:
            assert rank["coded"] == found[together][0]["coded"]
            assert rank["code_metrics"] == found[together][0]["code_metrics"]
            assert rank["coded"]["labels"] == rank["code_metrics"]["codelength/labels"] == count
            if count < 32:
                assert rank["coded"] == pytest.approx(found[alone][0]["coded"], rel=1e-6)
    assert found["four processes"][0]["coded"]["labels"] == 64


def test_all_ranks_log_the_same_numbers(found: dict[str, list[dict[str, Any]]]) -> None:
    for name in ("two processes", "four processes", "two processes, own loader"):
        first, *others = found[name]
        assert first["metrics"].keys() == found["one process"][0]["metrics"].keys()
        for other in others:
            assert other["metrics"] == first["metrics"]
        assert not any(rank["warned"] for rank in found[name])


def test_the_training_loss_is_the_mean_over_ranks(found: dict[str, list[dict[str, Any]]]) -> None:
    for name in (
        "one process",
        "two processes",
        "two processes, spawned",
        "four processes",
        "two processes, own loader",
    ):
        losses = [loss for rank in found[name] for loss in rank["losses"]]
        assert len(losses) == 2 * len(found[name])
        if name == "two processes, own loader":  # which was measured after each of the two steps
            losses = [rank["losses"][-1] for rank in found[name]]
        expected = pytest.approx(sum(losses) / len(losses), abs=1e-6)
        assert [rank["training_loss"] for rank in found[name]] == [expected] * len(found[name])
    assert found["two processes, test"][0]["training_loss"] is None


def test_rows_come_from_all_ranks(found: dict[str, list[dict[str, Any]]]) -> None:
    assert found["two processes"][0]["samples"] == [101, 101]
    assert found["two processes, few rows"][0]["samples"] == [37, 37]
    assert found["two processes, nobody divides the data"][0]["samples"] == [101, 101]
    assert found["two processes, five samples"][0]["samples"] == [5, 5]


def test_of_all_ranks_one_writes_the_run_file_and_all_know_its_run(
    tmp_path_factory: pytest.TempPathFactory, found: dict[str, list[dict[str, Any]]]
) -> None:
    (path,) = [path for path in tmp_path_factory.getbasetemp().rglob(RUN_FILE) if "two processes" in str(path)]
    (measured,), fault = read_run_file(path)
    assert fault is None
    assert {rank["run_id"] for rank in found["two processes"]} == {measured.run_id}
    shown = {name: value for name, value in found["two processes"][0]["metrics"].items() if not name.endswith("/age")}
    assert measured.values == pytest.approx(shown, rel=1e-6)  # logged in float32
    assert path.parent.parent.name == "logs"
    assert len({rank["run_id"] for rank in found["four processes"]}) == 1


def test_a_rank_that_fails_is_named_on_all_and_training_goes_on(found: dict[str, list[dict[str, Any]]]) -> None:
    first, second = found["out of memory on one rank"]
    assert any("another rank failed (rank 1: MemoryError: there is none left)" in words for words in first["warned"])
    assert any("nothing was measured at this validation: there is none left" in words for words in second["warned"])
    assert first["history"] == second["history"] == 0


def test_a_layer_that_one_rank_cannot_read_is_left_out_on_all(found: dict[str, list[dict[str, Any]]]) -> None:
    for rank in found["a layer broken on one rank"]:
        assert rank["skipped"] == {"network.0": "it is broken on this rank"}
        assert len(rank["samples"]) == 1


def test_no_rank_keeps_a_hook(found: dict[str, list[dict[str, Any]]]) -> None:
    assert {rank["hooks"] for ranks in found.values() for rank in ranks} == {0}
