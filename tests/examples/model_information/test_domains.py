"""The study of domains of digits, shortened."""

from __future__ import annotations

import re

import pytest
import torch

from examples.model_information import domains
from examples.model_information.domains import FAMILIES, class_subsets, digits, forms, main

SHORT = ["--seeds", "1", "--epochs", "1", "--workers", "1"]


def test_no_digit_is_both_trained_on_and_held_out():
    (known, _), (unseen, _) = digits()
    assert (len(known), len(unseen)) == (1000, 797)
    assert float(known.min()) == 0
    assert float(known.max()) == 1
    assert not {image.numpy().tobytes() for image in known} & {image.numpy().tobytes() for image in unseen}


def test_forms_are_the_same_digits_and_the_same_each_time():
    first, again = forms(), forms()
    plain = first["plain"][0]
    for name, parts in first.items():
        for part, twin in zip(parts, again[name], strict=True):
            assert torch.equal(part[0], twin[0])
        assert torch.equal(parts[0][1], plain[1])
    assert torch.equal(first["rotated"][0][0].rot90(-1, dims=(1, 2)), plain[0])
    assert torch.allclose(1 - first["inverted"][0][0], plain[0])
    assert 0.9 < float((first["noisy"][0][0] - plain[0]).std() / domains._NOISE) < 1.1


def test_subsets_have_their_classes():
    for name, classes in {"all": range(10), "0 to 4": range(5), "5 to 9": range(5, 10)}.items():
        for images, labels in class_subsets()[name]:
            assert set(labels.tolist()) == set(classes)
            assert len(images) == len(labels)


@pytest.fixture
def one_process(monkeypatch):
    monkeypatch.setattr(
        "examples.model_information.kept_results.on_workers",
        lambda work, jobs, *given, workers: ((job, work(job, *given)) for job in jobs),
    )


def test_the_table_and_figures_are_written_and_nothing_is_computed_twice(tmp_path, monkeypatch, capsys, one_process):
    monkeypatch.setattr(domains, "_SETTINGS", {"blocks": [50.0, 100.0], "batch_size": 400})
    monkeypatch.setitem(FAMILIES, "forms", lambda: {name: forms()[name] for name in ("plain", "noisy", "rotated")})
    assert main(["--output", str(tmp_path), *SHORT]) == 0
    first = capsys.readouterr().out
    assert first.count("\n| ") == 1 + 3 * 3 + 3 * 3
    assert "tau between the symmetric similarity of 3 pairs" in first
    assert re.search("knows about all: [01] of 1 seeds", first)
    assert "Settings: blocks [50.0, 100.0]" in first
    assert (tmp_path / "domains.md").read_text() == first[:-1]
    assert {path.name for path in tmp_path.glob("*.png")} == {"domains-forms.png", "domains-classes.png"}
    monkeypatch.setattr(domains, "domain_similarity", lambda *_, **__: pytest.fail("computed again"))
    assert main(["--output", str(tmp_path), *SHORT]) == 0
    assert capsys.readouterr().out == first


def test_ctrl_c_ends_it_with_a_sentence(tmp_path, monkeypatch, capsys, one_process):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(domains, "domain_similarity", interrupted)
    assert main(["--output", str(tmp_path), *SHORT]) == 130
    assert "the same command resumes" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.json"))
