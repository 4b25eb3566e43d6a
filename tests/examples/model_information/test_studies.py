from __future__ import annotations

import json

import pytest
import torch

from examples.model_information import capacity, difficulty, kept_results
from examples.model_information.digits import digits

BRIEF = ["--seeds", "1", "--max-epochs", "1"]


def in_this_process(work, jobs, *given, workers):
    return ((job, work(job, *given)) for job in jobs)


def refuse(work, jobs, *given, workers):
    raise AssertionError("nothing is left to be done")


def interrupt(work, jobs, *given, workers):
    raise KeyboardInterrupt


def test_noise_against_bits_is_written_and_kept(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(difficulty, "NOISE", (0.0, 0.4))
    monkeypatch.setattr(kept_results, "on_workers", in_this_process)
    assert difficulty.main(["--output", str(tmp_path), *BRIEF]) == 0
    table = (tmp_path / "difficulty.md").read_text()
    assert table in capsys.readouterr().out
    rows = [line for line in table.splitlines() if line.startswith(("| missing", "| wrong"))]
    assert [row.split("|")[2].strip() for row in rows] == ["0", "0.4"] * 3
    assert len({row.split("|")[3] for row in rows if "| 0 |" in row}) == 1  # without noise all kinds are one
    assert "Published, with rising noise: +159, +561, +1,160 bits." in table
    assert (tmp_path / "difficulty.png").stat().st_size < 50_000
    monkeypatch.setattr(kept_results, "on_workers", refuse)
    assert difficulty.main(["--output", str(tmp_path), *BRIEF]) == 0
    with pytest.raises(AssertionError, match="nothing is left"):  # other settings are another study
        difficulty.main(["--output", str(tmp_path), "--seeds", "1", "--max-epochs", "2"])


def test_capacity_against_width_is_written_and_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_results, "on_workers", in_this_process)
    arguments = ["--output", str(tmp_path), *BRIEF, "--widths", "4"]
    assert capacity.main(arguments) == 0
    row = next(line for line in (tmp_path / "capacity.md").read_text().splitlines() if line.startswith("| 4 |"))
    cells = [cell.strip() for cell in row.replace(",", "").split("|")[2:-1]]
    assert cells[0] == str(64 * 4 + 4 + 4 * 10 + 10)
    assert float(cells[1]) == max(map(float, cells[4:]))
    assert list(capacity.TASKS).index(cells[2]) == max(range(4), key=lambda place: float(cells[4 + place]))
    assert (tmp_path / "capacity.png").stat().st_size < 50_000
    kept = json.loads((tmp_path / "capacity" / "4-2-0.json").read_text())
    assert kept["job"]["task"] == "odd or even"
    monkeypatch.setattr(kept_results, "on_workers", refuse)
    assert capacity.main(arguments) == 0


@pytest.mark.parametrize("study", [difficulty, capacity], ids=["difficulty", "capacity"])
def test_ctrl_c_ends_with_a_sentence(study, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(kept_results, "on_workers", interrupt)
    assert study.main(["--output", str(tmp_path), *BRIEF]) == 130
    assert "the same command resumes from them" in capsys.readouterr().err


def test_what_is_held_out_is_no_part_of_what_is_trained_on_and_tasks_are_what_they_are_called():
    known, unseen = digits()
    assert (len(known[1]), len(unseen[1])) == (1000, 797)
    assert len(torch.unique(torch.cat([known[0], unseen[0]]), dim=0)) == 1797
    made = {name: make(*known, 3) for name, make in capacity.TASKS.items()}
    assert {name: int(labels.amax()) + 1 for name, (_, labels) in made.items()} == {
        "ten digits": 10, "0 to 3": 4, "odd or even": 2, "20 % wrong": 10,
    }  # fmt: skip
    assert int((made["20 % wrong"][1] != known[1]).sum()) == 200
