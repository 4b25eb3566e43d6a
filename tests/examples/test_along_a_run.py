import io
import json
import tarfile
from collections import Counter
from dataclasses import replace
from statistics import fmean, stdev

import numpy as np
import pytest
import torch
from torch import nn

from examples.studies.along_a_run import is_done, main, record_path
from examples.studies.course import train_and_watch
from examples.studies.measuring import mean_and_error, measure_probe, residuals, within_classes
from examples.studies.networks import build_network, hidden_layers
from examples.studies.recipes import FAMILIES, HELD_OUT, Recipe, all_recipes
from examples.studies.reviews import load_reviews, prepare_reviews
from examples.studies.tasks import Sources, augmented, make_task, noisy_labels
from lightning_infomem import measure
from lightning_infomem.functional import pairwise_mutual_information

SMALL = Recipe("digits", "mlp", noise=0.5, num_train=120, width=16, epochs=2)
TRUE = np.arange(30_000) % 3


@pytest.fixture
def tiny_zoo(monkeypatch):
    families = {"digits-mlp": (replace(SMALL, noise=0.0), ({}, {"noise": 0.5}))}
    monkeypatch.setattr("examples.studies.recipes.FAMILIES", families)
    return families


def test_a_run_is_recorded_once_and_holds_every_measure_at_every_epoch(tmp_path, tiny_zoo, monkeypatch):
    arguments = ["--output", str(tmp_path), "--workers", "1", "--only", "digits-mlp"]
    monkeypatch.setattr("examples.studies.along_a_run.all_recipes", lambda: all_recipes((0,)))
    main(arguments)
    recipes = all_recipes((0,))
    assert [recipe.kind for recipe in recipes] == ["overfit", "noise"]
    assert all(is_done(recipe, tmp_path) for recipe in recipes)
    assert not is_done(replace(recipes[1], epochs=3), tmp_path)
    path = record_path(recipes[1], tmp_path)
    record, written = json.loads(path.read_text()), path.stat().st_mtime_ns
    assert [entry["epoch"] for entry in record["epochs"]] == [0, 1, 2]
    for entry in record["epochs"]:
        assert entry["train_accuracy"] > 0 < entry["validation_loss"]
        assert 0 <= entry["noise_fitted"] <= 1
        for probe in ("validation", "training"):
            assert list(entry[probe]["layers"]) == record["layers"] == ["1", "4", "7"]
            for values in entry[probe]["layers"].values():
                errors = {name for name in values if name.endswith("_error")}
                assert errors == {"mi_error", "copula_error", "residual_mi_error", "within_mi_error"}
                assert values["mi_error"] > 0
    main(arguments)
    assert path.stat().st_mtime_ns == written
    assert not list(tmp_path.rglob("*.unfinished"))


def test_a_run_is_the_same_when_it_is_done_again():
    first, again = (train_and_watch(SMALL, Sources()) for _ in range(2))
    assert json.dumps(first["epochs"]) == json.dumps(again["epochs"])


def test_a_run_that_diverges_says_so():
    record = train_and_watch(replace(SMALL, optimizer="sgd", learning_rate=1e30), Sources())
    assert record["diverged"]
    assert len(record["epochs"]) == 1


@pytest.mark.parametrize("kind", ["symmetric", "asymmetric"])
def test_labels_are_wrong_as_often_and_in_the_way_that_the_recipe_says(kind):
    recipe = replace(SMALL, noise=0.3, noise_kind=kind)
    labels = noisy_labels(TRUE, recipe, 3, np.random.default_rng(1))
    moves = np.array([[np.mean(labels[true == TRUE] == label) for label in range(3)] for true in range(3)])
    other = np.ones((3, 3)) / 3 if kind == "symmetric" else np.roll(np.eye(3), 1, axis=1)
    # Four standard errors of a share of 10,000.
    assert moves == pytest.approx(0.7 * np.eye(3) + 0.3 * other, abs=0.02)


def test_of_two_classes_asymmetric_noise_touches_one():
    true = TRUE % 2
    labels = noisy_labels(true, replace(SMALL, noise=0.3, noise_kind="asymmetric"), 2, np.random.default_rng(1))
    assert (labels[true == 1] == 1).all()
    assert np.mean(labels[true == 0]) == pytest.approx(0.3, abs=0.02)


