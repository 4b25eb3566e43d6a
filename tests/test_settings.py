from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import torch
from torch import Tensor

from lightning_infomem import MemorizationMonitor, measure, rank_checkpoints
from lightning_infomem.records.report import REPORT_KEY
from lightning_infomem.settings import MeasurementSettings, check_setting_names


def largest_position(maps: Tensor) -> Tensor:
    return maps.amax(1)


@pytest.mark.parametrize(
    ("knob", "error", "message"),
    [
        ({"max_samples": 3}, ValueError, "max_samples: a whole number >= 4 is required, got 3; raise it"),
        ({"max_samples": 10, "neighbors": 10}, ValueError, "max_samples: a whole number >= 11 is required, got 10"),
        ({"max_samples": 1e3}, TypeError, r"max_samples: a whole number >= 4 is required, got float 1000\.0"),
        ({"max_samples": None}, TypeError, "max_samples: a whole number >= 4 is required, got NoneType None"),
        ({"max_units": 1}, ValueError, "max_units: a whole number >= 2 is required, got 1; raise it"),
        ({"max_units": "all"}, TypeError, "max_units: a whole number >= 2 is required, got str 'all'"),
        ({"seed": -1}, ValueError, "seed: a whole number >= 0 is required, got -1"),
        ({"seed": None}, TypeError, "seed: a whole number >= 0 is required, got NoneType None"),
        ({"bins": 0}, ValueError, "bins: a whole number >= 1 is required, got 0"),
        ({"bins": True}, TypeError, "bins: a whole number >= 1 is required, got bool True"),
        ({"neighbors": 0}, ValueError, "neighbors: a whole number >= 1 is required, got 0"),
        ({"neighbors": 3.0}, TypeError, r"neighbors: a whole number >= 1 is required, got float 3\.0"),
        ({"memory_limit": 0}, ValueError, "memory_limit: a whole number >= 1 is required, got 0"),
        ({"memory_limit": "1GB"}, TypeError, "memory_limit: a whole number >= 1 is required, got str '1GB'"),
        ({"pooling": "men"}, ValueError, "pooling: one of 'mean', .* got 'men'; did you mean 'mean'"),
        ({"pooling": None}, TypeError, "pooling: one of 'mean', .* got NoneType None"),
        ({"value_range": "nework"}, ValueError, "value_range: one of 'network', .* did you mean 'network'"),
        ({"value_range": (1, 0)}, ValueError, "value_range: low <= high is required"),
        ({"value_range": (0, math.nan)}, ValueError, "value_range: a finite number is required, got nan"),
        ({"value_range": (0, 1, 2)}, TypeError, r"value_range: .* or \(low, high\) is required, got tuple"),
        ({"value_range": None}, TypeError, r"value_range: .* or \(low, high\) is required, got NoneType"),
        ({"backend": "gpu"}, ValueError, "backend: one of 'auto', .* got 'gpu'"),
        ({"backend": None}, TypeError, "backend: one of 'auto', .* got NoneType"),
        ({"task": "classify"}, ValueError, "task: one of 'auto', .* got 'classify'; did you mean 'classification'"),
        ({"task": "unknown"}, ValueError, "task: one of 'auto', 'classification', 'regression', 'none' is required"),
        ({"task": None}, TypeError, "task: one of 'auto', .* got NoneType None"),
        ({"examples": 0}, ValueError, "examples: a whole number >= 1 is required, got 0; raise it"),
        ({"examples": True}, TypeError, "examples: a whole number >= 1, or a function of the batch, is required, got"),
        ({"examples": 8.0}, TypeError, r"examples: .* got float 8\.0; or leave it out"),
        ({"device": 0}, TypeError, 'device: "auto" or the name of a torch device is required, got int 0'),
    ],
)
def test_a_bad_knob_is_refused_where_it_is_turned(knob: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        MeasurementSettings(**knob)


@pytest.mark.parametrize(
    "knob",
    [
        {"max_samples": 4},
        {"max_units": 2},
        {"pooling": "last"},
        {"pooling": largest_position},
        {"value_range": "unit"},
        {"value_range": (-1, 1.5)},
        {"value_range": [0.0, 1.0]},
        {"backend": "reference"},
        {"device": "cpu"},
        {"neighbors": 16},
        {"task": "none"},
        {"examples": 32},
        {"examples": largest_position},
    ],
)
def test_a_good_knob_is_kept(knob: dict[str, Any]) -> None:
    (name,) = knob
    assert getattr(MeasurementSettings(**knob), name) == knob[name]


def test_settings_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        MeasurementSettings().bins = 10  # type: ignore[misc]


def test_the_defaults_are_the_papers_bins_and_neighbors_and_its_codes_range() -> None:
    settings = MeasurementSettings()
    assert (settings.bins, settings.neighbors, settings.value_range) == (100, 3, "network")


def test_the_state_names_all_that_decides_the_numbers() -> None:
    settings = MeasurementSettings(value_range=(0, 1), pooling=largest_position, examples=len)
    assert settings.to_state() == {
        "max_samples": 1024,
        "max_units": 128,
        "pooling": "tests.test_settings.largest_position",
        "seed": 0,
        "bins": 100,
        "value_range": [0.0, 1.0],
        "neighbors": 3,
        "backend": "auto",
        "normal_scores": False,
        "task": "auto",
        "examples": "builtins.len",
        "convention": "standard",
    }


def test_a_callable_object_is_named_by_its_class() -> None:
    class Pooling(torch.nn.Module):
        """Has no name of its own."""

    name = MeasurementSettings(pooling=Pooling()).to_state()["pooling"]
    assert isinstance(name, str)
    assert name.startswith("tests.test_settings.")


# Every door

Door: TypeAlias = "Callable[..., Mapping[str, Any]]"


def network() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))


