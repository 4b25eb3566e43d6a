"""Neighbour search and counting for pairs of units, one backend a file, and the choice between them."""

from __future__ import annotations

import logging
from types import ModuleType
from typing import Protocol

import torch
from torch import Tensor

from lightning_infomem._checks import check_choice
from lightning_infomem._errors import UsageImportError, UsageValueError
from lightning_infomem.kernels import cpu, cuda, reference

__all__ = ["BACKENDS", "Kernel", "select_backend"]

BACKENDS = ("auto", "reference", "cpu", "cuda")

# The device whose samples each searches, what compiles it, and the backend itself.
_COMPILED: dict[str, tuple[str, ModuleType]] = {"cpu": ("numba", cpu), "cuda": ("triton", cuda)}

_log = logging.getLogger(__name__)
_announced: set[str] = set()


class Kernel(Protocol):
    """A backend: the same integer counts as `reference`, hence the same numbers up to the rounding of a sum."""

    def __call__(
        self,
        columns: Tensor,
        first: Tensor,
        second: Tensor,
        *,
        neighbors: int,
        memory_limit: int,
    ) -> Tensor:
        """Mean digamma terms of pairs of units; see `reference.mean_terms`."""


def select_backend(backend: str, device: torch.device) -> tuple[str, Kernel]:
    """Choose the kernel that counts neighbours.

    ===============  ==================================================================
    ``backend``      chosen
    ===============  ==================================================================
    ``"auto"``       ``"cpu"`` for samples on a processor where numba is installed,
                     ``"cuda"`` for samples on a GPU where Triton is,
                     else ``"reference"``
    ``"reference"``  plain torch, on the device of the samples
    ``"cpu"``        numba: vector instructions and threads, samples on the processor
    ``"cuda"``       Triton: samples on a GPU
    ===============  ==================================================================

    Args:
        backend: one of ``BACKENDS``. "auto" says once in the log what it chose and why; any other name is taken at
            its word.
        device: where the samples are.

    Returns:
        The name of the chosen backend and its function.

    Raises:
        ValueError: no such backend, or not for this device.
        ModuleNotFoundError: "cpu" or "cuda" was asked for by name and numba or Triton is not installed.
    """
    check_choice(backend, name="backend", choices=BACKENDS)
    wanted = device.type if backend == "auto" else backend
    compiler, kernel = _COMPILED.get(wanted, ("", reference))
    if backend == "auto":
        missing = compiler if compiler and not kernel.is_usable() else ""
        name = wanted if compiler and not missing else "reference"
        _announce(name, f"{missing} is not installed" if missing else f"samples are on the device {device.type}")
        return name, (reference if missing else kernel).mean_terms
    if compiler and device.type != wanted:
        raise UsageValueError(
            f'backend: samples on the device {wanted} are required for "{wanted}", got {device.type}; '
            f'move them with .to("{wanted}"), or use "auto".'
        )
    if compiler and not kernel.is_usable():
        raise UsageImportError(
            f'backend: {compiler} is required for "{wanted}" and not installed; pip install {compiler}.'
        )
    return wanted, kernel.mean_terms


def _announce(name: str, why: str) -> None:
    if name not in _announced:
        _announced.add(name)
        _log.info("Backend of mutual information: %r (%s).", name, why)
