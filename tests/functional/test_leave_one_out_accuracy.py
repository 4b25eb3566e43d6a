"""Accuracy of neighbours on given labels: by hand, against scikit-learn, and what it refuses."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import sparse
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from lightning_infomem.functional import leave_one_out_accuracy

ANGLES = torch.tensor([0.0, 0.1, 0.21, 3.14, 3.24, 3.35])  # two groups on opposite sides of the mean
FEATURES = torch.stack([ANGLES.cos(), ANGLES.sin()], dim=1).double()


def test_six_examples_by_hand():
    found = leave_one_out_accuracy(FEATURES, torch.tensor([0, 0, 1, 1, 1, 1]), 1)
    # Nearest: 1, 0, 1, 4, 3, 4. Only the third is wrong.
    assert found.accuracy.item() == pytest.approx(5 / 6)
    assert found.standard_error.item() == pytest.approx(math.sqrt(5 / 6 * 1 / 6 / 5))
    assert found.chance.item() == pytest.approx(4 / 6)
    assert {value.dtype for value in found} == {torch.float64}


def test_classes_that_tie_count_in_parts():
    found = leave_one_out_accuracy(FEATURES, torch.tensor([0, 0, 1, 1, 1, 1]), 2)
    # The first two see labels 0 and 1 (half each); the third sees 0, 0; the others see 1, 1.
    assert found.accuracy.item() == pytest.approx((0.5 + 0.5 + 0 + 3) / 6)
    found = leave_one_out_accuracy(FEATURES, torch.tensor([0, 1, 2, 0, 1, 2]), 2)
    assert found.accuracy.item() == 0  # one vote each for the two other classes
    found = leave_one_out_accuracy(FEATURES, torch.tensor([0, 1, 2, 0, 1, 2]), 5)
    # Two votes each for the other classes, one for its own.
    assert found.accuracy.item() == 0
    found = leave_one_out_accuracy(FEATURES, torch.tensor([0, 0, 1, 1, 2, 2]), 5)
    assert found.accuracy.item() == 0
    assert found.standard_error.item() == 0


def test_it_is_what_scikit_learn_says():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(120, 6, generator=generator, dtype=torch.float64)
    labels = (features[:, 0] > 0).long()
    centred = features - features.mean(0)
    oracle = KNeighborsClassifier(5, metric="cosine", algorithm="brute")
    expected = cross_val_score(oracle, centred.numpy(), labels.numpy(), cv=LeaveOneOut()).mean()
    assert leave_one_out_accuracy(features, labels, 5).accuracy.item() == pytest.approx(expected)
    assert 0.6 < expected < 1


def test_examples_without_a_label_are_left_out():
    labels = torch.tensor([0, 0, 1, 1, 1, 1])
    expected = leave_one_out_accuracy(FEATURES, labels, 2)
    more = torch.cat([FEATURES[:3], FEATURES[:2], FEATURES[3:]])
    unknown = torch.cat([labels[:3], torch.tensor([-1, -1]), labels[3:]])
    assert leave_one_out_accuracy(more, unknown, 2) == expected
    sparser = sparse.csr_matrix((more + 2).numpy())
    assert leave_one_out_accuracy(sparser, unknown, 1).chance.item() == pytest.approx(4 / 6)


@pytest.mark.parametrize(
    ("change", "fault", "message"),
    [
        ({"neighbors": 6}, ValueError, "labels: more than neighbors=6 known labels are required, got 6"),
        ({"labels": torch.tensor([0, 0, 1])}, ValueError, "labels: one for each of the 6 inputs is required, got 3"),
        ({"labels": torch.zeros(6)}, TypeError, "labels: an integer torch tensor"),
        ({"features": FEATURES * math.nan}, ValueError, "features?: finite values|queries: finite values"),
        ({"neighbors": 1.0}, TypeError, "neighbors: a whole number"),
    ],
)
def test_wrong_input_is_named(change, fault, message):
    with pytest.raises(fault, match=message):
        leave_one_out_accuracy(**{"features": FEATURES, "labels": torch.tensor([0, 0, 1, 1, 1, 1]), **change})
