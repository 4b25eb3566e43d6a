"""Nearest neighbours: against scikit-learn, ties, chunks, sparse matrices, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors

from lightning_infomem.functional import nearest_neighbors


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("neighbors", [1, 5, 60])
def test_it_is_what_scikit_learn_finds(neighbors):
    features, queries = drawn(60, 9) + 3, drawn(20, 9, seed=1) + 3
    mean = features.mean(0)
    search = NearestNeighbors(n_neighbors=neighbors, metric="cosine", algorithm="brute").fit(features - mean)
    distances, indices = search.kneighbors(queries - mean)
    found = nearest_neighbors(queries, features, neighbors)
    assert np.array_equal(found.indices, indices)
    assert np.allclose(found.similarity, 1 - distances, atol=1e-7)  # entries are rounded to 2**-26
    assert found.similarity.dtype == torch.float64


def test_the_own_row_is_left_out():
    features = drawn(50, 4)
    found = nearest_neighbors(features, features, 49, exclude_self=True, memory_limit=8 * 50 * 7)
    others = [[other for other in range(50) if other != row] for row in range(50)]
    assert found.indices.sort(1).values.tolist() == others
    assert nearest_neighbors(features, features, 1).indices[:, 0].tolist() == list(range(50))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("memory_limit", [1, 8 * 400 * 3, 8 * 400 * 64 + 5, 2**30])
def test_chunks_and_threads_change_nothing_at_all(memory_limit, threads):
    features = drawn(400, 33).float()
    features[200:] = features[:200]  # every similarity is there twice
    expected = nearest_neighbors(features, features, 7, exclude_self=True)
    torch.set_num_threads(threads)
    found = nearest_neighbors(features, features, 7, exclude_self=True, memory_limit=memory_limit)
    assert torch.equal(found.indices, expected.indices)
    assert torch.equal(found.similarity, expected.similarity)


def test_of_equal_ones_the_lower_index_comes_first():
    features = torch.tensor([[0.0, 1], [0, 2], [0, 0.3], [1, 0], [-1, -3.3]]).repeat(3, 1)
    assert nearest_neighbors(torch.tensor([[0.0, 5]]), features, 5).indices.tolist() == [[0, 1, 2, 5, 6]]
    alike = torch.ones(9, 3) * 0.1
    found = nearest_neighbors(alike, alike, 4, exclude_self=True)
    assert found.indices[:2].tolist() == [[1, 2, 3, 4], [0, 2, 3, 4]]
    assert bool((found.similarity == 0).all())  # no direction from the mean


def test_what_all_have_in_common_makes_nothing_similar():
    features, queries = drawn(60, 9), drawn(20, 9, seed=1)
    expected = nearest_neighbors(queries, features, 5)
    shifted = nearest_neighbors(queries + 1000, features + 1000, 5)
    assert torch.equal(shifted.indices, expected.indices)
    assert torch.allclose(shifted.similarity, expected.similarity, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-150, 1e200])
def test_huge_and_tiny_values_are_as_any(scale):
    features, queries = drawn(60, 9), drawn(20, 9, seed=1)
    assert torch.equal(
        nearest_neighbors(queries * scale, features * scale, 5).indices, nearest_neighbors(queries, features, 5).indices
    )


def as_text(rows, seed):
    table = sparse.random(rows, 200, density=0.05, random_state=seed, format="csr")
    return table.astype("float32")


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix, sparse.csr_array])
def test_sparse_matrices_are_not_centred(kind):
    features, queries = as_text(80, 0), as_text(20, 1)
    found = nearest_neighbors(kind(queries), kind(features), 5, memory_limit=8 * 80 * 3)
    similarity = cosine_similarity(queries, features)
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :5]
    assert np.allclose(found.similarity, np.take_along_axis(similarity, order, 1), atol=1e-6)  # of float32
    assert (found.indices.numpy() == order).mean() > 0.99
    itself = nearest_neighbors(kind(features), kind(features), 79, exclude_self=True)
    assert bool((itself.indices.sort(1).values[0] == torch.arange(1, 80)).all())


def test_an_empty_sparse_row_is_similar_to_none():
    features = sparse.csr_matrix(np.eye(4))
    found = nearest_neighbors(sparse.csr_matrix((1, 4)), features, 2)
    assert found.indices.tolist() == [[0, 1]]
    assert found.similarity.tolist() == [[0, 0]]


FEATURES = drawn(10, 3)
WITH_NAN = FEATURES.clone()
WITH_NAN[3, 1] = math.nan


@pytest.mark.parametrize(
    ("change", "fault", "message"),
    [
        ({"neighbors": 11}, ValueError, "neighbors: at most 10 are possible among 10 features, got 11"),
        (
            {"neighbors": 10, "queries": FEATURES, "exclude_self": True},
            ValueError,
            "neighbors: at most 9 are possible among 10 features without the own, got 10",
        ),
        ({"neighbors": 0}, ValueError, "neighbors: a whole number >= 1"),
        ({"queries": drawn(5, 4)}, ValueError, r"queries: as many units as the features of \[10, 3\] .* got \[5, 4\]"),
        ({"exclude_self": True}, ValueError, r"queries: the shape of \[10, 3\] is required, got \[5, 3\]"),
        ({"queries": torch.zeros(5, 3, dtype=torch.int64)}, TypeError, "queries: a floating-point tensor"),
        ({"features": FEATURES[0]}, ValueError, r"features: shape \[samples, units\]"),
        ({"features": WITH_NAN}, ValueError, "features: finite values are required, got NaN or infinity"),
        ({"queries": WITH_NAN}, ValueError, "queries: finite values are required, got NaN or infinity"),
        ({"features": sparse.csr_matrix(FEATURES.numpy())}, TypeError, "queries: the kind of features"),
        ({"memory_limit": 0}, ValueError, "memory_limit: a whole number >= 1"),
    ],
)
def test_wrong_input_is_named(change, fault, message):
    with pytest.raises(fault, match=message):
        nearest_neighbors(**{"queries": drawn(5, 3), "features": FEATURES, "neighbors": 2, **change})
