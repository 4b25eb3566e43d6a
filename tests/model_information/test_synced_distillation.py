"""Teacher and student in step: what must hold whatever the networks are."""

from __future__ import annotations

import copy
import json
import math

import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from lightning_infomem.model_information import prequential_codelength, synced_distillation

UNITS, CLASSES = 20, 3
QUICK = {"blocks": (10, 30, 100), "max_epochs": 6, "learning_rate": 0.03, "progress": False}


def noisy(count=120, seed=0):
    """Labels drawn from the probabilities that `Law` gives."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(count, UNITS, generator=generator)
    return inputs, torch.multinomial(Law()(inputs).softmax(1), 1, generator=generator)[:, 0]


class Law(nn.Linear):
    """Knows how likely each label is; does not learn."""

    def __init__(self):
        super().__init__(UNITS, CLASSES, bias=False)
        self.requires_grad_(False)
        self.weight.zero_()
        self.weight[:, :CLASSES] = 1.5 * torch.eye(CLASSES)


def random_teacher():
    return nn.Linear(UNITS, CLASSES).requires_grad_(False)


def linear():
    return nn.Linear(UNITS, CLASSES)


class LitLinear(pl.LightningModule):
    """With a loss and an optimiser of its own."""

    def __init__(self, weight=1.0):
        super().__init__()
        self.layer, self.drop, self.weight = linear(), nn.Dropout(0.3), weight

    def forward(self, inputs):
        return self.layer(self.drop(inputs))

    def training_step(self, batch, batch_idx):
        return self.weight * nn.functional.cross_entropy(self(batch[0]), batch[1])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


@pytest.fixture(scope="module")
def by_the_law():
    return synced_distillation(linear, Law, noisy(), alpha=0.9, temperature=1.0, seeds=(0, 1), **QUICK)


@pytest.mark.parametrize("student", [linear, LitLinear, lambda: (linear(), nn.CrossEntropyLoss(label_smoothing=0.1))])
def test_a_teacher_of_no_weight_changes_nothing(student):
    found = synced_distillation(student, LitLinear, noisy(), alpha=0, seeds=(1,), **QUICK)
    assert found.gains == (0.0,)
    assert found.with_teacher == found.without_teacher
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = student()
    assert found.without_teacher == (prequential_codelength(model, noisy(), seed=1, **QUICK),)


def test_the_teachers_code_is_that_of_the_teacher_alone():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        teacher = LitLinear()
    for first_block in ("uniform", "model"):
        settings = {**QUICK, "first_block": first_block, "start": "warm"}
        found = synced_distillation(linear, LitLinear, noisy(), seeds=(1,), **settings)
        assert found.teacher == (prequential_codelength(teacher, noisy(), seed=1, **settings),)


def test_a_teacher_that_knows_how_likely_labels_are_saves_bits(by_the_law):
    assert min(by_the_law.gains) > 5
    mean, spread = by_the_law.gain
    assert mean == pytest.approx(sum(by_the_law.gains) / 2)
    assert spread > 0
    # Nothing has shorter codes than the law, and it needs no samples to be learned.
    rest = sum(by_the_law.teacher[0].block_sizes[1:])
    inputs, labels = noisy()
    expected = nn.functional.cross_entropy(Law()(inputs), labels).item() / math.log(2)
    assert sum(by_the_law.teacher[0].block_bits[1:]) / rest == pytest.approx(expected, rel=0.1)


def test_a_random_teacher_that_is_believed_does_harm():
    found = synced_distillation(linear, random_teacher, noisy(), alpha=0.99, seeds=(0,), **QUICK)
    assert found.gains[0] < -5


def test_a_lightning_module_is_taught_by_the_loss_of_the_distillation_and_its_own_optimiser():
    """Its own loss, ten thousand times as large, would lead to other weights at once."""
    found = [
        synced_distillation(lambda weight=weight: LitLinear(weight), Law, noisy(), temperature=1.0, seeds=(0,), **QUICK)
        for weight in (1.0, 1e4)
    ]
    assert found[0].with_teacher == found[1].with_teacher
    assert found[0].without_teacher == found[1].without_teacher
    assert found[0].gains[0] > 2


def test_teachers_teach_in_evaluation_mode_without_gradients_and_learn_in_training_mode():
    seen = []

    class Watched(nn.Linear):
        def forward(self, inputs):
            seen.append((self.training, torch.is_grad_enabled()))
            return super().forward(inputs)

    synced_distillation(linear, lambda: Watched(UNITS, CLASSES), noisy(), seeds=(0,), start="warm", **QUICK)
    assert set(seen) == {(True, True), (False, False)}


def test_alpha_weighs_the_same_at_every_temperature():
    """Of high ones the divergence times their square is always the same, and does not vanish beside the other loss."""
    found = [
        synced_distillation(linear, Law, noisy(), alpha=0.9, temperature=temperature, seeds=(0,), **QUICK)
        for temperature in (50.0, 100.0)
    ]
    codes = [each.with_teacher[0].code_length for each in found]
    assert codes[0] == pytest.approx(codes[1], rel=1e-3)
    assert abs(codes[0] - found[0].without_teacher[0].code_length) > 5


def test_models_given_as_they_are_and_random_generators_stay_unchanged():
    student, teacher = linear(), LitLinear()
    weights = copy.deepcopy([student.state_dict(), teacher.state_dict()])
    data, drawn = noisy(), torch.get_rng_state()
    synced_distillation(lambda: student, lambda: teacher, data, seeds=(0,), **QUICK)
    assert torch.equal(drawn, torch.get_rng_state())
    for before, model in zip(weights, (student, teacher), strict=True):
        assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
        assert all(weight.grad is None for weight in model.parameters())
    assert teacher.training_step.__func__ is LitLinear.training_step


def test_the_result_prints_and_saves(by_the_law, tmp_path):
    first, second = by_the_law.to_records()
    assert list(first) == [
        "seed",
        "alpha",
        "temperature",
        "samples",
        "uniform_bits",
        "bits_without_teacher",
        "bits_with_teacher",
        "gain_bits",
        "teacher_bits",
    ]
    assert (first["seed"], second["seed"], first["alpha"], first["samples"]) == (0, 1, 0.9, 120)
    assert first["gain_bits"] == first["bits_without_teacher"] - first["bits_with_teacher"]
    assert "gain bits" in str(by_the_law)
    saved = json.loads(by_the_law.save(tmp_path / "found.json").read_text())
    assert saved["settings"]["temperature"] == 1.0
    assert "seed" not in saved["settings"]
    assert saved["rows"][1] == second


class Manual(LitLinear):
    def __init__(self):
        super().__init__()
        self.automatic_optimization = False


@pytest.mark.parametrize(
    ("arguments", "fault", "message"),
    [
        ({"alpha": 1.5}, ValueError, "alpha: a finite number >= 0 and <= 1 is required, got 1.5"),
        ({"alpha": "0.5"}, TypeError, "alpha: a finite number >= 0 and <= 1 is required"),
        ({"temperature": 0}, ValueError, "temperature: a finite number > 0 is required, got 0"),
        ({"seeds": ()}, ValueError, "seeds: one or more different seeds"),
        ({"seed": 3}, TypeError, "seed: the seeds of repetitions are required instead, got a single seed 3"),
        ({"seeds": (0.5,)}, TypeError, "seeds: a whole number"),
        ({"student": linear()}, TypeError, "student: a function that makes a model is required.*lambda: Network"),
        ({"teacher": (linear(), nn.CrossEntropyLoss())}, TypeError, "teacher: a function that makes a model"),
        ({"student": lambda: 3}, TypeError, "model: a LightningModule, a torch module"),
        ({"student": Manual}, ValueError, "student: automatic optimization is required"),
        (
            {"teacher": lambda: nn.Linear(UNITS, 5)},
            ValueError,
            "teacher: 3 classes, like the student, are required, got 5",
        ),
    ],
)
def test_wrong_input_is_named(arguments, fault, message):
    given = {"student": linear, "teacher": linear, "data": noisy(), **QUICK, **arguments}
    with pytest.raises(fault, match=message):
        synced_distillation(**given)
