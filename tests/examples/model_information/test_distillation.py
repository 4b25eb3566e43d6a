"""The study of teachers on digits: finished results are kept, and the table states the outcome."""

from __future__ import annotations

import json

from examples.model_information import distillation, kept_results

QUICK = ["--teachers", "4", "--alphas", "0", "0.5", "--seeds", "0", "1", "--samples", "40", "--epochs", "1"]


def run(folder, *more):
    return distillation.main(["--output", str(folder), "--workers", "1", *QUICK, *more])


def test_parts_are_kept_and_the_table_and_the_picture_are_made_of_them(tmp_path, monkeypatch, capsys):
    asked = []

    def here(work, names, *given, workers):
        asked.extend(names)
        return ((name, work(name, *given)) for name in names)

    monkeypatch.setattr(kept_results, "on_workers", here)
    assert run(tmp_path) == 0
    assert asked == ["teacher-4-alpha-0.0", "teacher-4-alpha-0.5"]
    written = (tmp_path / "distillation.md").read_text()
    assert written == capsys.readouterr().out.removesuffix("\n")
    assert "student of 8 units on 40 digits" in written
    assert "| 0 | 0 ± 0 |" in written
    assert "Of 1 intervals" in written
    assert (tmp_path / "distillation.png").stat().st_size < 50_000
    kept = json.loads((tmp_path / "distillation" / "teacher-4-alpha-0.5.json").read_text())["result"]
    assert [row["seed"] for row in kept] == [0, 1]
    assert run(tmp_path) == 0  # nothing is done again
    assert len(asked) == 2
    assert run(tmp_path, "--epochs", "2") == 0  # but what differs is
    assert len(asked) == 4


def test_control_c_ends_it_with_a_sentence(tmp_path, monkeypatch, capsys):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(kept_results, "on_workers", stopped)
    assert run(tmp_path) == 130
    assert "finished results are kept" in capsys.readouterr().err
