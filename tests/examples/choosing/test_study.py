"""The one command of the study, on a small sweep."""

from __future__ import annotations

import json

import pytest

from examples.choosing import study
from tests.examples.choosing.small_sweep import make_small, train_small


@pytest.fixture
def arguments(tmp_path):
    return ["--output", str(tmp_path), "--data", str(tmp_path / "data"), "--wheels", str(tmp_path / "wheels")]


def test_what_is_trained_is_judged_and_written(arguments, tmp_path, monkeypatch, capsys):
    train_small(make_small(monkeypatch), tmp_path)
    study.main([*arguments, "--trained"])
    text = (tmp_path / "choosing.md").read_text()
    assert "| digits-noise0.2-0 | 5 |" in text
    assert text in capsys.readouterr().out
    record = json.loads((tmp_path / "choosing.json").read_text())
    assert [zoo["zoo"] for zoo in record["zoos"]] == ["digits-noise0.2-0"]
    assert {"date", "python", "torch", "lightning_infomem"} < set(record)
    study.main([*arguments, "--trained", "--replicates", "1"])
    assert json.loads((tmp_path / "choosing.json").read_text())["zoos"] == []


def test_levels_and_sweeps_are_trained_first(arguments, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(study, "train_all", lambda jobs, mnist, workers, advance: calls.append((len(jobs), workers)))
    monkeypatch.setattr(study.train, "main", calls.append)
    study.main([*arguments, "--workers", "1"])
    jobs = sum(len(zoo.models) + len(zoo.references) for zoo in study.ZOOS)
    assert calls == [(jobs, 1), [*arguments, "--workers", "1"]]


def test_who_stops_it_is_told_how_to_go_on(arguments, monkeypatch, capsys):
    def stop(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(study, "zoos_of_sweeps", stop)
    with pytest.raises(SystemExit) as exit_:
        study.main([*arguments, "--trained"])
    assert exit_.value.code == 130
    assert "run the same command to continue" in capsys.readouterr().out
