"""What the study ranks, from a small sweep that is trained here and from the names of the other zoos."""

from __future__ import annotations

import json

import pytest
import torch

from examples.benchmarks.recipes import ZOOS
from examples.benchmarks.training import jobs_of
from examples.choosing.zoos import zoos_of_levels, zoos_of_sweeps
from tests.examples.choosing.small_sweep import make_small, train_small


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    output = tmp_path_factory.mktemp("sweeps")
    with pytest.MonkeyPatch.context() as patch:
        sources = train_small(make_small(patch), output)
        yield output, sources, list(zoos_of_sweeps(output, sources))


def test_a_sweep_has_all_that_a_user_would_give(trained):
    output, _, [zoo] = trained
    assert (zoo.name, zoo.family, zoo.replicate) == ("digits-noise0.2-0", "digits", 0)
    assert (zoo.is_sweep, zoo.has_shortcut, zoo.kind) == (True, False, None)
    assert [path.name for path in zoo.files] == [f"model{number:02d}.ckpt" for number in range(5)]
    assert [path.parent.name for path in zoo.references] == ["references"] * 2
    assert sum(len(batch) for batch in zoo.batches()) == len(zoo.truth) == 500
    assert sum(len(labels) for _, labels in zoo.training()) == 600
    written = json.loads((output / zoo.name / "labelled.json").read_text())
    assert zoo.accuracy == {f"{name}.ckpt": written[name]["clean_accuracy"] for name in written}


def test_truth_and_batches_are_in_one_order(trained):
    _, _, [zoo] = trained
    path = zoo.files[0]
    model = zoo.model(torch.load(path, weights_only=True))
    predicted = torch.cat([model(batch) for batch in zoo.batches()]).argmax(1)
    right = (predicted == torch.from_numpy(zoo.truth)).double().mean().item()
    assert right == zoo.labelled[path.stem]["probe_accuracy"]


def test_a_sweep_that_is_not_trained_to_its_end_is_left_out(trained, monkeypatch):
    output, sources, [zoo] = trained
    make_small(monkeypatch)
    whole = zoo.references[1].read_bytes()
    zoo.references[1].unlink()
    try:
        assert list(zoos_of_sweeps(output, sources)) == []
    finally:
        zoo.references[1].write_bytes(whole)
    assert len(list(zoos_of_sweeps(output, sources))) == 1


def test_zoos_of_levels_have_their_kind_and_only_one_width_each(tmp_path):
    for zoo in ZOOS:
        for job in jobs_of(zoo, tmp_path):
            job.folder.mkdir(parents=True, exist_ok=True)
            job.path.touch()
    found = {zoo.name: zoo for zoo in zoos_of_levels(tmp_path, tmp_path)}
    assert {name: zoo.kind for name, zoo in found.items()} == {
        **dict.fromkeys(("colored-digits", "colored-mnist", "patched-mnist"), "heuristic"),
        **dict.fromkeys(("shuffled-digits", "shuffled-mnist"), "example"),
        **dict.fromkeys(("union-mnist", "grid-digits-64", "grid-digits-128", "grid-digits-256"), None),
    }
    assert {name for name, zoo in found.items() if zoo.is_sweep} == {f"grid-digits-{width}" for width in (64, 128, 256)}
    assert {name for name, zoo in found.items() if zoo.has_shortcut} == {
        *("colored-digits", "colored-mnist", "patched-mnist", "union-mnist")
    }
    for zoo in found.values():
        assert (zoo.replicate, zoo.training, zoo.truth) == (0, None, None)
        assert zoo.references
    assert len(found["grid-digits-64"].files) == 3 * 3 * 2  # rates, decays and seeds
    assert sum(len(batch) for batch in found["colored-digits"].batches()) == 600
    without = {zoo.family for zoo in zoos_of_levels(tmp_path, None)}
    assert without == {"colored-digits", "shuffled-digits", "grid-digits"}
    found["shuffled-digits"].files[0].unlink()
    assert "shuffled-digits" not in {zoo.name for zoo in zoos_of_levels(tmp_path, tmp_path)}
