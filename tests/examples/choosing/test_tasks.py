from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch

from examples.choosing.pools import Pool
from examples.choosing.sources import Sources
from examples.choosing.sweeps import DATA, SWEEPS, WORD_ZOO, Sweep
from examples.choosing.tasks import draw_task, probe_batches, training_batches

NOISY = Sweep("digits-noise0.4", "digits", noise=0.4)
HUMAN = Sweep("cifar-small-worst", "cifar-small", "worst")


def pool_of(count, width=6, classes=4, **labels):
    """Make inputs whose first number is their place in the pool."""
    generator = np.random.default_rng(0)
    inputs = generator.random((count, width), dtype=np.float32)
    inputs[:, 0] = np.arange(count)
    return Pool(inputs, {"clean": generator.integers(0, classes, count), **labels})


DIGITS = pool_of(1797, classes=10)
TEXTS = pool_of(12_000)


@pytest.mark.parametrize("recipe", [None, *NOISY.references.values()], ids=["sweep", "reference", "other reference"])
def test_parts_share_no_example_and_hold_the_rows_they_name(recipe):
    task = draw_task(NOISY, recipe, DIGITS)
    for one, other in combinations(task.rows.values(), 2):
        assert not np.intersect1d(one, other).size
    for name, rows in task.rows.items():
        assert getattr(task, name)[0][:, 0].tolist() == rows.tolist()
    assert [len(task.rows[name]) for name in ("train", "validation", "probe", "test")] == [600, 197, 500, 500]


def test_all_networks_of_a_sweep_and_its_references_share_probe_and_test():
    tasks = [draw_task(NOISY, recipe, DIGITS) for recipe in (None, *NOISY.references.values())]
    for name in ("probe", "test"):
        assert all(torch.equal(getattr(task, name)[0], getattr(tasks[0], name)[0]) for task in tasks)
    assert len({tuple(task.rows["train"]) for task in tasks}) == 3


def test_another_replicate_holds_out_other_examples():
    probes = [draw_task(replace(NOISY, replicate=replicate), None, DIGITS).rows["probe"] for replicate in (0, 1)]
    assert len(np.intersect1d(*probes)) < 250


def test_labels_are_replaced_by_other_classes_with_the_noise_of_the_sweep():
    sweep = Sweep("agnews-bag-noise0.4", "agnews-bag", noise=0.4)
    task, true = draw_task(sweep, None, TEXTS), torch.from_numpy(TEXTS.labels["clean"])
    shares = {
        name: (getattr(task, name)[1] != true[task.rows[name]]).double().mean().item()
        for name in ("train", "validation", "probe", "test")
    }
    assert shares["train"] == pytest.approx(0.4, abs=0.02)
    assert shares["validation"] == pytest.approx(0.4, abs=0.06)
    assert shares["probe"] == shares["test"] == 0
    wrong = task.train[1] != true[task.rows["train"]]
    assert len(((task.train[1] - true[task.rows["train"]]) % 4)[wrong].unique()) == 3


def test_human_labels_are_those_of_training_and_validation_only():
    human = np.full(13_000, 9)
    pool = pool_of(13_000, classes=9, worst=human)
    pool = Pool(pool.inputs, pool.labels, np.arange(13_000) >= 9000)
    task = draw_task(HUMAN, None, pool)
    assert (task.train[1] == 9).all()
    assert (task.validation[1] == 9).all()
    assert (task.probe[1] < 9).all()
    assert max(task.rows["train"].max(), task.rows["validation"].max()) < 9000 <= task.rows["probe"].min()
    reference = draw_task(HUMAN, HUMAN.references["reference100"], pool)
    assert (reference.train[1] < 9).all()


def words_of(inputs):
    present = inputs[:, -4:] > 0
    assert (present.sum(1) == 1).all()
    return present.int().argmax(1)


@pytest.mark.parametrize("level", [0.0, 0.5, 0.8, 0.95, 1.0])
def test_words_tell_the_given_label_as_often_as_the_level_says(level):
    task = draw_task(WORD_ZOO, WORD_ZOO.models[f"level{level:g}-seed1"], TEXTS)
    told = level + (1 - level) / 4
    for name, tolerance in (("train", 0.03), ("validation", 0.08)):
        inputs, labels = getattr(task, name)
        assert (words_of(inputs) == labels).double().mean().item() == pytest.approx(told, abs=tolerance)
    inputs, labels = task.test
    assert (words_of(inputs) == labels).double().mean().item() == pytest.approx(0.25, abs=0.04)


def test_words_of_a_zoos_probe_are_of_all_levels():
    task = draw_task(WORD_ZOO, None, TEXTS)
    share = np.mean(WORD_ZOO.levels)
    told_noisy_label = share + (1 - share) / 4
    expected = 0.8 * told_noisy_label + 0.2 * (1 - told_noisy_label) / 3
    assert (words_of(task.probe[0]) == task.probe[1]).double().mean().item() == pytest.approx(expected, abs=0.06)
    assert torch.equal(task.probe[0], draw_task(WORD_ZOO, WORD_ZOO.models["level1-seed3"], TEXTS).probe[0])


def test_networks_of_one_seed_differ_only_where_the_level_says():
    weak, strong = (draw_task(WORD_ZOO, WORD_ZOO.models[f"level{level}-seed2"], TEXTS) for level in (0.8, 0.95))
    assert torch.equal(weak.train[1], strong.train[1])
    changed = (weak.train[0] != strong.train[0]).any(1).double().mean().item()
    assert changed == pytest.approx(0.15 * 0.75, abs=0.02)


def test_batches_are_the_probe_and_the_training_set_as_given(tmp_path):
    sweep = next(sweep for sweep in SWEEPS if sweep.folder == "digits-noise0.4-0")
    sources = Sources(tmp_path, tmp_path, tmp_path / "features")
    probe, training = probe_batches(sweep, sources), training_batches(sweep, sources)
    assert [len(batch) for batch in probe] == [200, 200, 100]
    assert sum(len(labels) for _, labels in training) == DATA["digits"].num_train
    assert all(inputs.shape == (200, 64) and labels.dtype == torch.int64 for inputs, labels in training)
