import pickle

import numpy as np
import pytest
import torch

from examples.paper.bias_in_bios import EXPERIMENT, LEVELS, balance, bias_in_bios
from examples.paper.networks.text import SmallText

COUNTS = {"nurse": (60, 20), "poet": (40, 40), "surgeon": (20, 100)}  # women, men
TOTAL = sum(map(sum, COUNTS.values()))
PRONOUNS = {"F": "She", "M": "He"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Each biography tells its profession, its gender (only if it is raw) and has a word of its own."""
    kinds = [(title, gender) for title, (f, m) in COUNTS.items() for gender in "F" * f + "M" * m]
    records = []
    for number, place in enumerate(np.random.default_rng(0).permutation(len(kinds))):
        title, gender = kinds[place]
        own = f"{'q' * (number % 19 + 1)}x{'z' * (number // 19 + 1)}"
        raw = f"Lee is a {title}. {PRONOUNS[gender]}{PRONOUNS[gender]} works {title}x {own}."
        bio = f"_ works {title}x {own}."
        records.append(
            {"raw": raw, "bio": bio, "start_pos": len(f"Lee is a {title}."), "title": title, "gender": gender}
        )
    folder = tmp_path_factory.mktemp("bios")
    (folder / "BIOS.pkl").write_bytes(pickle.dumps(records))
    return folder


@pytest.fixture(scope="module")
def levels(folder):
    experiment = bias_in_bios(SmallText(positions=6))
    return {name: experiment.make_data(folder, place, 3) for place, name in enumerate(experiment.level_labels)}


def words_of(data, inputs):
    names = {number: word for word, number in data.encode.number.items()} | {0: "", 1: "?", 2: "CLS"}
    return [[names[number] for number in row if number] for row in inputs.tolist()]


def own_words(data):
    return [row[-1] for row in words_of(data, data.train_set.tensors[0])]


def test_the_six_models_are_named():
    assert LEVELS == ("raw, original", "raw, over", "raw, sub", "scrubbed, original", "scrubbed, over", "scrubbed, sub")
    assert len(EXPERIMENT.levels) == len(EXPERIMENT.level_labels) == 6


def test_a_quarter_of_each_profession_is_held_out_and_a_tenth_left_aside(levels):
    data = levels["raw, original"]
    for label, counts in enumerate(COUNTS.values()):
        assert (data.validation_set.tensors[1] == label).sum() == sum(counts) // 4
        assert (data.train_set.tensors[1] == label).sum() == sum(counts) - sum(counts) // 4 - sum(counts) // 10
    assert data.num_classes == 3
    own = own_words(data)
    assert len(set(own)) == len(own)  # each biography once
    assert {row[-1] for row in words_of(data, data.validation_set.tensors[0])} == {"?"}  # and none is held out too


def test_only_raw_biographies_tell_the_gender(levels):
    for name, data in levels.items():
        words = words_of(data, data.validation_set.tensors[0])
        told = [1 if "sheshe" in row else 0 if "hehe" in row else None for row in words]
        assert told == (data.genders.tolist() if name.startswith("raw") else [None] * len(words))


def test_labels_are_the_professions(levels):
    for data in levels.values():
        for part in (data.train_set, data.validation_set):
            inputs, labels = part.tensors
            titles = [next(word for word in row if word[:-1] in COUNTS)[:-1] for row in words_of(data, inputs)]
            assert titles == [list(COUNTS)[label] for label in labels]


@pytest.mark.parametrize(("name", "choose"), [("over", max), ("sub", min)])
def test_balanced_professions_have_as_many_of_either_gender(name, choose, levels):
    original, balanced = levels["raw, original"], levels[f"raw, {name}"]
    counts = []
    for data in (original, balanced):
        inputs, labels = data.train_set.tensors
        genders = torch.tensor(["sheshe" in row for row in words_of(data, inputs)])
        counts.append(
            [[((labels == label) & (genders == gender)).sum().item() for gender in (0, 1)] for label in range(3)]
        )
    assert counts[1] == [[choose(pair)] * 2 for pair in counts[0]]
    assert counts[0] != counts[1]
    held = set(own_words(original))
    assert set(own_words(balanced)) == held if name == "over" else set(own_words(balanced)) < held
    if name == "sub":
        assert len(set(own_words(balanced))) == len(own_words(balanced))  # without replacement


def test_levels_hold_out_the_same_biographies(levels):
    first = levels["raw, original"]
    for name, data in levels.items():
        assert torch.equal(data.genders, first.genders)
        assert torch.equal(data.validation_set.tensors[1], first.validation_set.tensors[1])
        alike = levels[f"{name.split(',')[0]}, original"].probe_set.tensors[0]
        assert torch.equal(data.probe_set.tensors[0], alike)
        assert torch.equal(data.probe_set.tensors[0], data.validation_set.tensors[0])


@pytest.mark.parametrize(("oversample", "expected"), [(True, [5, 0, 1, 1]), (False, [0, 0, 1, 1])])
def test_a_profession_of_one_gender_stays_or_goes(oversample, expected):
    labels, genders = torch.tensor([0, 0, 0, 0, 0, 1, 1]), torch.tensor([0, 0, 0, 0, 0, 0, 1])
    places = balance(labels, genders, torch.Generator(), oversample=oversample)
    assert (2 * labels + genders)[places].bincount(minlength=4).tolist() == expected


class Tells(torch.nn.Module):
    """A network of two blocks; the profession follows the word for it, and its state at the CLS token the gender."""

    def __init__(self, data, mistaken):
        super().__init__()
        block = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 8))
        self.blocks = torch.nn.ModuleList([block, torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 8))])
        for layer in self.modules():
            if isinstance(layer, torch.nn.Linear):
                torch.nn.init.eye_(layer.weight)
                torch.nn.init.zeros_(layer.bias)
        self.number, self.mistaken = data.encode.number, mistaken

    def forward(self, inputs):
        women = (inputs == self.number["sheshe"]).any(1)
        hidden = torch.zeros(len(inputs), inputs.shape[1], 8)
        hidden[:, 0] = torch.where(women[:, None], 3.0, -3.0)
        for block in self.blocks:
            hidden = block(hidden)
        logits = torch.stack([(inputs == self.number[f"{title}x"]).any(1) for title in COUNTS], 1).float()
        if self.mistaken:
            logits[women, 2] = 0  # a surgeon who is a woman is taken for something else
            logits[women, 0] += 0.5
        return logits


def test_the_judge_reads_gaps_of_predictions_and_gender_of_representations(folder):
    pytest.importorskip("examples.paper.group_gaps")
    pytest.importorskip("lightning_infomem.model_information.probing")
    data = bias_in_bios(SmallText(positions=6)).make_data(folder, 0.0, 3)
    women = (data.genders == 1) & (data.validation_set.tensors[1] == 2)
    fair, unfair = (EXPERIMENT.judge(Tells(data, mistaken), data) for mistaken in (False, True))
    assert fair["validation_accuracy"] == 1
    assert [fair[name] for name in ("tpr_gap", "fpr_gap", "separation_gap")] == [0, 0, 0]
    assert unfair["validation_accuracy"] == pytest.approx(1 - women.double().mean().item())
    assert unfair["tpr_gap"] == 1
    assert unfair["fpr_gap"] > 0
    assert fair["compression"] == unfair["compression"] > 1.5
    assert list(fair) == [
        "validation_accuracy",
        "tpr_gap",
        "fpr_gap",
        "separation_gap",
        "sufficiency_gap",
        "compression",
    ]


def test_a_judged_network_trains_on_as_before(folder):
    pytest.importorskip("examples.paper.group_gaps")
    pytest.importorskip("lightning_infomem.model_information.probing")
    data = EXPERIMENT.make_data(folder, 5.0, 3)
    network = EXPERIMENT.make_network(data, 0)
    EXPERIMENT.judge(network, data)
    assert network.training
    assert not network.blocks[-1]._forward_hooks
