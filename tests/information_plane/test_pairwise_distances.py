from __future__ import annotations

import pytest
import torch

from lightning_infomem.information_plane.pairwise_distances import squared_distances


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def direct(samples, others):
    return (samples[:, None] - others[None]).square().sum(2)


@pytest.mark.parametrize("memory_limit", [1, 8 * 41 * 7, 2**25])
@pytest.mark.parametrize("units", [1, 5, 300])
def test_blocks_together_hold_every_distance_once(units, memory_limit):
    samples = drawn(41, units)
    rows, blocks = zip(*squared_distances(samples, memory_limit=memory_limit), strict=True)
    assert [row for each in rows for row in range(41)[each]] == list(range(41))
    assert len(blocks) == {1: 41, 8 * 41 * 7: 6, 2**25: 1}[memory_limit]
    torch.testing.assert_close(torch.cat(blocks), direct(samples, samples), rtol=1e-12, atol=1e-12 * units)


def test_distances_to_others_are_those_to_others():
    samples, others = drawn(41, 3), drawn(17, 3, seed=1) + 5
    found = torch.cat([block for _, block in squared_distances(samples, others, memory_limit=8 * 17 * 4)])
    torch.testing.assert_close(found, direct(samples, others), rtol=1e-12, atol=1e-12)


def test_float32_far_from_the_origin_loses_no_digit():
    samples = (1000 + 1e-3 * drawn(50, 400)).float()
    (_, found) = next(squared_distances(samples))
    torch.testing.assert_close(found, direct(samples.double(), samples.double()), rtol=1e-10, atol=0)


@pytest.mark.parametrize("units", [1, 17, 1000, 20000])
@pytest.mark.parametrize("constant_rows", [False, True])
def test_equal_samples_are_at_distance_zero_exactly(units, constant_rows):
    # Rows of one repeated value add up their rounding in one direction.
    half = drawn(20, 1).expand(-1, units) / 3 + 0.1 if constant_rows else drawn(20, units) / 3 + 0.1
    for limit in (1, 8 * 40 * 3, 2**25):
        found = torch.cat([block for _, block in squared_distances(torch.cat([half, half]), memory_limit=limit)])
        assert (found.diagonal() == 0).all()
        assert (found.diagonal(20) == 0).all()
        assert (found[:20, :20].triu(1) + found[:20, :20].tril(-1) > 0).sum() == 20 * 19


def test_samples_are_left_as_they_were():
    samples = drawn(10, 3)
    before = samples.clone()
    for _, block in squared_distances(samples):
        block.fill_(7)
    assert torch.equal(samples, before)
