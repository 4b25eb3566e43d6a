import itertools

import pytest
import torch

from lightning_infomem.sampling.samples import SamplePlan


def draw(total, batch_size, max_samples=50, seed=0):
    """The places in the stream that end up in the slots."""
    plan = SamplePlan(max_samples, 4, seed)
    slots = torch.full((max_samples,), -1)
    for start in range(0, total, batch_size):
        count = min(batch_size, total - start)
        rows, into = plan.offer(count)
        slots[into] = rows + start
    return slots[: plan.num_kept].sort().values


def test_rows_do_not_depend_on_the_size_of_batches():
    expected = draw(1000, 1000)
    for size in (1, 7, 64, 999):
        assert torch.equal(draw(1000, size), expected)


def test_rows_are_distinct_and_all_are_kept_when_they_fit():
    assert torch.equal(draw(30, 8), torch.arange(30))
    assert len(draw(1000, 8).unique()) == 50


@pytest.mark.parametrize(("rank", "size", "length"), [(0, 1, None), (1, 3, 150)])
def test_the_places_of_kept_rows_are_known(rank, size, length):
    plan = SamplePlan(20, 4, 0, rank=rank, num_ranks=size, length=length)
    slots = torch.full((20,), -1)
    for start in range(0, 63, 7):
        rows, into = plan.offer(7)
        slots[into] = (rows + start) * size + rank
    assert plan.places.dtype == torch.int64
    assert torch.equal(plan.places, slots)


def test_places_are_unknown_where_nobody_knows_how_a_stream_is_divided():
    plan = SamplePlan(20, 4, 0, rank=1, num_ranks=2)
    plan.offer(10)
    assert plan.places is None


def test_rows_depend_on_the_seed():
    assert not torch.equal(draw(1000, 10, seed=1), draw(1000, 10, seed=2))


def test_rows_come_uniformly_from_the_whole_stream():
    # A class-sorted validation set must not give one class only. 200 draws of 50 in 1,000: each tenth of the stream
    # is hit 1,000 times on average, binomial standard deviation 30; five of them are allowed.
    hits = torch.cat([draw(1000, 100, seed=seed) for seed in range(200)])
    per_tenth = torch.bincount(hits // 100, minlength=10)
    assert (per_tenth - 1000).abs().max() < 150


def test_units_are_the_same_for_the_same_width_and_increase():
    plan = SamplePlan(10, 16, seed=3)
    units = plan.units(100)
    assert len(units.unique()) == 16
    assert torch.equal(units, units.sort().values)
    assert torch.equal(units, SamplePlan(99, 16, seed=3).units(100))
    assert torch.equal(plan.units(12), torch.arange(12))


@pytest.mark.parametrize("width", [65, 100, 256, 1000])
@pytest.mark.parametrize("seed", [0, 7])
def test_units_of_a_smaller_number_are_among_those_of_a_larger_one(width, seed):
    numbers = (2, 10, 64, 128, 256)
    chosen = [set(SamplePlan(10, number, seed).units(width).tolist()) for number in numbers]
    assert [len(units) for units in chosen] == [min(number, width) for number in numbers]
    for few, many in itertools.pairwise(chosen):
        assert few <= many


@pytest.mark.parametrize("draw_something", [lambda plan: plan.offer(100), lambda plan: plan.units(1000)])
def test_the_global_random_state_is_not_touched(draw_something):
    before = torch.get_rng_state()
    draw_something(SamplePlan(10, 16, seed=0))
    assert torch.equal(torch.get_rng_state(), before)


def test_an_empty_batch_is_no_event():
    plan = SamplePlan(10, 16, seed=0)
    rows, slots = plan.offer(0)
    assert len(rows) == len(slots) == plan.num_kept == 0
