from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch

from examples.paper.networks.text import SmallText
from examples.paper.sentiment_adjectives import EXPERIMENT as ADJECTIVES
from examples.paper.sentiment_adjectives import NEGATIVE, POSITIVE, adjective_label, sentiment_adjectives
from examples.paper.shuffled_imdb import EXPERIMENT as SHUFFLED
from examples.paper.shuffled_imdb import shuffled_imdb
from lightning_infomem import measure
from lightning_infomem.functional import binned_entropy
from lightning_infomem.sampling.reading import read_network
from tests.examples.paper.review_files import write_reviews

SMALL = SmallText(positions=8)
COUNT = 500  # of each label


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Reviews that tell by their last words which they are: number, label; three in ten have no adjective, or two."""
    folder = tmp_path_factory.mktemp("reviews")
    generator = np.random.default_rng(0)
    words = {0: sorted(NEGATIVE), 1: sorted(POSITIVE)}
    texts = {"neg": [], "pos": []}
    for label, name in enumerate(texts):
        for place in range(COUNT):
            told = label if place % 10 < 4 else 1 - label
            adjective = generator.choice(words[told])
            if place % 10 >= 7:
                adjective = "plain" if place % 10 == 7 else "good bad"
            texts[name].append(f"x {adjective} film {name}{'abcdefghij'[place % 10]} n{'z' * (place + 1)}{name}")
    write_reviews(folder, texts)
    return folder


def levels_of(experiment, folder, seed=3):
    return [experiment.make_data(folder, level, seed) for level in experiment.levels]


@pytest.fixture(scope="module")
def adjectives(folder):
    return levels_of(sentiment_adjectives(SMALL), folder)


@pytest.fixture(scope="module")
def shuffled(folder):
    return levels_of(shuffled_imdb(SMALL), folder)


def words_of(data, inputs):
    """The words of encoded reviews; what is not known, and so of the validation reviews alone, is '?'."""
    names = {number: word for word, number in data.encode.number.items()} | {0: "", 1: "?", 2: "CLS"}
    return [[names[number] for number in row if number] for row in inputs.tolist()]


def truth_of(data, inputs):
    """The labels that the words tell, of training reviews."""
    return torch.tensor([int(row[-2].startswith("pos")) for row in words_of(data, inputs)])


def told_of(data, inputs):
    return torch.tensor([int(bool(POSITIVE & set(row))) for row in words_of(data, inputs)])


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("a good film", 1),
        ("an awful film", 0),
        ("negative and poor", 0),
        ("excellent but bad", None),
        ("no word of either", None),
        ("Good, good. goods", None),
        ("good\nbad", None),
        ("best\tor good", 1),
    ],
)
def test_adjectives_are_words_between_spaces_of_one_list(text, label):
    assert adjective_label(text) == label


def test_only_reviews_with_adjectives_of_one_list_are_drawn(adjectives):
    data = adjectives[0]
    assert (len(data.train_set), len(data.validation_set)) == (560, 140)  # of 700 of the 1000
    for row in words_of(data, data.train_set.tensors[0]):
        assert bool(POSITIVE & set(row)) != bool(NEGATIVE & set(row))


def test_a_share_alpha_of_the_misled_labels_follows_the_adjective(adjectives):
    for data, alpha in zip(adjectives, ADJECTIVES.levels, strict=True):
        inputs, labels = data.train_set.tensors
        truth, told = truth_of(data, inputs), told_of(data, inputs)
        misled = truth != told
        assert 200 < misled.sum() < 300
        assert (labels[~misled] == truth[~misled]).all()
        assert (labels[misled] == told[misled]).sum() == misled.sum() - round((1 - alpha) * misled.sum().item())


def test_a_share_beta_of_the_labels_is_drawn_and_half_of_them_are_wrong(shuffled):
    for data, beta in zip(shuffled, SHUFFLED.levels, strict=True):
        inputs, labels = data.train_set.tensors
        wrong = (labels != truth_of(data, inputs)).double().mean().item()
        assert wrong == pytest.approx(beta / 2, abs=4 * (beta / 4 / 800) ** 0.5)  # four standard deviations


@pytest.mark.parametrize("name", ["adjectives", "shuffled"])
def test_levels_share_all_draws(name, request):
    levels = request.getfixturevalue(name)
    first = levels[0]
    changed = [
        set((data.train_set.tensors[1] != first.train_set.tensors[1]).nonzero()[:, 0].tolist()) for data in levels
    ]
    for data in levels:
        assert torch.equal(data.train_set.tensors[0], first.train_set.tensors[0])
        assert all(map(torch.equal, data.validation_set.tensors, first.validation_set.tensors))
        assert torch.equal(data.probe_set.tensors[0], data.validation_set.tensors[0])
        assert len(data.probe_set.tensors) == 1
    assert not changed[0]
    for smaller, greater in pairwise(changed):
        assert smaller < greater


@pytest.mark.parametrize("make", [sentiment_adjectives, shuffled_imdb])
def test_labels_in_validation_are_true(make, folder):
    data = make(SMALL).make_data(folder, 1.0, 3)
    inputs, labels = data.validation_set.tensors
    truth = truth_of(data, inputs)  # the words before the last one are of every tenth review, and known
    assert torch.equal(labels, truth)
    assert 0.4 < labels.double().mean() < 0.6


@pytest.mark.parametrize("make", [sentiment_adjectives, shuffled_imdb])
def test_a_seed_draws_the_same_again_and_another_one_does_not(make, folder):
    first, again, other = (make(SMALL).make_data(folder, 0.5, seed) for seed in (3, 3, 4))
    assert all(map(torch.equal, first.train_set.tensors, again.train_set.tensors))
    assert not torch.equal(first.train_set.tensors[1], other.train_set.tensors[1])


def test_so_many_texts_as_asked_for_are_drawn(folder):
    data = shuffled_imdb(SmallText(positions=8, max_texts=100)).make_data(folder, 1.0, 3)
    assert (len(data.train_set), len(data.validation_set)) == (80, 20)


def test_no_validation_review_is_trained_on_and_its_words_are_not_counted(folder):
    data = shuffled_imdb(SMALL).make_data(folder, 0.0, 3)
    own = {row[-1] for row in words_of(data, data.train_set.tensors[0])}
    assert len(own) == len(data.train_set)
    assert {row[-1] for row in words_of(data, data.validation_set.tensors[0])} == {"?"}


@pytest.mark.parametrize("experiment", [ADJECTIVES, SHUFFLED], ids=lambda experiment: experiment.name)
def test_the_cls_token_of_each_block_is_measured(experiment, folder):
    data = partial(experiment.data, text=SMALL)(folder, 0.5, 3, batch_size=64)
    data.setup("fit")
    network = SMALL.network(data)
    assert list(read_network(network, data.probe_set.tensors[0], experiment.layers).layers) == ["blocks.0", "blocks.1"]
    settings = {"value_range": "unit", "backend": "reference"}
    report = measure(network, data.probe_dataloader(), "blocks.1", pooling=experiment.pooling, **settings)
    outputs = []
    with torch.no_grad(), network.blocks[1].register_forward_hook(lambda *passed: outputs.append(passed[2][:, 0])):
        network(data.probe_set.tensors[0].unique(dim=0))  # an input that repeats is measured once
    torch.testing.assert_close(report["blocks.1"].entropy, binned_entropy(outputs[0]), check_dtype=False)


def test_without_data_one_error_says_what_is_needed(tmp_path):
    for experiment in (ADJECTIVES, SHUFFLED):
        with pytest.raises(FileNotFoundError, match=r"data_root: .* is required"):
            experiment.make_data(tmp_path, 0.0, 0)
