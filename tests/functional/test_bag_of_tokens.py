"""Bags of tokens: by hand, against scikit-learn, padding, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfTransformer

from lightning_infomem.functional import bag_of_tokens, inverse_document_frequency, nearest_neighbors


def test_two_examples_by_hand():
    ids = torch.tensor([[0, 3], [0, 0]])
    weights = inverse_document_frequency(ids)
    assert weights.tolist() == pytest.approx([1, 0, 0, 1 + math.log(3 / 2)])
    rare = 1 + math.log(3 / 2)
    length = math.sqrt(1 + rare**2)
    found = bag_of_tokens(ids, weights).toarray()
    assert np.allclose(found, [[1 / length, 0, 0, rare / length], [1, 0, 0, 0]])


def test_it_is_what_scikit_learn_says():
    generator = torch.Generator().manual_seed(0)
    ids, others = (torch.randint(30, (20, 12), generator=generator, dtype=torch.int32) for _ in range(2))
    ids[:, :2] = 29  # all of them occur
    ids.view(-1)[3:200:7][:28] = torch.arange(28, dtype=torch.int32)
    counts, of_others = (np.stack([np.bincount(row, minlength=30) for row in each.numpy()]) for each in (ids, others))
    oracle = TfidfTransformer().fit(counts)
    weights = inverse_document_frequency(ids)
    occurs = counts.sum(0) > 0
    assert np.allclose(weights[occurs], oracle.idf_[occurs])
    assert np.allclose(bag_of_tokens(ids, weights).toarray(), oracle.transform(counts).toarray())
    assert np.allclose(bag_of_tokens(others, weights).toarray(), oracle.transform(of_others * occurs).toarray())


def test_padding_is_masked_and_order_does_not_matter():
    ids = torch.tensor([[5, 2, 2, 0], [2, 5, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]])
    weights = inverse_document_frequency(ids, mask)
    assert weights[0] == 0
    found = bag_of_tokens(ids, weights, mask.bool()).toarray()
    assert np.allclose(found, bag_of_tokens(ids.flip(1), weights, mask.flip(1)).toarray())
    assert np.allclose(found[0, [2, 5]], [2 / math.sqrt(5), 1 / math.sqrt(5)])
    assert found[:, 0].tolist() == [0, 0]


def test_tokens_of_no_training_example_are_ignored():
    weights = inverse_document_frequency(torch.tensor([[0, 2], [2, 2]]))
    found = bag_of_tokens(torch.tensor([[0, 1, 3], [1, 9, 3]]), weights).toarray()
    assert found.tolist() == [[1, 0, 0], [0, 0, 0]]


def test_neighbours_share_tokens():
    training = torch.tensor([[1, 2, 3], [1, 4, 5], [1, 6, 7]])
    weights = inverse_document_frequency(training)
    probe = bag_of_tokens(torch.tensor([[7, 1, 1], [8, 4, 1]]), weights)
    assert nearest_neighbors(probe, bag_of_tokens(training, weights), 1).indices.tolist() == [[2], [1]]


IDS = torch.tensor([[0, 1], [0, 0]])
WEIGHTS = torch.ones(2)


@pytest.mark.parametrize(
    ("call", "fault", "message"),
    [
        (lambda: inverse_document_frequency(IDS.float()), TypeError, r"ids: an integer torch tensor"),
        (lambda: inverse_document_frequency(IDS[0]), ValueError, r"ids: shape \[examples, positions\]"),
        (lambda: inverse_document_frequency(IDS - 1), ValueError, "ids: token ids from 0 are required, got -1"),
        (lambda: inverse_document_frequency(IDS, IDS * 0), ValueError, "ids: a token is required"),
        (lambda: inverse_document_frequency(IDS, IDS[:1]), ValueError, r"mask: the shape of ids, \[2, 2\]"),
        (lambda: inverse_document_frequency(IDS, IDS.float()), TypeError, "mask: a bool or integer"),
        (lambda: bag_of_tokens(IDS, WEIGHTS.int()), TypeError, "weights: a floating-point tensor"),
        (lambda: bag_of_tokens(IDS, WEIGHTS[None]), ValueError, r"weights: shape \[samples\]"),
        (lambda: bag_of_tokens(IDS - 1, WEIGHTS), ValueError, "ids: token ids from 0"),
    ],
)
def test_wrong_input_is_named(call, fault, message):
    with pytest.raises(fault, match=message):
        call()
