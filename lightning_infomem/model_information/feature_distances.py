"""Distances between domains by the first two moments of their features: baselines for domain similarity."""

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

_MOST_UNITS = 8192  # their covariance takes half a gigabyte per domain


def feature_distances(domains: Sequence[LabeledData], features: Features | None = None) -> tuple[Tensor, Tensor]:
    """Compute the distances between the feature means and the feature covariances of every pair of domains.

    Args:
        domains: Samples of each domain.
        features: Function from the inputs of a batch to features ``[samples, units]``; called without gradients. The
            default flattens the inputs.

    Returns:
        Two float64 tensors ``[domains, domains]``: Euclidean distances between means, and Frobenius distances between
        covariances (normalised by the number of samples minus one).

    Raises:
        TypeError: The features are not a real tensor.
        ValueError: The features have the wrong shape or more than 8,192 units, or their width differs between domains.

    Cost:
        One pass over the domains. Memory: the float64 features of one domain, and ``units ** 2`` numbers per domain.
    """
    moments = [_moments(domain, _flattened if features is None else features) for domain in domains]
    widths = {len(mean) for mean, _ in moments}
    if len(widths) > 1:
        raise ValueError(
            f"features: the same number of units in every domain is required, got {sorted(widths)}; give a function "
            "that returns a fixed number of units, such as an average over positions."
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
            f"features: a function is required for inputs that are not a single tensor, got {got}; give one that maps "
            "the inputs to [samples, units]."
        )
    return inputs.flatten(1)


def _checked(given: object) -> Tensor:
    if not isinstance(given, Tensor) or given.is_complex():
        raise TypeError(
            f"features: a real tensor [samples, units] is required, got {describe(given)}; convert the function's "
            "output."
        )
    if given.ndim != 2 or not 0 < given.shape[1] <= _MOST_UNITS:
        raise ValueError(
            f"features: a tensor [samples, units] of 1 to {_MOST_UNITS:,} units is required, got {describe(given)}; "
            "give a function that returns fewer, such as an average over positions, or the outputs of a network."
        )
    return given.detach().cpu().double()
