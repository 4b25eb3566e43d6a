"""Lowest and highest activation of a whole run."""

from __future__ import annotations

import math

from torch import Tensor

from lightning_infomem._checks import check_samples

__all__ = ["RunRange"]


class RunRange:
    """Collect the extremes of layers over all epochs, so that one set of bins serves the whole run.

    This takes two passes. First `add` the activations of every layer at every epoch; then estimate all of them with
    ``Binning(value_range=run_range.of(layer))``, or with ``run_range.of()`` for the same bins in all layers. Do not use
    it while a run is in progress: early and late epochs would have different bins, and a layer that grows would seem to
    have been compressed earlier.

    Cost:
        One look at every value. Memory: two numbers per layer.

    Reference:
        Saxe et al. 2018, "On the information bottleneck theory of deep learning", bins between the extremes over
        training.

    >>> import torch
    >>> extremes = RunRange()
    >>> for epoch in range(3):
    ...     extremes.add("fc1", torch.tensor([[-1.0], [1.0]]) * epoch)
    >>> extremes.of("fc1")
    (-2.0, 2.0)
    """

    def __init__(self) -> None:
        self._extremes: dict[str, tuple[float, float]] = {}

    def add(self, layer: str, hidden: Tensor) -> None:
        """Include one layer at one epoch.

        Args:
            layer: Layer name.
            hidden: Activations of the layer, float ``[samples, ...]``.

        Raises:
            TypeError: If the activations are not floats.
            ValueError: If there are no values, or some are not finite.
        """
        flat = hidden.detach().flatten(1) if isinstance(hidden, Tensor) and hidden.ndim > 2 else hidden
        low, high = (float(end) for end in check_samples(flat, name=f"hidden of {layer}").aminmax())
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError(
                f"hidden of {layer}: finite activations are required, got values from {low} to {high}; has the "
                "training diverged? Exclude such epochs from both passes."
            )
        lowest, highest = self._extremes.get(layer, (low, high))
        self._extremes[layer] = min(lowest, low), max(highest, high)

    def of(self, *layers: str) -> tuple[float, float]:
        """Lowest and highest value of the named layers, or of all layers if none is named.

        Returns:
            ``(low, high)`` for `Binning`. If all values are equal, high is the next larger number, so that all values
            fall into the first bin.

        Raises:
            ValueError: If nothing was added for a layer.
        """
        missing = [layer for layer in layers if layer not in self._extremes]
        if missing or not self._extremes:
            raise ValueError(
                f"layers: layers that were added are required, got {', '.join(map(repr, missing)) or 'none'}, of "
                f"{list(self._extremes)}; add the activations of every epoch first."
            )
        lows, highs = zip(*(self._extremes[layer] for layer in layers or self._extremes), strict=True)
        low, high = min(lows), max(highs)
        return (low, high) if low < high else (low, math.nextafter(low, math.inf))
