import gzip
from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest
import torch

from examples.benchmarks.images import load_images
from examples.benchmarks.networks import build_network, network
from examples.benchmarks.ranking import judge_zoo
from examples.benchmarks.recipes import ZOOS, Recipe, Zoo
from examples.benchmarks.summary import markdown
from examples.benchmarks.tasks import make_task, probe
from examples.benchmarks.training import Job, jobs_of, read_labelled, train, train_all
from lightning_infomem.checkpoints.reading import load_checkpoint
from lightning_infomem.selection.rank_checkpoints import rank_checkpoints

SMALL = Recipe("digits", width=8, num_train=100, epochs=2, seed=7)
COLORED = replace(SMALL, cue="color", memorization="heuristic", base_noise=0.5)
BY_NAME = {zoo.name: zoo for zoo in ZOOS}


def write_idx(path, array):
    content = b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("part", ["t10k", "train"])
def test_mnist_is_read_from_idx_files(tmp_path, part, suffix):
    images = np.arange(2 * 28 * 28, dtype=np.uint32).reshape(2, 28, 28).astype(np.uint8)
    write_idx(tmp_path / f"{part}-images-idx3-ubyte{suffix}", images)
    write_idx(tmp_path / f"{part}-labels-idx1-ubyte{suffix}", np.array([3, 8], np.uint8))
    pooled, digits = load_images("mnist", tmp_path)
    assert pooled.shape == (2, 14, 14)
    assert pooled[1, 2, 3] == pytest.approx(images[1, 4:6, 6:8].mean() / 255)
    assert digits.tolist() == [3, 8]


def test_a_file_that_is_no_idx_file_is_named(tmp_path):
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(b"<html>not found</html>")
    with pytest.raises(ValueError, match="t10k-images-idx3-ubyte' is none"):
        load_images("mnist", tmp_path)


def test_a_folder_without_mnist_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"mnist: a folder with 'train-images-idx3-ubyte'.*has none"):
        load_images("mnist", tmp_path)


@pytest.mark.parametrize("seed", [0, 3, 11])
def test_no_image_of_the_probe_is_trained_or_tested_on(seed):
    zoo = BY_NAME["shuffled-digits"]
    task = make_task(replace(zoo.models["level1-seed4"], seed=seed), None)
    probed = {image.numpy().tobytes() for batch in probe(zoo) for image in batch}
    assert len(probed) == 600
    assert not probed & {image.numpy().tobytes() for image in torch.cat([task.train[0], task.clean[0]])}


def colors(inputs):
    """Which plane is lit."""
    return inputs.sum((2, 3)).argmax(1)


