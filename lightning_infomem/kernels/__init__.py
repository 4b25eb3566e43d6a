"""Neighbour search and counting for pairs of units, one backend a file, and the choice between them."""

from __future__ import annotations

import importlib
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

    ===============  ==================================================================
    ``backend``      chosen
    ===============  ==================================================================
    ``"auto"``       ``"cpu"`` for samples on a processor where numba can be imported,
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
        return "cpu", _cpu_kernel()
    if backend == "auto" and device.type == "cpu":
        try:
            kernel = _cpu_kernel()
        except ImportError as fault:
            _announce("reference", f"numba cannot be used: {fault}")
        else:
            _announce("cpu", "samples are on the processor")
            return "cpu", kernel
    elif backend == "auto":
        _announce("reference", f"samples are on {device.type}")
    return "reference", reference.mean_terms


def _cpu_kernel() -> Kernel:
    # Loaded when first asked for: numba takes a second to import.
    kernel: Kernel = importlib.import_module("lightning_infomem.kernels.cpu").mean_terms
    return kernel


def _announce(name: str, why: str) -> None:
    if name not in _announced:
        _announced.add(name)
        _log.info("Backend of mutual information: %r (%s).", name, why)
