"""Measure a checkpoint that carries no report: its weights in a model, the user's data through it."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from torch import nn
from torch.utils.data import RandomSampler

from lightning_infomem._checks import describe, nearest_names
from lightning_infomem.measurement import measure
from lightning_infomem.records import InformationReport
from lightning_infomem.selection.checkpoints import UnusableCheckpoint, load_checkpoint
from lightning_infomem.settings import MeasurementSettings

__all__ = ["OfflineMeasurement", "check_setting_names"]


class OfflineMeasurement:
    """Path of a checkpoint -> report, with the same data, layers and settings for each.

    Args:
        model: a network of which a copy gets the weights, or a function from the loaded checkpoint to a network.
        data: unlabelled batches in the same order each time they are gone through.
        layers: see `measurement.measure`.
        forward: see `measurement.measure`.
        settings: the fields of `MeasurementSettings`.

    Raises:
        TypeError: no model, or data that can be gone through only once.
        ValueError: data that are shuffled, or a setting beyond its range.
    """

    def __init__(
        self,
        model: nn.Module | Callable[[dict[str, Any]], nn.Module],
        data: Iterable[Any],
        *,
        layers: str | type[nn.Module] | Sequence[str | type[nn.Module]] = "auto",
        forward: Callable[[nn.Module, Any], object] | None = None,
        **settings: Any,
    ) -> None:
        check_setting_names(settings)
        MeasurementSettings(**settings)  # a wrong value is reported before the first checkpoint is loaded
        if isinstance(model, type) or not callable(model):
            raise TypeError(
                "model: a torch module, or a function that takes the loaded checkpoint and returns one, is required, "
                f"got {describe(model)}; of a class pass an instance."
            )
        if not isinstance(data, Iterable) or isinstance(data, Iterator):
            raise TypeError(
                "data: batches that can be gone through once for every checkpoint are required, got "
                f"{type(data).__name__}; pass a DataLoader or a list."
            )
        if isinstance(getattr(data, "sampler", None), RandomSampler):
            raise ValueError(
                "data: the same batches for every checkpoint are required, got a DataLoader that shuffles; "
                "pass one with shuffle=False."
            )
        self._model, self._data, self._layers, self._forward = model, data, layers, forward
        self._settings = settings

    def __call__(self, path: Path) -> InformationReport:
        """Measure one checkpoint.

        Raises:
            UnusableCheckpoint: its weights do not fit the model, or nothing of it can be measured.
        """
        try:
            model = self._load(path)
            return measure(model, self._data, self._layers, forward=self._forward, **self._settings)
        except UnusableCheckpoint:
            raise
        except (KeyError, RuntimeError, ValueError) as fault:
            raise UnusableCheckpoint(f"cannot be measured ({_one_line(fault)})") from fault

    def _load(self, path: Path) -> nn.Module:
        checkpoint = load_checkpoint(path)
        if not isinstance(self._model, nn.Module):
            model = self._model(checkpoint)
            if not isinstance(model, nn.Module):
                raise TypeError(f"model: the function has to return a torch module, it returned {describe(model)}.")
            return model
        weights = checkpoint.get("state_dict")
        if not isinstance(weights, dict):
            raise UnusableCheckpoint("has no 'state_dict'; pass as model= a function that reads this layout")
        model = copy.deepcopy(self._model)
        try:
            model.load_state_dict(weights)
        except RuntimeError as fault:
            raise UnusableCheckpoint(
                f"its weights do not fit the model given ({_one_line(fault)}); pass the module that was trained, or a "
                "function from the loaded checkpoint to a model"
            ) from fault
        return model


def check_setting_names(settings: Iterable[str]) -> None:
    """Require names of settings: whatever keyword is unknown elsewhere ends up here, misspelt ones included."""
    known = [field.name for field in dataclasses.fields(MeasurementSettings)]
    arguments = ("memorization", "reference", "model", "data", "layers", "forward")
    for name in settings:
        if name not in known:
            nearest = ", ".join(nearest_names(name, [*known, *arguments], count=2))
            raise TypeError(f"{name}: an argument or a setting of a measurement is required; nearest: {nearest}.")


def _one_line(fault: Exception) -> str:
    text = " ".join(str(fault).split())
    return text if len(text) <= 200 else f"{text[:196]} ..."