@pytest.mark.parametrize(("level", "share"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_the_color_is_the_label_as_often_as_the_level_says(level, share):
    task = make_task(replace(COLORED, level=level, num_train=800), None)
    for inputs, labels in (task.train, task.validation):
        # Four standard errors of a share of 397 images.
        assert (colors(inputs) == labels).double().mean() == pytest.approx(share, abs=0.1)
    inputs, labels = task.clean
    assert (colors(inputs) == labels).double().mean() == pytest.approx(0.5, abs=0.1)


def test_levels_of_one_seed_share_images_and_what_is_clean():
    low, high = (make_task(replace(COLORED, level=level), None) for level in (0.0, 1.0))
    assert torch.equal(low.train[1], high.train[1])
    assert torch.equal(low.train[0].sum(1), high.train[0].sum(1))
    assert all(torch.equal(one, other) for one, other in zip(low.clean, high.clean, strict=True))


def test_clean_labels_are_right_and_noisy_ones_are_not():
    task = make_task(replace(SMALL, memorization="example", level=1.0), None)
    assert (task.validation[1] == task.clean[1]).double().mean() < 0.2
    assert torch.equal(task.validation[0], task.clean[0])


def test_the_probe_of_a_zoo_mixes_its_cues():
    zoo = BY_NAME["colored-digits"]
    images, digits = (torch.from_numpy(part) for part in load_images("digits", None))
    shape = {image.numpy().tobytes(): int(digit < 5) for image, digit in zip(images, digits, strict=True)}
    inputs = torch.cat(probe(zoo))
    true = torch.tensor([shape[image.sum(0).numpy().tobytes()] for image in inputs])
    # The mean level is one half: the cue is the label in 3/4, and the label is right in 3/4 of the images.
    assert (colors(inputs) == true).double().mean() == pytest.approx(0.625, abs=0.08)


@pytest.mark.parametrize("zoo", ZOOS, ids=lambda zoo: zoo.name)
def test_every_zoo_has_twenty_networks_and_two_references_of_each_width(zoo):
    assert len(set(zoo.models.values())) == len(zoo.models) >= 20
    for width in {recipe.width for recipe in zoo.models.values()}:
        assert sum(recipe.width == width for recipe in zoo.references.values()) == 2
    assert not {recipe.seed for recipe in zoo.models.values()} & {recipe.seed for recipe in zoo.references.values()}


@pytest.mark.parametrize("zoo", ZOOS, ids=lambda zoo: zoo.name)
def test_networks_fit_their_inputs(zoo):
    recipe = next(iter(zoo.models.values()))
    side = 8 if zoo.images == "digits" else 14
    logits = build_network(recipe)(torch.zeros(2, 2 if recipe.cue == "color" else 1, side, side))
    assert logits.shape == (2, recipe.num_classes)


def test_a_saved_network_is_rebuilt_with_its_accuracy(tmp_path):
    job = Job(tmp_path, "small", replace(SMALL, width=64, epochs=40))
    entry = train(job, None)
    rebuilt = network(load_checkpoint(job.path))
    inputs, labels = make_task(job.recipe, None).clean
    assert entry["clean_accuracy"] == (rebuilt(inputs).argmax(1) == labels).double().mean().item() > 0.5
    assert entry["train_loss"] < entry["validation_loss"]


def test_trained_zoos_are_not_trained_again_and_can_be_compared(tmp_path):
    recipes = {f"level{level}": replace(COLORED, level=level, epochs=10) for level in (0.0, 0.5, 1.0)}
    zoo = Zoo("small", "small", "heuristic", recipes, {"reference": replace(COLORED, seed=8)})
    jobs, advances = jobs_of(zoo, tmp_path), []
    train_all(jobs, None, 1, lambda: advances.append(1))
    assert len(advances) == 4
    assert all(job.done for job in jobs)
    assert not Job(jobs[0].folder, jobs[0].name, replace(jobs[0].recipe, epochs=11)).done
    assert set(read_labelled(tmp_path / "small")) == set(recipes)
    assert not list(tmp_path.rglob("*.unfinished"))
    judged = judge_zoo(zoo, tmp_path, None)
    [criteria] = judged["told"]
    accuracy = {name: entry["clean_accuracy"] for name, entry in read_labelled(tmp_path / "small").items()}
    ranking = rank_checkpoints([job.path for job in jobs[:3]], memorization="heuristic", model=network, data=probe(zoo))
    first = [accuracy[row.path.stem] for row in ranking.rows if row.rank == ranking.best.rank]
    assert criteria["mutual_information"]["regret"] == pytest.approx(max(accuracy.values()) - fmean(first))
    # With the shortcut on in validation, what is best there is worst on clean images.
    assert criteria["validation_accuracy"]["tau"] < 0 < criteria["validation_accuracy"]["regret"]
    assert len(judged["verdicts"]) == 1
    assert {kind["level"] for kind in judged["kinds"]} == {0.0, 0.5, 1.0}
    text = markdown([judged])
    assert "| **mutual_information** | " in text
    assert len(judged["reference"]) == 1
    assert "Kind of memorization inferred from a reference, in 1 zoos of few" in text
