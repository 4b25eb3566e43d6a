"""Features in which near examples are alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from lightning_infomem._checks import describe, nearest_names
from lightning_infomem._errors import UsageTypeError, UsageValueError
from lightning_infomem.measurement import catch
from lightning_infomem.sampling.layers import clean_name
from lightning_infomem.settings import MeasurementSettings

__all__ = ["encoder_of"]

_EVERYTHING = 2**31  # rows and units


def encoder_of(
    features: object, model: object, forward: Callable[[nn.Module, Any], object] | None = None
) -> Callable[[Any], Tensor] | None:
    """Return a function of a batch that returns its features ``[examples, units]``.

    Args:
        features: Such a function, the name of a layer of ``model``, or None.
        model: A network, with the weights that it has.
        forward: How to run it on a batch; see `measure`.

    Raises:
        TypeError: ``features`` is neither a function nor a name, or ``model`` is no module.
        ValueError: The model has no such layer, or a batch shows no values of it.
    """
    if features is None or (callable(features) and not isinstance(features, str)):
        return features
    if not isinstance(features, str):
        raise UsageTypeError(
            f"features: a function of a batch, or the name of a layer of model, is required, got {describe(features)}."
        )
    if not isinstance(model, nn.Module):
        raise UsageTypeError(
            f"model: a module with a layer {features!r} is required for features, got {describe(model)}; give a "
            "function of the batch instead."
        )
    layers = [clean_name(name) for name, _ in model.named_modules()]
    if features not in layers:
        nearest = ", ".join(map(repr, nearest_names(features, layers))) or "none: the model has no submodule"
        raise UsageValueError(
            f"features: the name of a layer of model is required, got {features!r}; nearest: {nearest}."
        )
    settings = MeasurementSettings(max_samples=_EVERYTHING, max_units=_EVERYTHING)

    def of_layer(batch: Any) -> Tensor:
        tap = catch(model, [batch], [features], settings, forward).tap
        rows = tap.samples()
        if features not in rows:
            why = tap.skipped.get(features, "the batch does not run through it")
            raise UsageValueError(
                f"features: a layer with values for each example is required, got {features!r}: {why}."
            )
        return rows[features].float()

    return of_layer
