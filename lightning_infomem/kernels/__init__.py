"""Neighbour search and counting for all pairs of units, one backend a file, and the choice between them."""

from __future__ import annotations

import logging
from typing import Protocol

import torch
from torch import Tensor

from lightning_infomem._checks import check_choice
from lightning_infomem.kernels import reference

__all__ = ["BACKENDS", "Kernel", "select_backend"]

BACKENDS = ("auto", "reference", "cpu", "cuda")

_log = logging.getLogger(__name__)
_announced: set[str] = set()


class Kernel(Protocol):
    """A backend: the same integer counts as `reference`, hence the same numbers up to the rounding of a sum."""

    def __call__(self, columns: Tensor, first: Tensor, second: Tensor, *, neighbors: int, memory_limit: int) -> Tensor:
        """Mean digamma terms of pairs of units; see `reference.mean_terms`."""


def select_backend(backend: str, device: torch.device) -> tuple[str, Kernel]:
    """Choose the kernel that counts neighbours.

    ==============  ======================================================
    ``backend``     chosen
    ==============  ======================================================
    ``"auto"``      ``"reference"``, the only one of this version
    ``"reference"``  plain torch, on the device of the samples
    ==============  ======================================================

    Args:
        backend: one of ``BACKENDS``. "auto" says once in the log what it chose; any other name is taken at its word.
        device: where the samples are.

    Returns:
        The name of the chosen backend and its function.

    Raises:
        ValueError: no such backend, or it cannot run here.
    """
    check_choice(backend, name="backend", choices=BACKENDS)
    if backend in ("cpu", "cuda"):
        raise ValueError(
            f'backend: {backend!r} is not part of this version; use "auto" or "reference": the same numbers.'
        )
    if backend == "auto" and "reference" not in _announced:
        _announced.add("reference")
        _log.info("Mutual information on %s uses the backend 'reference' (plain torch).", device)
    return "reference", reference.mean_terms