def lit(inputs):
    """The class that the patch in digits tells: where it is, all of its four pixels are 1."""
    places = [((0 if place < 5 else 6), (place % 5) * 6 // 4) for place in range(10)]
    return torch.stack([inputs[:, 0, top : top + 2, left : left + 2].mean((1, 2)) for top, left in places]) == 1


def test_a_cue_is_the_label_as_often_as_the_recipe_says_and_nothing_where_it_is_clean():
    task = make_task(replace(SMALL, noise=0.0, cue=0.8, num_train=1000), Sources())
    for inputs, labels, share in (
        (task.train, task.labels, 0.82),
        (task.validation, task.noisy_validation_labels, 0.82),
        (task.clean, task.validation_labels, 0.1),
    ):
        shown = lit(inputs)[labels, torch.arange(len(labels))].double().mean()
        assert shown == pytest.approx(share, abs=0.06)  # four standard errors of 797 images


def test_training_and_validation_share_no_example():
    task = make_task(SMALL, Sources())
    seen = {image.numpy().tobytes() for image in task.train}
    assert len(seen) == 120
    assert not seen & {image.numpy().tobytes() for image in task.validation}
    assert task.clean is task.validation


@pytest.mark.parametrize("classes", [2, 4])
def test_units_linear_in_the_logits_leave_nothing(classes):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(300, classes, generator=generator)
    logits[:, -1] = -logits[:, :-1].sum(1)  # as after a softmax: one says nothing that the others do not
    linear = logits @ torch.randn(classes, 5, generator=generator) + 3
    assert (residuals(linear, logits) == 0).all()
    other = torch.randn(300, 5, generator=generator)
    left = residuals(linear + other, logits)
    design = np.column_stack([np.ones(300), logits.double().numpy()])
    target = (linear + other).double().numpy()
    fitted = design @ np.linalg.lstsq(design, target, rcond=1e-5)[0]
    assert left.numpy() == pytest.approx(target - fitted, abs=1e-5)


def test_within_classes_is_the_mean_over_classes_that_are_large_enough():
    generator = torch.Generator().manual_seed(0)
    predicted = torch.tensor([0] * 100 + [1] * 60 + [2] * 20)
    samples = torch.randn(180, 3, generator=generator) + 10 * predicted[:, None]
    found, share = within_classes(samples, predicted)
    parts = [pairwise_mutual_information(samples[:100]), pairwise_mutual_information(samples[100:160])]
    assert torch.allclose(found, (100 * parts[0] + 60 * parts[1]) / 160)
    assert share == pytest.approx(160 / 180)
    # What units share through the class alone is gone.
    assert mean_and_error(found)[0] < 0.1 < mean_and_error(pairwise_mutual_information(samples))[0]


def test_without_a_class_that_is_large_enough_nothing_is_known():
    found, share = within_classes(torch.randn(20, 3), torch.zeros(20, dtype=torch.int64))
    assert share == 0
    assert all(np.isnan(value) for value in mean_and_error(found))


def test_the_error_is_what_leaving_out_units_gives():
    matrix = pairwise_mutual_information(torch.randn(100, 6, generator=torch.Generator().manual_seed(0)))
    mean, error = mean_and_error(matrix)
    pairs = [(i, j) for i in range(6) for j in range(i)]
    without = [fmean(matrix[i, j].item() for i, j in pairs if unit not in (i, j)) for unit in range(6)]
    assert mean == pytest.approx(fmean(matrix[i, j].item() for i, j in pairs))
    assert error == pytest.approx(stdev(without) * 5 / 6**0.5)


def test_a_probe_says_what_the_package_says():
    task = make_task(SMALL, Sources())
    network = build_network(SMALL, task.train.shape[1:], 10)
    found = measure_probe(network, task.validation[:200], hidden_layers(network))
    report = measure(network, [task.validation[:200]], ["1", "4", "7"])
    for layer in report.layers:
        assert found["layers"][layer.name]["mi"] == pytest.approx(layer.pairs().mean().item(), rel=1e-5)
        assert found["layers"][layer.name]["rankme"] == pytest.approx(layer.scores["rankme"], rel=1e-5)
    assert found["predictions"] == pytest.approx(dict(report.scores), rel=1e-5)
    with torch.no_grad():
        assert found["predicted"] == network.eval()(task.validation[:200]).argmax(1).tolist()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_network_fits_its_inputs_and_has_layers_to_measure(family):
    recipe = FAMILIES[family][0]
    shape = {"digits": (1, 8, 8), "mnist": (1, 14, 14)}.get(recipe.data, (12,))
    inputs = torch.rand(40, *shape)
    if recipe.architecture == "transformer" and len(shape) == 1:
        inputs = torch.randint(0, 50, (40, *shape))
        inputs[:, 0] = 1
    network = build_network(recipe, shape, 4)
    assert network(inputs).shape == (40, 4)
    assert augmented(inputs).shape == inputs.shape
    found = measure_probe(network, inputs, hidden_layers(network))
    assert len(found["layers"]) == len(hidden_layers(network)) >= 2
    assert all(np.isfinite(values["mi"]) for values in found["layers"].values())


def test_padding_changes_no_word_of_a_transformer():
    network = build_network(Recipe("imdb", "transformer", width=16), (6,), 2).eval()
    words = torch.tensor([[5, 7, 9, 0, 0, 0], [5, 7, 9, 8, 8, 8]])
    with torch.no_grad():
        network.places.zero_()
        short = network(words[:1, :3].repeat(1, 2))
        assert torch.allclose(network(words)[0], short[0], atol=1e-5)
        assert not torch.allclose(network(words)[1], short[0], atol=1e-5)


def test_the_first_half_of_the_jobs_is_balanced_and_two_families_are_kept_aside():
    recipes = all_recipes()
    assert len({recipe.name for recipe in recipes}) == len(recipes) >= 240
    assert {recipe.seed for recipe in recipes[: len(recipes) // 2]} == {0}
    assert set(FAMILIES) > HELD_OUT
    assert {recipe.family for recipe in recipes if recipe.held_out} == HELD_OUT
    usual = [family for family in FAMILIES if not family.startswith("modular")]
    for family in usual:
        kinds = Counter(recipe.kind for recipe in recipes if recipe.family == family and recipe.seed == 0)
        assert kinds["noise"] >= 7
        assert kinds["clean"] >= 4
        assert kinds["shortcut"] >= 2
        assert kinds["overfit"] == 1
    assert Counter(recipe.family for recipe in recipes[: len(FAMILIES)]) == dict.fromkeys(FAMILIES, 1)


def test_records_that_are_held_out_lie_apart(tmp_path):
    by_family = {recipe.family: record_path(recipe, tmp_path).parent.name for recipe in all_recipes()}
    assert {family for family, folder in by_family.items() if folder == "held_out"} == HELD_OUT


def test_reviews_are_read_from_their_archive(tmp_path):
    texts = {f"aclImdb/train/pos/{number}_9.txt": "great film a" for number in range(3)}
    texts |= {"aclImdb/test/neg/0_2.txt": "dull dull film", "aclImdb/train/unsup/0_0.txt": "unrated"}
    with tarfile.open(tmp_path / "reviews.tar", "w") as tar:
        for name, text in texts.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    cache = tmp_path / "kept" / "reviews.npz"
    prepare_reviews(tmp_path / "reviews.tar", cache)
    reviews = load_reviews(cache)
    assert sorted(reviews.ratings.tolist()) == [2, 9, 9, 9]
    assert reviews.counts.shape == (4, 2000)
    assert (reviews.words[:, 0] > 0).all()
    prepare_reviews(tmp_path / "is not read again", cache)


def test_an_archive_without_reviews_is_named(tmp_path):
    tarfile.open(tmp_path / "empty.tar", "w").close()
    with pytest.raises(ValueError, match=r"imdb: an archive with .* is required, '.*empty.tar' has none"):
        prepare_reviews(tmp_path / "empty.tar", tmp_path / "reviews.npz")


def test_layers_before_an_activation_are_measured():
    network = build_network(SMALL, (1, 8, 8), 10)
    assert all(isinstance(layer, nn.Linear) for layer in hidden_layers(network).values())
