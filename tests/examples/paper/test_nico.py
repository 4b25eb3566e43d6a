import warnings
from collections import Counter
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from examples.paper.layouts.nico import list_images, read_images
from examples.paper.networks.resnet import STAGES
from examples.paper.nico import CONTEXT_OF, EXPERIMENT, Nico
from lightning_infomem.sampling.layers import select_layers

ANIMALS, CONTEXTS = list(CONTEXT_OF), sorted(CONTEXT_OF.values())
TRAIN = "track_1/public_dg_0416/train"


def write_nico(folder, *, own=18, others=8, place=TRAIN):
    """Images of one colour each: red is the animal's place, green its context's, blue a number; JPEG keeps them."""
    for animal in ANIMALS:
        for context in CONTEXTS:
            (folder / place / context / animal).mkdir(parents=True)
            for number in range(own if CONTEXT_OF[animal] == context else others):
                color = (40 * ANIMALS.index(animal), 40 * CONTEXTS.index(context), 12 * number)
                path = folder / place / context / animal / f"{animal}_{number:06}.jpg"
                Image.new("RGB", (24, 20), color).save(path, quality=95)


def kinds(images):
    """Animal, context and number of each image."""
    color = images.float().mean((2, 3))
    return [tuple(row) for row in (color / torch.tensor([40.0, 40.0, 12.0])).round().int().tolist()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("nico")
    write_nico(made)
    return made


@pytest.fixture(scope="module")
def by_level(folder):
    made = {level: Nico(folder, level, 2, batch_size=16, image_side=16) for level in EXPERIMENT.levels}
    for data in made.values():
        data.setup("fit")
    return made


def test_balanced_networks_see_each_animal_in_all_contexts_alike(by_level):
    counts = Counter((animal, context) for animal, context, _ in kinds(by_level[0.0].train_set.images))
    assert counts == {(animal, context): 3 for animal in range(6) for context in range(6)}


def test_the_other_networks_see_each_animal_in_its_own_context_as_often(by_level):
    counts = Counter((animal, context) for animal, context, _ in kinds(by_level[1.0].train_set.images))
    own = {(place, CONTEXTS.index(context)): 18 for place, context in enumerate(CONTEXT_OF.values())}
    assert counts == own
    assert len(by_level[0.0].train_set) == len(by_level[1.0].train_set)


def test_few_images_in_one_context_limit_all_of_an_animal(tmp_path):
    write_nico(tmp_path, own=18, others=5)
    data = Nico(tmp_path, 0.0, 0, batch_size=16, image_side=16)
    data.setup("fit")
    assert set(Counter((a, c) for a, c, _ in kinds(data.train_set.images)).values()) == {2}
    assert len(data.validation_set) == 6 * 5 * 3


def test_labels_are_the_animals(by_level):
    for data in by_level.values():
        for part in (data.train_set, data.validation_set):
            assert [animal for animal, _, _ in kinds(part.images)] == part.labels.tolist()


def test_validation_shows_images_of_other_contexts_that_no_level_learns(by_level):
    held_out = kinds(by_level[0.0].validation_set.images)
    assert len(set(held_out)) == len(held_out) == 6 * 5 * 5
    assert all(CONTEXTS[context] != CONTEXT_OF[ANIMALS[animal]] for animal, context, _ in held_out)
    for data in by_level.values():
        assert not set(held_out) & set(kinds(data.train_set.images))
        assert torch.equal(data.validation_set.images, by_level[0.0].validation_set.images)
        assert torch.equal(data.probe_set.images, data.validation_set.images)
        assert len(data.probe_set[0]) == 1


def test_another_seed_holds_other_images_out(folder, by_level):
    data = Nico(folder, 0.0, 3, batch_size=16, image_side=16)
    data.setup("fit")
    assert set(kinds(data.validation_set.images)) != set(kinds(by_level[0.0].validation_set.images))


def test_the_folder_may_begin_at_the_track(tmp_path):
    write_nico(tmp_path, place="public_dg_0416/train")
    assert len(list_images(tmp_path, CONTEXTS, ANIMALS)["grass", "bear"]) == 18


def test_a_network_measures_its_four_stages(by_level):
    network = EXPERIMENT.make_network(by_level[0.0], 0)
    image, _ = by_level[0.0].train_set[0]
    assert image.dtype == torch.float32
    assert 0 <= image.min() <= image.max() <= 1
    assert network.eval()(image[None]).shape == (1, 6)
    assert list(select_layers(network, EXPERIMENT.layers)) == [*STAGES]


def test_images_are_224_pixels_wide_by_default():
    assert partial(EXPERIMENT.data, None, 0.0, 0)(batch_size=4).image_side == 224


def test_a_resized_image_keeps_what_is_where(tmp_path):
    pixels = np.zeros((30, 60, 3), np.uint8)
    pixels[:, 30:, 2] = 255
    Image.fromarray(pixels).save(tmp_path / "a.jpg", quality=95)
    images, readable = read_images([tmp_path / "a.jpg"], 8)
    assert readable.tolist() == [True]
    assert images.shape == (1, 3, 8, 8)
    assert images[0, 2, :, :3].max() < 40
    assert images[0, 2, :, 5:].min() > 215


def test_gray_images_are_read_as_color(tmp_path):
    Image.new("L", (9, 9), 100).save(tmp_path / "a.jpg")
    assert (read_images([tmp_path / "a.jpg"], 4)[0].float() - 100).abs().max() <= 2


def test_damaged_images_are_counted_named_and_left_out(tmp_path):
    write_nico(tmp_path)
    folder = tmp_path / TRAIN / "dim" / "bear"
    whole = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(whole).save(folder / "cut.jpg")
    (folder / "cut.jpg").write_bytes((folder / "cut.jpg").read_bytes()[:900])
    (folder / "page.jpg").write_text("<html>not found</html>")
    (folder / "empty.jpg").write_bytes(b"")
    paths = sorted(folder.iterdir())
    with pytest.warns(UserWarning, match=r"nico: 3 of 11 images cannot be read .*cut.jpg', '.*empty.*', '.*page"):
        images, readable = read_images(paths, 16)
    assert len(images) == 8
    assert [path.name for path, kept in zip(paths, readable, strict=True) if not kept] == [
        "cut.jpg",
        "empty.jpg",
        "page.jpg",
    ]
    data = Nico(tmp_path, 0.0, 2, batch_size=16, image_side=16)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        data.setup("fit")
    assert len(data.train_set) + len(data.validation_set) == 6 * 6 * 3 + 6 * 5 * 5 + 0
    for part in (data.train_set, data.validation_set):
        assert [animal for animal, _, _ in kinds(part.images)] == part.labels.tolist()


def test_of_many_damaged_images_five_are_named(tmp_path):
    paths = [tmp_path / f"{number}.jpg" for number in range(8)]
    for path in paths:
        path.write_bytes(b"")
    with pytest.warns(UserWarning, match=r"8 of 8 .*4\.jpg' and 3 more; unpack"):
        images, _ = read_images(paths, 4)
    assert images.shape == (0, 3, 4, 4)


def test_without_a_folder_it_is_said_what_to_get():
    with pytest.raises(FileNotFoundError, match=r"data_root: a folder with NICO\+\+ is required, got None; Zhang"):
        list_images(None, CONTEXTS, ANIMALS)


def test_the_error_for_an_empty_folder_names_the_layout_and_the_source(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"'track_1/public_dg_0416/train/<context>/<class>/\*.jpg' .*none; put.*Zhang"
    ):
        list_images(tmp_path, CONTEXTS, ANIMALS)


@pytest.mark.parametrize("removed", [False, True])
def test_a_context_without_an_animal_is_named(tmp_path, removed):
    write_nico(tmp_path, own=1, others=1)
    folder = tmp_path / TRAIN / "rock" / "dog"
    (folder / "dog_000000.jpg").unlink()
    if removed:
        folder.rmdir()
    state = "is no folder" if removed else "has none"
    with pytest.raises(ValueError, match=f"images of 'dog' in the context 'rock' are required, '.*dog' {state}"):
        list_images(tmp_path, CONTEXTS, ANIMALS)


def test_too_few_images_to_divide_are_refused(tmp_path):
    write_nico(tmp_path, own=5, others=8)
    with pytest.raises(ValueError, match=r"at least 6 images of 'bear' in 'grass' and 2 .* required, got 5 and 8"):
        Nico(tmp_path, 0.0, 0, batch_size=16, image_side=16).setup("fit")
