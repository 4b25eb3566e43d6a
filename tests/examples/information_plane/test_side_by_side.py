from __future__ import annotations

import pytest

from examples.information_plane import side_by_side
from examples.information_plane.side_by_side import ESTIMATORS, main, verdict
from lightning_infomem.information_plane import KSG, Binning, MatrixRenyi, QuantizedExact
from tests.examples.paper.files import write_mnist


def test_a_course_rises_falls_both_or_stays():
    assert verdict([1.0, 2.0, 3.0]) == "rises"
    assert verdict([3.0, 2.0]) == "falls"
    assert verdict([1.0, 3.0, 2.0]) == "rises, falls"
    assert verdict([3.0, 3.1, 3.0]) == "stays"
    assert verdict([-3.0, -1.0, -1.0]) == "rises"


def test_no_estimator_is_there_twice():
    assert len({type(each) for each in ESTIMATORS}) == len(ESTIMATORS)


def test_all_are_side_by_side_and_a_finished_run_is_not_measured_again(tmp_path, monkeypatch, capsys):
    write_mnist(tmp_path / "mnist", 800, part="t10k")
    short = (QuantizedExact(8), Binning(30), MatrixRenyi(order=2), KSG(neighbors=1, labels_only=True))
    monkeypatch.setattr(side_by_side, "ESTIMATORS", short)
    output = tmp_path / "planes"
    command = ["--data-root", str(tmp_path / "mnist"), "--output", str(output), "--epochs", "1"]
    assert main(command) == 0
    first = capsys.readouterr().out
    lines = first.splitlines()
    assert "80 held-out images, 2 moments" in lines[0]
    assert lines[4] == "| estimator | hidden1 | hidden2 | hidden3 | hidden4 | output |"
    verdicts = {line.split(" | ")[0].strip("| "): line.split(" | ")[1:] for line in lines[6:11]}
    assert list(verdicts) == [
        *("QuantizedExact(bits=8)", "Binning", "MatrixRenyi(order=2)"),
        *("KSG(neighbors=1, labels_only=True)", "DecisionRule"),
    ]
    assert [cell.strip("| ") for cell in verdicts["DecisionRule"]][:4] == ["-"] * 4
    assert all("-" in cell for cell in verdicts["KSG(neighbors=1, labels_only=True)"])  # of I(X;T)
    assert all("-" not in cell for cell in verdicts["QuantizedExact(bits=8)"])
    assert len([line for line in lines if line.startswith("| DecisionRule | output | ")]) == 1
    assert {path.name for path in output.iterdir()} == {
        *("side_by_side-1-epochs.json", "side_by_side.md", "side_by_side.png")
    }
    monkeypatch.setattr(side_by_side, "measure", lambda *_: pytest.fail("measured again"))
    assert main(command) == 0
    assert capsys.readouterr().out == first


def test_ctrl_c_leaves_no_half_written_file(tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(side_by_side, "measure", interrupted)
    assert main(["--data-root", "mnist", "--output", str(tmp_path)]) == 130
    assert "nothing is kept" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
