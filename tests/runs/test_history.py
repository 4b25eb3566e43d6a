import math

import pytest
import torch

from lightning_infomem.runs.history import history_from_state, history_to_state

HISTORY = [{"epoch": 0.0, "a": 0.1}, {"epoch": 1.0, "a": 1 / 3, "b": -2.5}]


def test_a_history_comes_back_to_the_last_digit_without_what_was_not_measured():
    assert history_from_state(history_to_state(HISTORY)) == HISTORY
    assert history_from_state(history_to_state([])) == []


def test_its_state_is_one_tensor_that_checkpoints_may_hold(tmp_path):
    torch.save(history_to_state(HISTORY), tmp_path / "a.ckpt")
    state = torch.load(tmp_path / "a.ckpt", weights_only=True)
    assert state["values"].shape == (2, 3)
    assert math.isnan(state["values"][0, 2])
    assert history_from_state(state) == HISTORY


@pytest.mark.parametrize("state", [{"names": ["a"], "values": torch.zeros(2, 2)}, {"names": ["a"]}, HISTORY, 3])
def test_a_damaged_history_is_an_error(state):
    with pytest.raises((KeyError, TypeError, ValueError)):
        history_from_state(state)
