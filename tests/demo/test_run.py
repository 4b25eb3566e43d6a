import dataclasses
import io

import pytest
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from lightning_infomem.demo import along_run, run
from lightning_infomem.demo.training import Recipe


@pytest.fixture(autouse=True)
def short_trainings(monkeypatch, undrawn):
    """One epoch and one validation each, no figures for loggers: the course of things is tested, not what is learnt."""
    monkeypatch.setattr("lightning_infomem.callbacks.run_monitor.log_pictures", lambda *_, **__: 0.0)
    monkeypatch.setattr(run, "_VALIDATIONS", 1)
    monkeypatch.setattr(along_run, "_RECIPE", Recipe(epochs=5))
    monkeypatch.setattr(along_run, "_EVERY", 1)
    monkeypatch.setattr(run, "ZOOS", tuple(dataclasses.replace(zoo, epochs=1) for zoo in run.ZOOS))
    monkeypatch.setattr(run, "draw_recipes", lambda seed: [Recipe(1), Recipe(2, 1e-2), Recipe(2, 1e-2, dropout=0.2)])


def hyperparameters(folder):
    metadata = EventAccumulator(str(folder)).Reload().summary_metadata
    return [(tag, HParamsPluginData.FromString(metadata[tag].plugin_data.content)) for tag in metadata if "_hp" in tag]


def test_the_demonstration_writes_what_it_says(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "_command", lambda name: name)
    output, console = tmp_path / "new" / "folder", Console(file=io.StringIO(), width=80)
    run.run_demo(output, 0, console)
    text = console.file.getvalue()
    assert len(list(output.glob("*/*.ckpt"))) == 10 + 2 * 5 + 3
    assert len(list(output.glob("*/*/events.*"))) == 10 + 3
    assert len(list(output.glob("*-run/events.*"))) == 2
    assert len(list(output.glob("figures/*.png"))) == 6 + 2
    for folder in (output / "colored" / "alpha-0.50", output / "noisy-run"):
        (declared,) = (values for tag, values in hyperparameters(folder) if tag == "_hparams_/session_start_info")
        assert declared.session_start_info.hparams["level"].number_value == 0.5
    assert text.count("Kendall's tau with clean accuracy") == 2
    commands = [line.partition(":")[2].strip() for line in text.splitlines()[-5:]]  # each on one line, to be copied
    assert commands == [
        f"tensorboard --logdir {output}",
        f"infomem rank {output / 'colored'} --memorization heuristic",
        f"infomem rank {output / 'sweep'}",
        f"infomem run {output / 'noisy-run'}",
        f"{output / 'report.html'}",
    ]
    page = (output / "report.html").read_text(encoding="utf-8")
    assert page.count('<h2 id="chapter-') == 5
    assert page.count("Points of clean accuracy lost by each choice: mutual information: ") == 1
    assert page.count("<summary>alpha-") == page.count("<summary>beta-") == 5


def test_commands_that_are_not_on_the_path_are_shown_with_theirs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "infomem").touch()
    monkeypatch.setattr(run.sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setattr(run.shutil, "which", lambda name: None)
    assert run._command("infomem") == "bin/infomem"
    assert run._command("tensorboard") == "tensorboard"  # not installed here
    monkeypatch.setattr(run.shutil, "which", lambda name: f"/somewhere/{name}")
    assert run._command("infomem") == "infomem"


def test_a_second_demonstration_in_the_same_folder_gives_the_same_ranking(tmp_path):
    zoo = run.ZOOS[0]
    first, second = (run.rank_zoo(zoo, tmp_path, seed=1) for _ in range(2))
    assert first.ranking.rows == second.ranking.rows
    assert first.accuracies == second.accuracies
    assert len(list(tmp_path.rglob("*.ckpt"))) == 5
    assert len(list(tmp_path.rglob("events.*"))) == 5


@pytest.mark.parametrize("criterion", ["mutual_information", "entropy", "consensus_accuracy"])
def test_tau_compares_ranks_by_a_criterion_with_accuracy(tmp_path, criterion):
    ranked = run.rank_zoo(run.ZOOS[1], tmp_path, seed=0)
    agreeing = dataclasses.replace(ranked, accuracies=[-float(row.ranks[criterion]) for row in ranked.rows])
    assert agreeing.tau(criterion) == pytest.approx(1)
    reversed_order = dataclasses.replace(ranked, accuracies=[float(row.ranks[criterion]) for row in ranked.rows])
    assert reversed_order.tau(criterion) == pytest.approx(-1)


def test_the_tables_are_in_the_order_of_mutual_information_and_name_what_leads(tmp_path):
    zoo = run.ZOOS[1]
    ranked = run.rank_zoo(zoo, tmp_path, seed=0)
    console = Console(file=io.StringIO(), width=80)
    console.print(run._table(zoo, ranked))
    console.print(run._agreement(ranked))
    lines = console.file.getvalue().splitlines()
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines]
    ranks = [int(line[0]) for line in cells if line and line[0].isdecimal()]
    assert len(ranks) == 5
    assert ranks == sorted(ranks)
    assert [int(line[5]) for line in cells if line and line[0].isdecimal()] == [
        row.rank for row in sorted(ranked.rows, key=lambda row: row.ranks["mutual_information"])
    ]
    text = " ".join(" ".join(lines).split())
    assert "what leads the ranking: consensus accuracy" in text
    assert f"{ranked.tau('consensus_accuracy'):+.2f} by consensus accuracy" in text
