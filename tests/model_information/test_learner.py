"""Copies of a network that are trained on parts of data, and what they say of labels."""

from __future__ import annotations

import math

import pytest
import pytorch_lightning as pl
import torch
from torch import nn
from torch.nn.functional import cross_entropy, log_softmax

from lightning_infomem.model_information.codelength_settings import CodelengthSettings
from lightning_infomem.model_information.labeled_data import LabeledData
from lightning_infomem.model_information.learner import (
    Learner,
    check_same_network,
    label_nats,
    log_probabilities,
    trained,
)
from tests.model_information.tasks import AdamClassifier, Constant, network, same, separable, states

SETTINGS = CodelengthSettings(max_epochs=4, learning_rate=0.05, progress=False)


def of(data, settings=SETTINGS):
    return LabeledData.of(data, settings)


def nats_of(model, inputs, labels):
    with torch.no_grad():
        return cross_entropy(model.eval()(inputs).double(), labels, reduction="sum").item()


def fit(model, *, settings=SETTINGS, data=None, seed=0):
    learner = Learner(model, settings)
    data = of(separable() if data is None else data, settings)
    learner.fit(data, len(data), seed=seed)
    return learner, data


# Training


class Course(AdamClassifier):
    """Keeps, of each epoch, what the held-out samples cost."""

    def __init__(self, body, held_out, costs):
        super().__init__(body)
        self.held_out, self.costs = held_out, costs

    def __deepcopy__(self, memo):
        copied = Course(network(), self.held_out, self.costs)
        copied.load_state_dict(self.state_dict())
        return copied

    def on_train_start(self):
        self.costs.append(nats_of(self.network, *self.held_out))
        self.network.train()

    on_train_epoch_end = on_train_start

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 3.0)  # too fast: it rises again and again


def test_the_weights_of_the_lowest_cost_on_held_out_samples_stay_and_patience_ends_the_training():
    settings = CodelengthSettings(max_epochs=60, patience=2, progress=False)
    data, costs = of(separable(), settings), []
    inputs, labels = (torch.cat(parts) for parts in zip(*data.part(80, 100), strict=True))
    learner = Learner(Course(network(), (inputs, labels), costs), settings)
    learner.fit(data, 100, seed=0)
    lowest = costs.index(min(costs))
    assert nats_of(learner.network.network, inputs, labels) == pytest.approx(min(costs), rel=1e-6)
    assert len(costs) - 1 - lowest == 3 < 60 - lowest  # two are borne, the third ends it


def test_weights_stay_where_training_only_does_harm_or_there_is_one_sample_or_all_are_frozen():
    worse = Learner((network(), lambda scores, labels: -cross_entropy(scores, labels)), SETTINGS)
    worse.fit(of(separable()), 100, seed=0)
    assert same(states(worse.network), states(network()))
    single = Learner(network(), SETTINGS)
    single.fit(of(separable()), 1, seed=0)
    assert same(states(single.network), states(network()))
    frozen, _ = fit(network().requires_grad_(False))
    assert same(states(frozen.network), states(network()))
    fit(AdamClassifier(network().requires_grad_(False)))


def test_the_seed_decides_all_that_the_training_draws():
    def dropping():
        return nn.Sequential(nn.Dropout(0.5), network())

    first, again, other = (states(fit(dropping(), seed=seed)[0].network) for seed in (1, 1, 2))
    assert same(first, again)
    assert not same(first, other)


def modes(model):
    return [module.training for module in model.modules()]


class Modes(nn.Module):
    """Keeps the modes in which it is called with gradients."""

    def __init__(self, seen):
        super().__init__()
        self.body, self.still, self.seen = network(), nn.Dropout(0.5), seen

    def __deepcopy__(self, memo):
        copied = Modes(self.seen)
        copied.train(self.training)
        copied.still.train(self.still.training)
        return copied

    def forward(self, inputs):
        if torch.is_grad_enabled():
            self.seen.append((self.body.training, self.still.training))
        return self.body(self.still(inputs))


@pytest.mark.filterwarnings("ignore:Found 1 module")  # Lightning says it of the part
def test_a_network_in_evaluation_mode_is_trained_in_training_mode_but_not_a_part_that_is_in_it_alone():
    for prepare, expected in (
        (lambda model: model.eval(), (True, True)),
        (lambda model: model.still.eval(), (True, False)),
        (lambda model: model, (True, True)),
    ):
        model = Modes([])
        prepare(model)
        before = modes(model)
        learner, _ = fit(model)
        assert set(model.seen) == {expected}
        assert modes(model) == before
        assert (learner.network.body.training, learner.network.still.training) == expected


def test_batch_normalisation_is_trained_and_coding_does_not_touch_it():
    model = nn.Sequential(nn.BatchNorm1d(6), network())
    learner, data = fit(model, data=separable(101), settings=CodelengthSettings(max_epochs=1, progress=False))
    assert not torch.equal(learner.network[0].running_mean, model[0].running_mean)
    before, drawn = states(learner.network), torch.get_rng_state()
    learner.code(data, 10, 60)
    assert same(before, states(learner.network))
    assert torch.equal(drawn, torch.get_rng_state())


def test_training_and_coding_work_where_a_caller_has_no_gradients():
    expected = states(fit(network())[0].network)
    with torch.no_grad():
        assert same(states(fit(network())[0].network), expected)
    model = network()
    with torch.inference_mode():
        learner, data = fit(model)
        assert same(states(learner.network), expected)
        assert learner.code(data, 0, 100) > 0


