from __future__ import annotations

import json

import pytest

from examples.information_plane import szt_measuring, szt_planes
from examples.information_plane.szt_measuring import Run
from examples.information_plane.szt_planes import TRAININGS, main
from lightning_infomem.information_plane.geometry import measure_geometry


@pytest.fixture
def quick(monkeypatch):
    """Two trainings, in this process, and the geometry of some samples."""
    monkeypatch.setattr(szt_planes, "TRAININGS", [own for own in TRAININGS if own[0].name in ("relu", "tanh-8-bits")])
    monkeypatch.setattr(
        szt_planes, "on_workers", lambda work, jobs, *given, workers: ((job, work(job, *given)) for job in jobs)
    )
    monkeypatch.setattr(
        szt_measuring,
        "measure_geometry",
        lambda hidden, labels, **how: measure_geometry(hidden[:64], labels[:64], **how),
    )


def test_the_tables_and_the_figures_are_written_and_what_is_trained_is_not_trained_again(
    quick, tmp_path, monkeypatch, capsys
):
    command = ["--output", str(tmp_path / "planes"), "--epochs", "1", "--repetitions", "2"]
    assert main(command) == 0
    first = capsys.readouterr().out
    lines = first.splitlines()
    assert lines[0].startswith("After 1 epochs; information in bits.")
    relu = [*(f"relu-{bins}-bins" for bins in (30, 100, 256)), "relu-100-bins-of-the-moment"]
    names = [*relu, "tanh-8-bits", "tanh-4-bits"]
    for name in names:
        # Six layers in two tables, and the accuracy.
        assert len([line for line in lines if line.startswith(f"| {name} |")]) == 13
    states = json.loads((tmp_path / "planes" / "relu-1-epochs-2-seeds.json").read_text())["relu-100-bins"]
    courses = [[point.input_bits for point in Run.from_state(state).points("hidden 4")] for state in states]
    mean = [sum(values) / 2 for values in zip(*courses, strict=True)]
    line = next(line for line in lines if line.startswith("| relu-100-bins | hidden 4 |"))
    assert line.split(" | ")[7] == f"{max(mean) - mean[-1]:.2f}"
    assert line.split(" | ")[6] == f"{sum(max(course) - course[-1] > 0.5 for course in courses)} of 2"
    assert {path.name for path in (tmp_path / "planes").iterdir()} == {
        *(f"{variant}-1-epochs-2-seeds.json" for variant in ("relu", "tanh-8-bits", "tanh-4-bits")),
        *("szt_planes.md", *(f"{name}.png" for name in names)),
    }
    monkeypatch.setattr(szt_planes, "train", lambda *_: pytest.fail("trained again"))
    monkeypatch.setattr(szt_planes, "save_small", lambda *_: None)  # drawing is slow
    assert main(command) == 0
    assert capsys.readouterr().out == first


def test_ctrl_c_leaves_no_half_written_file(quick, tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(szt_planes, "train", interrupted)
    assert main(["--output", str(tmp_path), "--epochs", "1", "--repetitions", "1"]) == 130
    assert "the same command continues" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
