"""The training loss in the log of the Trainer of transformers."""

import math

import pytest

from lightning_infomem.callbacks.logged_training_loss import logged_training_loss

LOG = [
    {"loss": 8.0, "step": 10},
    {"eval_loss": 100.0, "step": 10},
    {"loss": 3.0, "step": 20},
    {"loss": 2.0, "step": 40},
    {"train_loss": 100.0, "step": 40},
]


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (0, (10 * 8 + 10 * 3 + 20 * 2) / 40),
        (10, (10 * 3 + 20 * 2) / 30),
        (20, 2.0),
        (40, 2.0),  # nothing was logged since
    ],
)
def test_entries_count_by_their_steps(since, expected):
    assert logged_training_loss(LOG, since) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("log", [[], [{"eval_loss": 1.0, "step": 3}], [{"loss": math.nan, "step": 3}]])
def test_without_a_finite_entry_there_is_none(log):
    assert logged_training_loss(log, 0) is None


def test_a_log_that_repeats_its_step_does_not_divide_by_zero():
    assert logged_training_loss([{"loss": 1.0, "step": 0}], 0) is None
