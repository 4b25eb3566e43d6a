"""Labels of the training examples nearest to each input of a probe."""

from __future__ import annotations

import pytest
import torch

from lightning_infomem.offline.training_neighbors import find_training_neighbors
from lightning_infomem.sampling.batches import mark_examples, parts_of

# Ten training examples around each end of an axis, one of them with a wrong label, and an input in the midst of each.
ANGLES = torch.deg2rad(torch.cat([180 + 4.0 * torch.arange(-5, 5) + 2, 4.0 * torch.arange(-5, 5) + 2]))
TRAINING = torch.stack([ANGLES.cos(), ANGLES.sin()], dim=1)
LABELS = torch.tensor([0] * 10 + [1] * 9 + [0])
PROBE = torch.tensor([[-1.0, 0.03], [1.0, -0.03]])


def _marks(examples):
    return mark_examples(parts_of(examples), len(examples), torch.arange(len(examples)))[:, 0].sort()


def _find(data=PROBE, training=None, *, inputs=None, num_classes=2, **how):
    marks = _marks(data).values if inputs is None else inputs
    training = [(TRAINING, LABELS)] if training is None else training
    return find_training_neighbors(marks, [data], training, num_classes=num_classes, **how)


def test_neighbours_are_those_nearby():
    found = _find()
    order = _marks(PROBE).indices
    assert found.labels.shape == (2, 5)
    assert found.labels[order.argsort()].tolist() == [[0] * 5, [1] * 5]
    assert (found.num_training, found.num_shared, found.features) == (20, 0, "the inputs as they are")
    assert found.leave_one_out == pytest.approx(19 / 20)
    assert found.chance == pytest.approx(11 / 20)


def test_batches_of_every_form_and_size_give_the_same():
    expected = _find()
    for batches in (
        [[TRAINING, LABELS]],
        [{"x": TRAINING, "y": LABELS}],
        list(zip(TRAINING.split(7), LABELS.split(7), strict=True)),
        [(TRAINING, LABELS[:, None])],
    ):
        found = _find(training=batches)
        assert torch.equal(found.labels, expected.labels)
        assert found.leave_one_out == expected.leave_one_out


def test_an_input_that_is_a_training_example_is_not_its_own_neighbour():
    found = _find(TRAINING[[19, 0]])
    assert found.num_shared == 2
    assert (found.labels == 1).all(dim=1).sum() == 1  # the wrong label of the input itself does not count


def test_token_ids_are_compared_by_their_counts_whatever_the_padding():
    texts = torch.cat([torch.tensor([[1, 2, 3]] * 6), torch.tensor([[4, 5, 6]] * 6)])
    texts[:, 2] += torch.arange(12) % 2 * 3  # 3 or 6, 6 or 9
    labels = torch.tensor([0] * 6 + [1] * 6)
    probe = torch.tensor([[2, 1, 7], [5, 4, 8]])
    wide = torch.nn.functional.pad(texts, (0, 4))
    mask = torch.nn.functional.pad(torch.ones_like(texts), (0, 4))
    batches = [{"input_ids": wide, "attention_mask": mask, "labels": labels}]
    found = _find(probe, batches)
    assert found.features == "counts of tokens"
    assert sorted(found.labels.tolist()) == [[0] * 5, [1] * 5]
    places = torch.arange(7).expand(12, 7)
    others = [{"attention_mask": mask, "token_type_ids": 0 * mask, "input_ids": 10 * wide, "position_ids": places}]
    others[0]["labels"] = labels
    assert torch.equal(_find(10 * probe, others).labels, found.labels)


def test_images_as_bytes_are_numbers():
    images, probe = (((each + 2) * 60).to(torch.uint8) for each in (TRAINING, PROBE))
    assert sorted(_find(probe, [(images, LABELS)]).labels[:, 0].tolist()) == [0, 1]


def test_features_are_those_of_the_function():
    found = _find(features=lambda batch: -(batch[0] if isinstance(batch, tuple) else batch))
    assert torch.equal(found.labels, _find().labels)
    assert found.features == "features="


@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [
        ({"inputs": torch.tensor([1, 2])}, ValueError, "data: the inputs that .* got batches without 2 of 2"),
        ({"training": [(TRAINING, LABELS + 5)]}, ValueError, "training: labels from 0 to 1 are required, .* got 6"),
        ({"training": [(TRAINING, LABELS.float())]}, ValueError, "training: .*label|training: examples of the size"),
        ({"training": [(TRAINING,)]}, ValueError, "training: batches with one integer label for each example"),
        ({"training": []}, ValueError, "training: at least one batch is required"),
        ({"training": [(TRAINING[:5], LABELS[:5])]}, ValueError, "training: more than 5 labelled examples .* got 5"),
        ({"training": [(TRAINING.repeat(1, 2), LABELS)]}, ValueError, "training: examples of the size of data"),
        ({"training": TRAINING}, TypeError, "^training: batches"),
        ({"features": lambda batch: 3}, TypeError, "features: a function that returns a floating-point tensor"),
        ({"features": lambda batch: torch.ones(1, 2)}, ValueError, "features: one row for each of 2 examples"),
    ],
)
def test_what_cannot_be_used_is_refused(how, kind, message):
    with pytest.raises(kind, match=message):
        _find(**how)
