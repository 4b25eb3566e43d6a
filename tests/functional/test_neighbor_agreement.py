"""Agreement with the labels of neighbours: by hand, on noisy labels, and what it refuses."""

from __future__ import annotations

import math

import pytest
import torch

from lightning_infomem.functional import nearest_neighbors, neighbor_agreement

CLASSES = torch.tensor([[0, 1], [1, 1], [1, 0]])
LABELS = torch.tensor([[0, 0, 1], [1, 1, 1]])


def test_two_inputs_by_hand():
    found = neighbor_agreement(CLASSES, LABELS)
    assert found.tolist() == pytest.approx([(2 / 3 + 1) / 2, (1 / 3 + 1) / 2, (1 / 3 + 0) / 2])
    assert found.dtype == torch.float64


def test_what_is_unknown_is_left_out():
    classes, labels = CLASSES.clone(), LABELS.clone()
    classes[0, 1] = -1
    labels[0, 0] = -1
    assert neighbor_agreement(classes, labels).tolist() == pytest.approx([1 / 2, (1 / 2 + 1) / 2, 1 / 4])
    labels[1] = -1
    assert neighbor_agreement(classes, labels)[1:].tolist() == pytest.approx([1 / 2, 1 / 2])
    assert math.isnan(neighbor_agreement(torch.tensor([[-1, -1]]), LABELS).item())


def test_it_orders_checkpoints_although_labels_are_noisy():
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(5, 10, generator=generator) * 2
    truth, truth_of_probe = torch.arange(1000) % 5, torch.arange(200) % 5
    features = centres[truth] + torch.randn(1000, 10, generator=generator)
    probe = centres[truth_of_probe] + torch.randn(200, 10, generator=generator)
    noise = torch.rand(1000, generator=generator) < 0.4
    labels = truth.where(~noise, torch.randint(5, (1000,), generator=generator))
    wrong = torch.rand(200, generator=generator)
    classes = torch.stack([(truth_of_probe + (wrong < share).long()) % 5 for share in (0.0, 0.2, 0.4, 0.8)])
    found = neighbor_agreement(classes, labels[nearest_neighbors(probe, features, 5).indices])
    assert found.tolist() == sorted(found, reverse=True)
    assert found[0] > found[-1] + 0.3


@pytest.mark.parametrize(
    ("classes", "labels", "fault", "message"),
    [
        (CLASSES, LABELS[:1], ValueError, r"neighbor_labels: shape \[2, neighbors\], .* got .* \[1, 3\]"),
        (CLASSES, LABELS[:, 0], ValueError, r"neighbor_labels: shape \[2, neighbors\], .* got .* \[2\]"),
        (CLASSES, LABELS[:, :0], ValueError, r"neighbor_labels: shape \[2, neighbors\], .* got .* \[2, 0\]"),
        (CLASSES, LABELS.double(), TypeError, "neighbor_labels: an integer torch tensor"),
        (CLASSES, LABELS - 2, ValueError, "neighbor_labels: classes from 0, or -1 .* got -2"),
        (CLASSES[0], LABELS, ValueError, "classes: shape"),
    ],
)
def test_wrong_input_is_named(classes, labels, fault, message):
    with pytest.raises(fault, match=message):
        neighbor_agreement(classes, labels)
