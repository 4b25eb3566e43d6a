"""Lengths of online codes: against what the published programs give, and what can be said by hand."""

from __future__ import annotations

import json
import math
from itertools import accumulate
from pathlib import Path

import pytest

from lightning_infomem.model_information import SCHEDULES, OnlineCode, block_sizes, online_code, uniform_code_length

GOLDEN = json.loads((Path(__file__).parents[1] / "data" / "mdl_online_code.json").read_text())


@pytest.mark.parametrize("num_samples", [257, 1000, 1797])
@pytest.mark.parametrize("schedule", ["voita", "orgad"])
def test_blocks_end_where_those_of_the_published_programs_do(schedule, num_samples):
    sizes = block_sizes(num_samples, schedule)
    assert list(accumulate(sizes)) == GOLDEN[f"{schedule}_train_sizes_n{num_samples}"]
    if schedule == "orgad":
        assert list(sizes[1:]) == GOLDEN[f"orgad_eval_sizes_n{num_samples}"]


def test_schedules_are_the_published_ones():
    assert list(SCHEDULES["orgad"]) == GOLDEN["fractions_orgad_percent"]
    assert [percentage / 100 for percentage in SCHEDULES["voita"]] == GOLDEN["fractions_voita"]


def test_a_schedule_of_ones_own_is_followed():
    assert block_sizes(10, (25, 50.0, 100)) == (2, 3, 5)
    assert block_sizes(3, [100]) == (3,)


def test_uniform_code_lengths_are_the_published_ones():
    assert uniform_code_length(1000, 2) == GOLDEN["uniform_code_length_K2_n1000"]
    assert uniform_code_length(1797, 10) == pytest.approx(GOLDEN["uniform_code_length_K10_n1797"], rel=1e-14)
    assert uniform_code_length(0, 7) == 0


def of_golden_losses(**more):
    return online_code(GOLDEN["losses_nats"], block_sizes=block_sizes(1000, "orgad"), num_classes=2, **more)


def test_code_length_and_compression_are_in_bits_throughout():
    code = of_golden_losses()
    assert code.code_length == pytest.approx(GOLDEN["online_code_length_bits"], rel=1e-14)
    assert code.compression == pytest.approx(GOLDEN["compression_bits"], rel=1e-14)
    assert code.compression < GOLDEN["compression_orig_mixed_units"] - 0.9


def test_the_published_mixture_of_units_is_what_one_gets_without_converting():
    code = of_golden_losses()
    mixed = code.block_bits[0] + sum(code.block_bits[1:]) * math.log(2)
    assert mixed == pytest.approx(GOLDEN["online_code_length_orig_mixed_units"], rel=1e-14)


@pytest.mark.parametrize("schedule", ["voita", "orgad"])
@pytest.mark.parametrize(("num_samples", "num_classes"), [(1000, 10), (1797, 2), (1797, 45)])
def test_a_uniform_predictor_compresses_nothing(schedule, num_samples, num_classes):
    sizes = block_sizes(num_samples, schedule)
    code = online_code([size * math.log(num_classes) for size in sizes[1:]], block_sizes=sizes, num_classes=num_classes)
    assert code.compression == pytest.approx(1, abs=1e-14)
    if (num_samples, num_classes) == (1000, 10):
        assert code.code_length == pytest.approx(GOLDEN["uniform_predictor_K10_n1000_bits"], rel=1e-14)


def test_each_block_has_its_bits():
    code = online_code([math.log(8), 0.0], block_sizes=(3, 2, 5), num_classes=4)
    assert code == OnlineCode(num_classes=4, block_sizes=(3, 2, 5), block_bits=(6.0, pytest.approx(3), 0.0))
    assert code.code_length == pytest.approx(9)
    assert code.uniform_code_length == 20


def test_what_the_data_do_not_cost_the_model_does():
    assert of_golden_losses().model_bits is None
    code = of_golden_losses(final_data_nats=100 * math.log(2))
    assert code.final_data_bits == pytest.approx(100)
    assert code.model_bits == pytest.approx(code.code_length - 100)


def test_without_a_first_block_a_model_may_know_everything():
    assert online_code([0.0], block_sizes=(0, 50), num_classes=2).compression == math.inf


def test_a_label_without_probability_takes_for_ever():
    code = online_code([math.inf], block_sizes=(1, 1), num_classes=2)
    assert code.code_length == math.inf
    assert code.compression == 0


@pytest.mark.parametrize(
    ("call", "fault", "message"),
    [
        (lambda: block_sizes(100, "voyta"), ValueError, "schedule: one of .*did you mean 'voita'"),
        (lambda: block_sizes(100, 3), TypeError, "schedule: a name or a sequence of percentages"),
        (lambda: block_sizes(100, ["1", "100"]), TypeError, "schedule: a name or a sequence of percentages"),
        (lambda: block_sizes(100, (0.0, 50, 100)), ValueError, "schedule: percentages that ascend .* got \\(0.0, 50"),
        (lambda: block_sizes(100, (50, 50, 100)), ValueError, "schedule: percentages that ascend"),
        (lambda: block_sizes(100, (0.2, 0.5, 1.0)), ValueError, "schedule: percentages that ascend"),
        (lambda: block_sizes(100, ()), ValueError, "schedule: percentages that ascend"),
        (lambda: block_sizes(0, "orgad"), ValueError, "num_samples: a whole number >= 1"),
        (lambda: uniform_code_length(5, 1), ValueError, "num_classes: a whole number >= 2"),
        (lambda: uniform_code_length(-1, 2), ValueError, "num_samples: a whole number >= 0"),
        (lambda: online_code([1.0], block_sizes=(1, 2, 3), num_classes=2), ValueError, "each of the 3 blocks but the"),
        (lambda: online_code([1.0], block_sizes=(1, 2.0), num_classes=2), TypeError, "block_sizes: a whole number"),
        (lambda: online_code([math.nan], block_sizes=(1, 2), num_classes=2), ValueError, "block_nats: .*diverged"),
        (lambda: online_code([-1.0], block_sizes=(1, 2), num_classes=2), ValueError, "block_nats: .*got float -1.0"),
        (lambda: of_golden_losses(final_data_nats=-0.1), ValueError, "final_data_nats: .*got float -0.1"),
    ],
)
def test_wrong_input_is_named(call, fault, message):
    with pytest.raises(fault, match=message):
        call()