def monitor(folder: Path, **settings: Any) -> Mapping[str, Any]:
    return MemorizationMonitor(**settings).settings.to_state()


def trainer_callback(folder: Path, **settings: Any) -> Mapping[str, Any]:
    pytest.importorskip("transformers")
    from lightning_infomem.callbacks.transformers_trainer import MemorizationTrainerCallback

    return MemorizationTrainerCallback(**settings).settings.to_state()


def measured(folder: Path, **settings: Any) -> Mapping[str, Any]:
    return measure(network(), [torch.randn(20, 4)], **settings).settings


def ranked(folder: Path, **settings: Any) -> Mapping[str, Any]:
    for name in ("a.pt", "b.pt"):
        torch.save(network().state_dict(), folder / name)
    rank_checkpoints(folder, model=network(), data=[torch.randn(20, 4)], cache=folder / "cache", **settings)
    report = next((folder / "cache").iterdir())
    return torch.load(report, weights_only=True)[REPORT_KEY]["settings"]


DOORS: list[Door] = [monitor, trainer_callback, measured, ranked]
NOT_THE_DEFAULTS = {
    "max_samples": 16,
    "max_units": 2,
    "pooling": "max",
    "seed": 7,
    "bins": 11,
    "value_range": "layer",
    "neighbors": 2,
    "backend": "reference",
    "device": "cpu",
    "normal_scores": True,
    "memory_limit": 2**20,
    "task": "classification",
    "examples": len,
}


@pytest.mark.parametrize("door", DOORS)
def test_every_setting_is_taken_at_every_door(door: Door, tmp_path: Path) -> None:
    settings = MeasurementSettings(**NOT_THE_DEFAULTS)
    assert {*NOT_THE_DEFAULTS, "preset"} == {field.name for field in dataclasses.fields(settings)}
    assert door(tmp_path, **NOT_THE_DEFAULTS) == settings.to_state()


@pytest.mark.parametrize("door", DOORS)
def test_a_preset_is_taken_at_every_door(door: Door, tmp_path: Path) -> None:
    assert door(tmp_path, preset="paper") == MeasurementSettings(preset="paper").to_state()


@pytest.mark.parametrize("door", DOORS)
def test_an_unknown_name_is_answered_with_the_nearest_at_every_door(door: Door, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"^neighbours: an argument of .* got neither; nearest: neighbors"):
        door(tmp_path, neighbours=3)


def test_arguments_of_the_door_itself_are_suggested_too() -> None:
    with pytest.raises(TypeError, match=r"^every_n_validation: an argument of MemorizationMonitor or a field of "):
        MemorizationMonitor(every_n_validation=2)
    with pytest.raises(TypeError, match="; nearest: every_n_validations"):
        MemorizationMonitor(every_n_validation=2)
    check_setting_names(["bins", "preset"], measure)