@pytest.mark.parametrize("form", [lambda body: body, AdamClassifier])
def test_half_precision_codes_before_and_after_a_training(form):
    costs = []
    for precision in ("32-true", "bf16-mixed", "bf16-true"):
        quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
        trainer = pl.Trainer(max_epochs=4, accelerator="cpu", precision=precision, **quiet)
        settings = CodelengthSettings(trainer=trainer, learning_rate=0.05, progress=False)
        learner, data = Learner(form(network()), settings), of(separable(), settings)
        assert learner.count_classes(data) == 3
        before = learner.code(data, 0, 100)
        learner.fit(data, 100, seed=0)
        costs.append((before, learner.code(data, 0, 100)))
    assert len({after for _, after in costs}) == 3
    for before, after in costs[1:]:
        assert before == pytest.approx(costs[0][0], rel=0.02)
        assert before != costs[0][0]
        assert after == pytest.approx(costs[0][1], rel=0.1)


def test_what_is_trained_comes_back_in_the_form_in_which_it_was_given():
    data = of(separable())
    bare = trained(network(), data, SETTINGS)
    module, loss = trained((network(), cross_entropy), data, SETTINGS)
    assert loss is cross_entropy
    assert same(states(bare), states(module))
    inputs, labels = separable()
    assert nats_of(bare, inputs, labels) < 0.9 * nats_of(network(), inputs, labels)
    assert isinstance(trained(AdamClassifier(network()), data, SETTINGS), AdamClassifier)


def test_a_network_that_belongs_to_a_trainer_is_copied_without_it():
    model = AdamClassifier(network())
    model.trainer = object.__new__(type("Held", (), {"__deepcopy__": lambda *_: pytest.fail("copied a Trainer")}))
    assert Learner(model, SETTINGS).network is not model


# What a network says of labels


def test_scores_and_log_probabilities_come_to_the_same():
    inputs, labels = separable(20)
    scores = network()(inputs)
    expected = log_softmax(scores.double(), 1)
    for model in (network(), nn.Sequential(network(), nn.LogSoftmax(1))):
        assert torch.allclose(log_probabilities(model, (inputs, labels)), expected, atol=1e-6)
    found = label_nats(expected, labels)
    assert found.sum().item() == pytest.approx(nats_of(network(), inputs, labels), rel=1e-6)


@pytest.mark.parametrize(
    "wrap", [lambda scores: {"logits": scores, "loss": 1}, lambda scores: type("Out", (), {"logits": scores})]
)
def test_scores_are_found_by_their_name(wrap):
    class Named(nn.Module):
        def forward(self, inputs):
            return wrap(inputs)

    batch = separable(4)[0][:, :3], torch.tensor([0, 1, 2, 0])
    assert torch.equal(log_probabilities(Named(), batch), batch[0].double().log_softmax(1))


def test_a_label_without_probability_costs_infinitely_and_nan_is_an_error():
    scores = torch.tensor([[0.0, -math.inf]], dtype=torch.float64)
    assert label_nats(scores, torch.tensor([1])).item() == math.inf
    with pytest.raises(ValueError, match="model: a cross-entropy that is not NaN is required, got NaN"):
        label_nats(scores * math.nan, torch.tensor([0]))
    for label in (-1, 2):
        with pytest.raises(ValueError, match=f"data: labels from 0 to 1 are required .* got {label}"):
            label_nats(scores, torch.tensor([label]))


def test_one_hot_scores_are_taken_for_probabilities_but_not_scores_that_happen_to_be_positive():
    batch = torch.zeros(2, 1), torch.tensor([0, 1])
    with pytest.raises(ValueError, match="numbers from 0 to 1 that sum to 1; return the scores before the softmax"):
        log_probabilities(Constant(0.0, 1.0), batch)
    assert log_probabilities(Constant(0.5, 0.6), batch).shape == (2, 2)
    assert log_probabilities(Constant(0.5, 0.5003), batch).shape == (2, 2)  # as happens, of many batches of one sample
    assert log_probabilities(Constant(-1.0, 2.0), batch).shape == (2, 2)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_probabilities_are_known_in_every_precision_but_not_by_chance(dtype):
    inputs, labels = separable(32)
    model = nn.Sequential(network(), nn.Softmax(1)).to(dtype)
    with pytest.raises(ValueError, match="numbers from 0 to 1 that sum to 1"):
        log_probabilities(model, (inputs.to(dtype), labels))
    near = Constant(0.25, 0.25, 0.5078125).to(dtype)
    assert log_probabilities(near, (torch.zeros(1, 6), torch.tensor([0]))).shape == (1, 3)


def test_networks_of_other_parameters_are_distinguished():
    check_same_network(network(), network(1), names=("one", "other"))
    with pytest.raises(
        ValueError, match=r"other: the same parameters as one are required, got others, such as '0.bias'"
    ):
        check_same_network(network(), network(hidden=9), names=("one", "other"))


def test_callbacks_that_wait_for_a_validation_get_one_of_the_held_out_share():
    class Validated(AdamClassifier):
        def __init__(self, body):
            super().__init__(body)
            self.seen = []

        def validation_step(self, batch, batch_idx):
            self.seen.append(len(batch[1]))
            self.log("val_loss", cross_entropy(self(batch[0]), batch[1]))

    stopping = pl.callbacks.EarlyStopping("val_loss", patience=50)
    trainer = pl.Trainer(
        max_epochs=3, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0, callbacks=[stopping],
    )  # fmt: skip
    settings = CodelengthSettings(trainer=trainer, batch_size=100, progress=False)
    learner = Learner(Validated(network()), settings)
    learner.fit(LabeledData.of(separable(100), settings), 60, seed=0)
    assert learner.network.seen == [12, 12, 12]  # .2 of 60, each epoch
    assert stopping.wait_count == 0  # of the Trainer that was given nothing is used
