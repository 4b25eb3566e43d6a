import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from examples.benchmarks.training import read_labelled
from examples.choosing.networks import network
from examples.choosing.sources import Sources
from examples.choosing.sweeps import SWEEPS
from examples.choosing.tasks import make_task
from examples.choosing.train import main
from examples.choosing.training import Job, jobs_of, train, train_all

SWEEP = next(sweep for sweep in SWEEPS if sweep.folder == "digits-noise0.4-0")
SHORT = replace(SWEEP.base, epochs=3, batch_size=32, weight_decay=0.02, learning_rate=0.004)


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    return tmp_path_factory.mktemp("sweeps")


@pytest.fixture(scope="module")
def sources(output):
    return Sources(output, output, output / "features")


@pytest.fixture(scope="module")
def job(output):
    return Job(SWEEP, output / SWEEP.folder, "short", SHORT, False)


@pytest.fixture(scope="module")
def entry(job, sources):
    return train(job, sources)


def test_a_checkpoint_rebuilds_the_network_and_tells_its_recipe(job, entry, sources):
    checkpoint = torch.load(job.path, weights_only=True)
    task = make_task(SWEEP, SHORT, sources)
    model = network(checkpoint)
    predicted = model(task.test[0]).argmax(1)
    assert (predicted == task.test[1]).double().mean().item() == entry["clean_accuracy"]
    assert checkpoint["hyper_parameters"] == SHORT.to_state()
    (group,) = checkpoint["optimizer_states"][0]["param_groups"]
    assert (group["lr"], group["weight_decay"]) == (0.004, 0.02)
    assert (checkpoint["epoch"], checkpoint["global_step"]) == (2, 3 * 19) == (2, entry["steps"])


def test_probabilities_are_those_of_the_measures(job, entry, sources):
    task = make_task(SWEEP, SHORT, sources)
    with np.load(job.folder / "short.npz") as arrays:
        assert arrays["probe"].dtype == np.float16
        assert arrays["probe"].shape == (500, 10)
        accuracy = (arrays["probe"].argmax(1) == task.probe[1].numpy()).mean()
        assert accuracy == pytest.approx(entry["probe_accuracy"], abs=0.01)
        labels = arrays["validation_labels"]
        chosen = arrays["validation"][np.arange(197), labels].astype(float)
        assert -np.log(chosen).mean() == pytest.approx(entry["validation_loss"], abs=0.01)
        assert arrays["last_epoch_loss"] == entry["last_epoch_loss"]
    assert entry["train_loss"] < entry["last_epoch_loss"]  # dropout, and weights that were still worse


def test_neighbors_of_the_probe_are_kept_with_their_given_labels(job, entry, sources):
    task = make_task(SWEEP, None, sources)
    with np.load(job.home / "data.npz") as arrays:
        assert arrays["neighbors"].shape == (500, 10)
        assert (arrays["neighbor_labels"] == task.train[1].numpy()[arrays["neighbors"]]).all()
        assert (arrays["probe_labels"] == task.probe[1].numpy()).all()
        vote = [np.bincount(row[:5]).argmax() for row in arrays["neighbor_labels"]]
        assert (vote == arrays["probe_labels"]).mean() > 0.85  # though 40 % of the labels are wrong
        assert 0.5 < arrays["leave_one_out_accuracy"] < 0.6


def test_training_the_same_recipe_again_gives_the_same_network(job, entry, sources, tmp_path):
    again = train(replace(job, home=tmp_path), sources)
    assert {**again, "seconds": 0} == {**entry, "seconds": 0}


def test_finished_networks_of_the_same_recipe_are_done(job, entry, sources, output):
    seen = []
    other = replace(job, name="other", is_reference=True)
    assert not other.done
    train_all([other], sources, 1, lambda job, entry: seen.append(job.name))
    assert seen == ["other"]
    assert other.done
    assert other.path.parent.name == "references"
    assert not replace(other, recipe=replace(SHORT, epochs=4)).done
    assert json.loads((other.folder / "labelled.json").read_text()) == read_labelled(other.folder)


def test_the_command_trains_what_is_missing(monkeypatch, tmp_path, capsys):
    (tmp_path / SWEEP.folder).mkdir()
    jobs = jobs_of(SWEEP, tmp_path)
    labelled = {job.name: {"recipe": job.recipe.to_state()} for job in jobs[:16] if job.name != "model02"}
    for name in labelled:
        (tmp_path / SWEEP.folder / f"{name}.ckpt").touch()
    (tmp_path / SWEEP.folder / "labelled.json").write_text(json.dumps(labelled))
    trained = []
    monkeypatch.setattr("examples.choosing.train.train_all", lambda jobs, *given: trained.extend(jobs))
    main([*("--output", str(tmp_path)), *("--data", "."), *("--wheels", "."), *("--only", SWEEP.folder)])
    assert [job.name for job in trained] == ["model02", "reference100", "reference101"]
