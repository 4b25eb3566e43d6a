import sys
from types import SimpleNamespace

import pytest
import torch

from examples.paper.networks.hugging_face import FinetunedTransformer, HuggingFaceText
from examples.paper.networks.text import SmallTransformer
from examples.paper.shuffled_imdb import shuffled_imdb
from examples.paper.text_experiments import text_experiments
from examples.paper.vocabulary import Vocabulary
from lightning_infomem.sampling.reading import read_network
from tests.examples.paper.review_files import write_reviews

WORDS = torch.tensor([[2, 5, 6, 7], [2, 5, 0, 0]])


@pytest.fixture
def network():
    torch.manual_seed(0)
    return SmallTransformer(10, 8, 3, width=16)


def test_words_become_logits(network):
    assert network(WORDS).shape == (2, 3)
    assert network(WORDS).dtype == torch.float32


def test_padding_does_not_change_the_outputs(network):
    longer = torch.cat([WORDS, torch.zeros(2, 4, dtype=torch.long)], 1)
    torch.testing.assert_close(network(longer), network(WORDS))
    torch.testing.assert_close(network(WORDS[1:, :2]), network(WORDS)[1:])


def test_every_word_and_its_place_count(network):
    before = network(WORDS)
    for changed in (torch.tensor([[2, 5, 6, 8]]), torch.tensor([[2, 6, 5, 7]])):
        assert not torch.allclose(network(changed), before[:1])


def test_the_blocks_of_the_small_transformer_are_what_auto_chooses(network):
    assert list(read_network(network, WORDS).layers) == ["blocks.0", "blocks.1"]


def test_a_vocabulary_knows_the_most_frequent_words_and_no_function_word():
    vocabulary = Vocabulary(["the film, the PLOT", "film!"], max_words=1, positions=5)
    assert vocabulary.number == {"film": 3}
    assert len(vocabulary) == 4
    assert vocabulary(["a Film's plot: film", ""]).tolist() == [[2, 1, 1, 3, 0], [2, 0, 0, 0, 0]]


def test_the_order_of_the_texts_does_not_change_the_vocabulary():
    texts = ["b c", "a", "c a"]
    numbers = [Vocabulary(order, max_words=9, positions=5).number for order in (texts, texts[::-1])]
    assert list(numbers[0]) == list(numbers[1]) == ["c", "b"]


def test_of_a_long_text_its_beginning_and_its_end_stay():
    vocabulary = Vocabulary(["k l m n o p"], max_words=9, positions=6)
    assert vocabulary(["k l m n o p"]).tolist() == [[2, 3, 4, 5, 7, 8]]


@pytest.fixture
def reviews(tmp_path):
    folder = tmp_path / "data"
    texts = {"pos": ["a good film"] * 5, "neg": ["a bad film and a long one"] * 5}
    write_reviews(folder, texts)
    return folder


@pytest.fixture
def saved_model(tmp_path):
    """A DistilBERT of random weights with a tokenizer of eight words, as a folder of the hub's layout."""
    transformers = pytest.importorskip("transformers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film"]
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(words))
    transformers.DistilBertTokenizerFast.from_pretrained(folder).save_pretrained(folder)
    config = transformers.DistilBertConfig(
        vocab_size=8, dim=16, n_layers=2, n_heads=2, hidden_dim=16, max_position_embeddings=16, dropout=0.0
    )
    transformers.DistilBertForSequenceClassification(config).save_pretrained(folder)
    return str(folder)


def test_a_model_of_the_hub_is_finetuned_on_its_own_tokens(reviews, saved_model):
    experiment = shuffled_imdb(HuggingFaceText(saved_model, positions=6))
    data = experiment.make_data(reviews, 0.0, 0)
    inputs, labels = data.train_set.tensors
    good, bad = [2, 1, 5, 7, 3, 0], [2, 1, 6, 7, 1, 3]
    assert [row == good for row in inputs.tolist()] == labels.bool().tolist()
    assert all(row in (good, bad) for row in inputs.tolist())
    network = experiment.make_network(data, 0)
    assert all(part.training for part in network.modules())
    assert network(inputs).shape == (8, 2)
    assert list(read_network(network, inputs, experiment.layers).layers) == [
        f"classifier.distilbert.transformer.layer.{number}" for number in range(2)
    ]


def test_padding_does_not_change_the_outputs_of_a_model_of_the_hub(reviews, saved_model):
    experiment = shuffled_imdb(HuggingFaceText(saved_model, positions=6))
    network = experiment.make_network(experiment.make_data(reviews, 0.0, 0), 0).eval()
    assert isinstance(network, FinetunedTransformer)
    inputs = torch.tensor([[2, 5, 3]])
    torch.testing.assert_close(network(torch.tensor([[2, 5, 3, 0, 0]])), network(inputs))
    assert not torch.allclose(network(torch.tensor([[2, 5, 3, 1, 1]])), network(inputs))


def test_a_saved_model_keeps_its_weights_and_gets_a_head_for_the_classes(saved_model):
    network, other = (HuggingFaceText(saved_model).network(SimpleNamespace(num_classes=3)) for _ in range(2))
    assert network.classifier.classifier.out_features == 3
    embeddings = [each.classifier.distilbert.embeddings.word_embeddings.weight for each in (network, other)]
    assert torch.equal(*embeddings)


def test_the_recipe_of_a_named_model_is_the_one_of_the_paper():
    for experiment in text_experiments("distilbert-base-uncased"):
        assert experiment.recipe.to_state() == {
            "epochs": 20,
            "batch_size": 64,
            "learning_rate": 5e-5,
            "optimizer": "adamw",
            "weight_decay": 0.01,
            "l2_weight": 0.0,
            "warmup_steps": 100,
        }
        assert experiment.pooling == "cls"


def test_a_model_that_cannot_be_loaded_is_named(tmp_path, reviews):
    pytest.importorskip("transformers")
    missing = str(tmp_path / "missing")
    with pytest.raises(ValueError, match=r"model: a sequence classifier .* got '.*missing', which cannot be loaded"):
        shuffled_imdb(HuggingFaceText(missing)).make_data(reviews, 0.0, 0)


def test_without_transformers_the_extra_is_named(reviews, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install .lightning-infomem\[transformers\]"):
        shuffled_imdb(HuggingFaceText("any")).make_data(reviews, 0.0, 0)
