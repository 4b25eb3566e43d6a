"""How far apart domains lie by the first two moments of features: what similarity is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from lightning_infomem._checks import describe
from lightning_infomem.model_information.labeled_data import LabeledData
from lightning_infomem.sampling.forward import forward_batch

__all__ = ["Features", "feature_distances"]

Features: TypeAlias = Callable[..., Tensor]

_MOST_UNITS = 8192  # whose covariances are half a gigabyte a domain


def feature_distances(domains: Sequence[LabeledData], features: Features | None = None) -> tuple[Tensor, Tensor]:
    """Distances of all pairs of domains: of the means of their features, and of the covariances.

    Args:
        domains: samples of each.
        features: called with the inputs of a batch, without gradients, it gives ``[samples, units]``; by default the
            inputs, flattened.

    Returns:
        Two float64 ``[domains, domains]``: the Euclidean distance of the means, and the Frobenius distance of the
        covariances (sums over samples, divided by their number less one).

    Raises:
        TypeError: features that are no real tensor.
        ValueError: they have another shape, more than 8,192 units, or other numbers of units in other domains.

    Cost:
        A pass over the domains. Memory: the features of a domain in float64, and ``units ** 2`` numbers a domain.
    """
    moments = [_moments(domain, _flattened if features is None else features) for domain in domains]
    widths = {len(mean) for mean, _ in moments}
    if len(widths) > 1:
        raise ValueError(
            f"features: as many units in each domain are required, got {sorted(widths)}; give a function of the inputs "
            "that has the same number for all, such as an average over places."
        )
    means, covariances = (torch.stack(parts) for parts in zip(*moments, strict=True))
    return tuple(  # type: ignore[return-value]
        torch.stack([(part - each).flatten(1).norm(dim=1) for each in part]) for part in (means, covariances)
    )


def _moments(domain: LabeledData, features: Features) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        parts = [_checked(forward_batch(features, batch)) for batch in domain.part(0, len(domain))]  # type: ignore[arg-type]
    rows = torch.cat(parts)
    mean = rows.mean(0)
    centred = rows - mean
    return mean, centred.T @ centred / (len(rows) - 1)


def _flattened(inputs: Any = None, **named: Any) -> Tensor:
    if not isinstance(inputs, Tensor):
        got = f"entries {sorted(named)}" if named else describe(inputs)
        raise TypeError(
            f"features: a function is required where the inputs are no single tensor, got {got}; give one from the "
            "inputs to [samples, units]."
        )
    return inputs.flatten(1)


def _checked(given: object) -> Tensor:
    if not isinstance(given, Tensor) or given.is_complex():
        raise TypeError(
            f"features: a real tensor [samples, units] is required, got {describe(given)}; convert what the function "
            "gives."
        )
    if given.ndim != 2 or not 0 < given.shape[1] <= _MOST_UNITS:
        raise ValueError(
            f"features: a tensor [samples, units] of 1 to {_MOST_UNITS:,} units is required, got {describe(given)}; "
            "give a function that gives fewer, such as an average over places, or the outputs of a network."
        )
    return given.detach().cpu().double()
