"""Neighbour search and counting for pairs of units, one backend a file, and the choice between them."""

from __future__ import annotations

import logging
from typing import Protocol

import torch
from torch import Tensor

from lightning_infomem._checks import check_choice
from lightning_infomem.kernels import cpu, reference

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

    ===============  ==================================================================
    ``backend``      chosen
    ===============  ==================================================================
    ``"auto"``       ``"cpu"`` for samples on a processor where numba is installed,
                     else ``"reference"``
    ``"reference"``  plain torch, on the device of the samples
    ``"cpu"``        numba: vector instructions and threads, samples on the processor
    ``"cuda"``       not in this version
    ===============  ==================================================================

    Args:
        backend: one of ``BACKENDS``. "auto" says once in the log what it chose and why; any other name is taken at
            its word.
        device: where the samples are.

    Returns:
        The name of the chosen backend and its function.

    Raises:
        ValueError: no such backend, or not for this device.
        ModuleNotFoundError: "cpu" was asked for by name and numba is not installed.
    """
    check_choice(backend, name="backend", choices=BACKENDS)
    if backend == "cuda":
        raise ValueError(
            'backend: "cuda" is not part of this version; use "auto" or "reference", which runs on the GPU too and '
            "gives the same numbers."
        )
    if backend == "cpu":
        if device.type != "cpu":
            raise ValueError(
                f'backend: samples on the CPU are required for "cpu", got {device}; move them with .cpu().'
            )
        if not cpu.is_usable():
            raise ModuleNotFoundError('backend: numba is required for "cpu" and not installed; pip install numba.')
        return "cpu", cpu.mean_terms
    if backend == "auto" and device.type == "cpu" and cpu.is_usable():
        _announce("cpu", "samples are on the processor")
        return "cpu", cpu.mean_terms
    if backend == "auto":
        _announce("reference", "numba is not installed" if device.type == "cpu" else f"samples are on {device.type}")
    return "reference", reference.mean_terms


def _announce(name: str, why: str) -> None:
    if name not in _announced:
        _announced.add(name)
        _log.info("Backend of mutual information: %r (%s).", name, why)
