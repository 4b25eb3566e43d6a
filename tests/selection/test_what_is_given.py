"""Saved checkpoints, ranked by what is given beside them: training examples, features, labels, or nothing of use."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from lightning_infomem.sampling.batches import mark_examples, parts_of
from lightning_infomem.selection.rank_checkpoints import rank_checkpoints
from tests.checkpoints.checkpoint_files import make_predictions, make_report, save_checkpoint

ANGLES = torch.arange(3) * 2 * math.pi / 3
CENTERS = torch.stack([ANGLES.cos(), ANGLES.sin()], dim=1)


def _draw(count, seed, *, noise=0.3):
    """Inputs around the corners of a triangle, and the corner of each."""
    generator = torch.Generator().manual_seed(seed)
    truth = torch.arange(count) % 3
    return CENTERS[truth] + noise * torch.randn(count, 2, generator=generator), truth


INPUTS, TRUTH = _draw(300, 0)
ROWS, LABELS = _draw(200, 1)
LABELS[::5] = (LABELS[::5] + 1) % 3  # a fifth of the training labels is wrong
DATA = [INPUTS[:160], INPUTS[160:]]
TRAINING = [(ROWS[:90], LABELS[:90]), (ROWS[90:], LABELS[90:])]


def _network(degrees=0.0):
    """A network that takes the nearest corner after it has turned the input."""
    turn = torch.tensor(math.radians(degrees))
    rotation = torch.stack([torch.stack([turn.cos(), -turn.sin()]), torch.stack([turn.sin(), turn.cos()])])
    network = nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 3))
    with torch.no_grad():
        network[0].weight.copy_(torch.cat([CENTERS, -CENTERS]) @ rotation)
        network[2].weight.copy_(torch.cat([torch.eye(3), -torch.eye(3)], dim=1))
        for layer in (network[0], network[2]):
            layer.bias.zero_()
    return network


@pytest.fixture
def networks(tmp_path):
    """One good network and four that turn their inputs in the same direction, without reports."""
    for degrees in (0, 40, 45, 50, 55):
        save_checkpoint(tmp_path / f"turned{degrees}.ckpt", None, state_dict=_network(degrees).state_dict())
    return tmp_path


def _predicted(wrong, *, num_classes=3, inputs=INPUTS, seed=0):
    """Predictions for the inputs, of which the first share, in a random order of the seed, is wrong."""
    marks = mark_examples(parts_of(inputs), len(inputs), torch.arange(len(inputs)))[:, 0]
    places = marks.argsort()
    order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(seed))
    is_wrong = torch.zeros(len(inputs), dtype=torch.bool)
    is_wrong[order[: int(wrong * len(inputs))]] = True
    classes = torch.where(is_wrong, (TRUTH[: len(inputs)] + 1) % 3, TRUTH[: len(inputs)])
    return make_predictions(classes[places], num_classes=num_classes, inputs=marks[places], places=places)


def _save(folder, name, predictions, *, information=0.1, probe="probe", **entries):
    report = make_report({"fc1": information}, predictions=predictions, probe=probe)
    return save_checkpoint(folder / f"{name}.ckpt", report, **entries)


@pytest.fixture
def reports(tmp_path):
    """A good checkpoint, "good", and four that make the same errors and outvote it; all with reports."""
    _save(tmp_path, "good", _predicted(0.1, seed=1))
    for place in range(4):
        _save(tmp_path, f"misled{place}", _predicted(0.4 + 0.02 * place), information=0.2 + 0.1 * place)
    return tmp_path


def _leads(ranking):
    return ranking.criterion, ranking.best.path.stem


def _because(ranking):
    return {each.criterion: each.because for each in ranking.why}


def test_checkpoints_that_err_together_win_where_nothing_is_given(reports):
    ranking = rank_checkpoints(reports)
    assert (ranking.criterion, ranking.rows[-1].path.stem) == ("consensus_accuracy", "good")
    assert "nothing else is given; an error that most checkpoints share" in ranking.verdict


# Training examples

FORMS = {
    "lists": (DATA, TRAINING),
    "tensors": (DATA, [(ROWS, LABELS[:, None])]),
    "mappings": ([{"x": each} for each in DATA], [{"x": rows, "y": labels} for rows, labels in TRAINING]),
    "loaders": (
        DataLoader(TensorDataset(INPUTS), batch_size=64),
        DataLoader(TensorDataset(ROWS, LABELS), batch_size=32),
    ),
    "labelled loader": (DataLoader(TensorDataset(INPUTS, TRUTH), batch_size=64), TRAINING),
}


@pytest.mark.parametrize("form", FORMS)
def test_neighbours_lead_without_a_model_whatever_the_form_of_the_batches(reports, form):
    data, training = FORMS[form]
    ranking = rank_checkpoints(reports, data=data, training=training)
    assert _leads(ranking) == ("neighbor_agreement", "good")
    assert _because(ranking)["neighbor_agreement"].startswith("the neighbours of a training example tell its label in")
    known = rank_checkpoints(reports, data=DATA, training=TRAINING)
    assert [row.score for row in ranking.rows] == [row.score for row in known.rows]
    assert ranking.best.score > 0.7  # though a fifth of the labels is wrong


@pytest.mark.parametrize("form", ["lists", "loaders"])
def test_neighbours_lead_among_networks_that_are_measured(networks, form):
    data, training = FORMS[form]
    ranking = rank_checkpoints(networks, model=_network(), data=data, training=training, task="classification")
    assert [row.path.stem for row in ranking.rows] == [f"turned{degrees}" for degrees in (0, 40, 45, 50, 55)]
    assert ranking.criterion == "neighbor_agreement"


def _first_layers(batch):
    return _network()[:2](batch[0] if isinstance(batch, tuple) else batch)


def test_features_are_those_of_a_function_or_of_a_layer(networks):
    given = {"model": _network(), "data": DATA, "training": TRAINING, "task": "classification"}
    by_layer = rank_checkpoints(networks, features="1", **given)
    by_function = rank_checkpoints(
        networks,
        features=lambda batch: _network()[:2](batch[0] if isinstance(batch, tuple) else batch).detach(),
        **given,
    )
    assert _leads(by_layer) == _leads(by_function) == ("neighbor_agreement", "turned0")
    assert [row.score for row in by_layer.rows] == [row.score for row in by_function.rows]
    plain = rank_checkpoints(networks, **given)
    assert [row.score for row in by_layer.rows] != [row.score for row in plain.rows]


def test_labels_at_random_are_not_trusted_and_the_consensus_leads(reports):
    drawn = torch.randint(3, (200,), generator=torch.Generator().manual_seed(5))
    ranking = rank_checkpoints(reports, data=DATA, training=[(ROWS, drawn)])
    assert ranking.criterion == "consensus_accuracy"
    assert _because(ranking)["neighbor_agreement"].startswith("not trusted: the neighbours of a training example tell")


def test_where_shortcuts_are_suspected_training_labels_do_not_lead(reports):
    ranking = rank_checkpoints(reports, data=DATA, training=TRAINING, memorization="heuristic")
    assert ranking.criterion == "mutual_information"
    assert _because(ranking)["neighbor_agreement"].startswith("shortcuts are suspected")


def test_without_classes_training_and_labels_are_not_used(tmp_path):
    for place in range(3):
        _save(tmp_path, str(place), None, information=0.1 * place)
    ranking = rank_checkpoints(tmp_path, data=DATA, training=TRAINING, memorization="heuristic")
    assert ranking.criterion == "mutual_information"
    assert "training was not used: there are no predicted classes to compare its labels with" in ranking.notes
    with pytest.raises(ValueError, match=r"^labels: predicted classes of the same inputs are required in all"):
        rank_checkpoints(tmp_path, labels={0: 1})
    unknown = rank_checkpoints(tmp_path, data=DATA, training=TRAINING)
    assert "predictions cannot be compared, because there are no predicted classes" in unknown.refusal


def test_a_regression_is_not_ranked_by_classes(networks):
    training = [(rows, rows[:, :1]) for rows, _ in TRAINING]
    ranking = rank_checkpoints(networks, model=_network(), data=DATA, training=training, task="regression")
    assert ranking.criterion is None
    assert any(note.startswith("training was not used") for note in ranking.notes)
    assert any("not ranked by predicted classes" in note for note in ranking.notes)


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ({"training": TRAINING}, ValueError, "^data: the batches that the checkpoints were measured on are required"),
        ({"features": len}, ValueError, "^features: only with training"),
        ({"training": TRAINING, "data": DATA, "features": "2"}, TypeError, "^model: a module with a layer '2' is"),
        ({"training": TRAINING, "data": DATA, "features": 3}, TypeError, "^features: a function of a batch, or the"),
        ({"training": TRAINING, "data": [INPUTS + 1]}, ValueError, "^data: the inputs .* without 300 of 300; give the"),
        ({"training": TRAINING, "data": DATA[:1]}, ValueError, "^data: the inputs .* got batches without 140 of 300"),
        ({"training": [(ROWS, LABELS + 1)], "data": DATA}, ValueError, "^training: labels from 0 to 2 are required"),
        ({"training": [(ROWS,)], "data": DATA}, ValueError, "^training: batches with one integer label for each"),
        ({"training": [(ROWS[:, :1], LABELS)], "data": DATA}, ValueError, "^training: .* 2 numbers, are required"),
        ({"training": [(ROWS / 0, LABELS)], "data": DATA}, ValueError, "^training: finite numbers of each example are"),
        ({"training": [], "data": DATA}, ValueError, "^training: at least one batch is required"),
        ({"training": ROWS, "data": DATA}, TypeError, "^training: batches"),
        ({"training": TRAINING, "data": INPUTS}, TypeError, "^data: batches"),
        ({"training": 3, "data": DATA}, TypeError, "^training: batches"),
    ],
)
def test_training_that_cannot_be_used_is_refused(reports, given, kind, message):
    with pytest.raises(kind, match=message):
        rank_checkpoints(reports, **given)


def test_a_layer_that_the_model_lacks_is_refused(networks):
    with pytest.raises(ValueError, match=r"^features: the name of a layer of model is required, got '9'"):
        rank_checkpoints(networks, model=_network(), data=DATA, training=TRAINING, features="9")


# Labels

KNOWN = {place: int(TRUTH[place]) for place in range(0, 300, 10)}


def _labels(form, folder):
    padded = torch.full((300,), -1)
    padded[list(KNOWN)] = torch.tensor(list(KNOWN.values()))
    if form == "csv":
        questions = rank_checkpoints(folder).ask(30)
        lines = questions.to_csv().splitlines()
        filled = [f"{line}{TRUTH[place]}" for line, place in zip(lines[1:], questions.indices, strict=True)]
        path = folder / "ask.csv"
        path.write_text("\n".join([lines[0], *filled]))
        return path
    return {"mapping": KNOWN, "sequence": padded.tolist(), "tensor": padded}[form]


@pytest.mark.parametrize("form", ["mapping", "sequence", "tensor", "csv"])
def test_labels_of_every_form_lead(reports, form):
    ranking = rank_checkpoints(reports, labels=_labels(form, reports))
    assert _leads(ranking) == ("consensus_accuracy", "good")
    assert _because(ranking)["consensus_accuracy"] == "30 labels are given, and the consensus is held to them"
    if form != "csv":
        given = rank_checkpoints(reports, labels=KNOWN)
        assert [row.score for row in ranking.rows] == [row.score for row in given.rows]


def test_labels_lead_before_neighbours(reports):
    ranking = rank_checkpoints(reports, labels=KNOWN, data=DATA, training=TRAINING)
    assert _leads(ranking) == ("consensus_accuracy", "good")
    assert [each.criterion for each in ranking.why if not each.leads] == ["neighbor_agreement"]


@pytest.mark.parametrize(
    ("labels", "kind", "message"),
    [
        ({0: 3}, ValueError, "^labels: classes from 0 to 2, .* got 3 in the mapping"),
        ({300: 0}, ValueError, "^labels: labels of inputs that were sampled are required, got 1"),
        ({0: 0.5}, TypeError, "^labels: a label as a whole number"),
        ("gone.csv", ValueError, "^labels: a file that Ranking.ask has written is required"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(reports, labels, kind, message):
    with pytest.raises(kind, match=message):
        rank_checkpoints(reports, labels=labels)


# Few checkpoints, and such as do not fit together


def test_two_checkpoints_make_no_consensus_but_labels_tell_them_apart(tmp_path):
    _save(tmp_path, "good", _predicted(0.1, seed=1))
    _save(tmp_path, "poor", _predicted(0.4))
    nothing = rank_checkpoints(tmp_path)
    assert nothing.criterion is None
    assert nothing.refusal == (
        "consensus accuracy: a consensus needs 3 checkpoints or more, got 2; give a reference that generalises, or "
        "labels of a few inputs"
    )
    with pytest.raises(ValueError, match="a consensus needs 3 checkpoints"):
        nothing.best  # noqa: B018
    assert _leads(rank_checkpoints(tmp_path, labels=KNOWN)) == ("consensus_accuracy", "good")
    assert _because(rank_checkpoints(tmp_path, labels={0: 0}))["consensus_accuracy"].startswith("1 label is given, ")
    assert _leads(rank_checkpoints(tmp_path, data=DATA, training=TRAINING)) == ("neighbor_agreement", "good")
    told = rank_checkpoints(tmp_path, memorization="example")
    assert told.criterion == "mutual_information"


def test_equal_predictions_share_the_lead_and_nothing_can_be_asked(tmp_path):
    for name in "abc":
        _save(tmp_path, name, _predicted(0.2))
    for given in ({}, {"labels": KNOWN}, {"data": DATA, "training": TRAINING}):
        ranking = rank_checkpoints(tmp_path, **given)
        assert [row.rank for row in ranking.rows] == [1, 1, 1]
        assert len(ranking.best_set) == 3
        assert "shared_first_rank" in {flag.name for flag in ranking.flags}
        assert str(ranking)
    with pytest.raises(ValueError, match=r"^ask: |agree"):
        rank_checkpoints(tmp_path).ask(5)


def test_one_class_for_every_input_is_ranked_too(tmp_path):
    for name in "abc":
        _save(tmp_path, name, make_predictions(torch.zeros(60), num_classes=3))
    ranking = rank_checkpoints(tmp_path)
    assert [row.rank for row in ranking.rows] == [1, 1, 1]
    assert all(math.isfinite(row.score) for row in ranking.rows)


def test_a_checkpoint_without_finite_predictions_is_a_named_gap(reports):
    unknown = make_predictions(torch.full((300,), -1), num_classes=3, inputs=_predicted(0).inputs)
    _save(reports, "diverged", unknown)
    ranking = rank_checkpoints(reports)
    assert "diverged" not in {row.path.stem for row in ranking.rows}
    [reason] = [why for path, why in ranking.skipped.items() if Path(path).stem == "diverged"]
    assert reason == "its outputs are not finite for any input; has its training diverged?"


def test_other_numbers_of_classes_are_named(reports):
    _save(reports, "wide", _predicted(0.2, num_classes=4))
    for given in ({}, {"data": DATA, "training": TRAINING}):
        ranking = rank_checkpoints(reports, **given)
        assert "the checkpoints have different numbers of classes (3, 4)" in ranking.refusal
    with pytest.raises(ValueError, match=r"^labels: .* different numbers of classes \(3, 4\); leave labels out"):
        rank_checkpoints(reports, labels=KNOWN)
    assert rank_checkpoints(reports, memorization="heuristic").criterion == "mutual_information"


def test_inputs_that_differ_are_compared_where_all_saw_them(reports):
    _save(reports, "less", _predicted(0.0, inputs=INPUTS[:200]), probe="other")
    with pytest.raises(ValueError, match=r"probe: .*'.*less\.ckpt'"):
        rank_checkpoints(reports, data=DATA, training=TRAINING)
    for given in ({}, {"labels": KNOWN}, {"data": DATA, "training": TRAINING}):
        ranking = rank_checkpoints(reports, allow_mismatch=["probe"], **given)
        assert len(ranking.votes.inputs) == 200
    assert _leads(ranking) == ("neighbor_agreement", "less")
    _save(reports, "few", _predicted(0.0, inputs=INPUTS[:10]), probe="few")
    few = rank_checkpoints(reports, allow_mismatch=["probe"])
    assert "only 10 inputs were seen by all checkpoints, and 20 are required" in few.refusal


@pytest.mark.parametrize("kind", ["heuristic", "example"])
def test_across_recipes_a_told_kind_leads_only_where_that_is_allowed(tmp_path, kind):
    for place in range(3):
        settings = {"hyper_parameters": {"lr": 0.1 * (place + 1)}}
        _save(tmp_path, str(place), None, information=0.1 * place, **settings)
    ranking = rank_checkpoints(tmp_path, memorization=kind)
    assert "mutual information: the recipes differ in lr; " in ranking.refusal
    assert ranking.refusal.endswith("; give a reference that generalises")
    assert [flag.name for flag in ranking.flags if not flag.is_doubt] == ["recipes_differ"]
    assert [row.recipe for row in ranking.rows] == [{"lr": 0.1 * (place + 1)} for place in range(3)]
    allowed = rank_checkpoints(tmp_path, memorization=kind, allow_mismatch=["recipes"])
    assert _leads(allowed) == ("mutual_information", "0" if kind == "heuristic" else "2")
    assert "recipes_differ" in {flag.name for flag in allowed.flags}
