"""The study of a small convolutional network, shortened, and its weights for `infomem ablate`."""

from __future__ import annotations

import pytest
import torch

from examples.model_information import ablation
from examples.model_information.ablation import held_out, main
from examples.model_information.block_network import BlockNetwork
from lightning_infomem.cli.main import main as infomem

SHORT = ["--seeds", "2", "--epochs", "1", "--workers", "1"]


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(ablation, "_SETTINGS", {"blocks": [50.0, 100.0], "batch_size": 400, "learning_rate": 3e-3})
    monkeypatch.setattr(
        "examples.model_information.kept_results.on_workers",
        lambda work, jobs, *given, workers: ((job, work(job, *given)) for job in jobs),
    )


def test_the_network_gives_ten_scores_for_each_image():
    images, classes = held_out()
    assert BlockNetwork()(images[:5]).shape == (5, 10)
    assert set(classes.tolist()) == set(range(10))


def test_the_table_and_the_figure_are_written_and_nothing_is_computed_twice(tmp_path, monkeypatch, capsys, quick):
    assert main(["--output", str(tmp_path), *SHORT]) == 0
    first = capsys.readouterr().out
    names = [line.split(" | ")[0] for line in first.splitlines() if line.startswith("| ")]
    assert names == [f"| {name}" for name in ("set back", "block1", "block2", "block3", "head", "(sum)", "(whole)")]
    assert "Means over seeds 0, 1" in first
    assert (tmp_path / "ablation.md").read_text() == first[:-1]
    assert (tmp_path / "ablation.png").exists()
    monkeypatch.setattr(ablation, "train", lambda *_: pytest.fail("trained again"))
    assert main(["--output", str(tmp_path), *SHORT]) == 0
    assert capsys.readouterr().out == first


def test_the_weights_before_and_after_training_are_those_that_infomem_ablate_reads(tmp_path, capsys, quick):
    assert main(["--output", str(tmp_path), "--train-only", *SHORT]) == 0
    initial, final = (torch.load(tmp_path / f"seed0-{name}.ckpt", weights_only=True) for name in ("initial", "final"))
    assert any(not torch.equal(value, initial["state_dict"][name]) for name, value in final["state_dict"].items())
    words = [
        *("ablate", str(tmp_path / "seed0-final.ckpt"), "--initial", str(tmp_path / "seed0-initial.ckpt")),
        *("--model", "examples.model_information.block_network:BlockNetwork"),
        *("--data", "examples.model_information.ablation:held_out", "--components", "blocks=block?", "head=head"),
        *("--blocks", "50", "100", "--epochs", "1", "--batch-size", "400"),
    ]
    assert infomem(words) == 0
    assert "blocks" in capsys.readouterr().out


def test_ctrl_c_ends_it_with_a_sentence(tmp_path, monkeypatch, capsys, quick):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ablation, "train", interrupted)
    for more in ([], ["--train-only"]):
        assert main(["--output", str(tmp_path), *SHORT, *more]) == 130
        assert "the same command resumes" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.*"))
