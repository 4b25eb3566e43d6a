"""Predictions travel in a checkpoint, in few bytes, and say whether those of two networks can be compared."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import pytest
import torch

from lightning_infomem.records.predictions import Predictions
from lightning_infomem.records.report import InformationReport
from tests.checkpoints.checkpoint_files import make_report


def predictions(count: int = 5, **fields: Any) -> Predictions:
    generator = torch.Generator().manual_seed(0)
    known: dict[str, Any] = {
        "classes": torch.randint(-1, 7, (count,), generator=generator, dtype=torch.int32),
        "log_odds": torch.randn(count, generator=generator).half(),
        "inputs": torch.randint(-(2**63), 2**62, (count,), generator=generator).sort().values,
        "num_classes": 7,
        "places": torch.randperm(count, generator=generator),
        "loader": 1,
    }
    known["log_odds"][0] = torch.nan
    return Predictions(**{**known, **fields})


def saved(state: Any) -> bytes:
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def assert_equal(one: Predictions, other: Predictions) -> None:
    for field in dataclasses.fields(Predictions):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, torch.Tensor):
            assert mine.dtype == theirs.dtype
            torch.testing.assert_close(mine, theirs, rtol=0, atol=0, equal_nan=True)
        else:
            assert mine == theirs, field.name


@pytest.mark.parametrize("fields", [{}, {"places": None, "loader": None}, {"num_classes": 2**15 + 1}])
def test_predictions_survive_a_checkpoint_that_admits_only_weights(fields: dict[str, Any]) -> None:
    before = predictions(**fields)
    state = torch.load(io.BytesIO(saved(before.to_state())), weights_only=True)
    after = Predictions.from_state(state)
    assert_equal(after, before)
    state["inputs"].zero_()  # may be mapped from a file
    assert_equal(after, before)


def test_classes_take_16_bits_where_they_are_few_enough() -> None:
    largest = torch.full((5,), 2**15 - 1, dtype=torch.int32)
    state = predictions(classes=largest, num_classes=2**15).to_state()
    assert state["classes"].dtype == torch.int16
    assert torch.equal(Predictions.from_state(state).classes, largest)
    more = torch.full((5,), 2**15, dtype=torch.int32)
    state = predictions(classes=more, num_classes=2**15 + 1).to_state()
    assert torch.equal(Predictions.from_state(state).classes, more)


def test_predictions_of_1024_inputs_take_less_than_25_kilobytes() -> None:
    with_them = make_report({"fc1": 0.5}, predictions=predictions(1024), training_loss=0.5)
    without = make_report({"fc1": 0.5})
    assert len(saved(with_them.to_state())) - len(saved(without.to_state())) < 25_000


def test_predictions_of_the_same_inputs_are_compared_entry_by_entry() -> None:
    one = predictions()
    assert one.has_inputs_of(predictions(classes=torch.zeros(5, dtype=torch.int32), places=None))
    assert not one.has_inputs_of(predictions(inputs=torch.arange(5)))
    assert not one.has_inputs_of(predictions(4))


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("classes", torch.zeros(4, dtype=torch.int16), "the classes .* are not those of 5 samples"),
        ("classes", torch.zeros(5), "the classes"),
        ("classes", torch.full((5,), 7, dtype=torch.int16), "not of 7 classes"),
        ("classes", torch.full((5,), -2, dtype=torch.int16), "not of 7 classes"),
        ("classes", None, "dtype"),
        ("log_odds", torch.zeros(5), "the log_odds"),
        ("log_odds", torch.zeros(5, 1, dtype=torch.float16), "the log_odds"),
        ("inputs", torch.zeros(5, dtype=torch.int32), "the inputs"),
        ("inputs", torch.arange(5).flip(0), "not in their order"),
        ("inputs", torch.tensor(3), "len"),
        ("places", torch.zeros(6, dtype=torch.int64), "the places"),
        ("places", torch.full((5,), -1), "negative"),
        ("loader", -1, "loader is -1"),
        ("loader", "first", "loader is 'first'"),
        ("num_classes", 1, "number of classes is 1"),
        ("num_classes", None, "number of classes is None"),
        ("unknown", 1, "unknown"),
    ],
)
def test_damaged_predictions_are_refused(name: str, value: Any, reason: str) -> None:
    state = make_report({"fc1": 0.5}, predictions=predictions()).to_state()
    state["predictions"][name] = value
    with pytest.raises(ValueError, match=f"report: the state is damaged .*{reason}.*; measure this checkpoint again"):
        InformationReport.from_state(state)


def test_predictions_with_a_part_missing_are_refused() -> None:
    for name in predictions().to_state():
        state = make_report({"fc1": 0.5}, predictions=predictions()).to_state()
        del state["predictions"][name]
        with pytest.raises(ValueError, match=f"report: the state is damaged .*{name}"):
            InformationReport.from_state(state)
