"""Choose the backend that searches and counts neighbours for pairs of units; each backend has its own file."""

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

# Device type of the samples -> package that compiles the backend, and the backend.
_COMPILED: dict[str, tuple[str, ModuleType]] = {"cpu": ("numba", cpu), "cuda": ("triton", cuda)}

_log = logging.getLogger(__name__)
_announced: set[str] = set()


class Kernel(Protocol):
    """A backend. Its integer counts equal those of `reference`, so its results differ only by the rounding of a sum."""

    def __call__(self, columns: Tensor, first: Tensor, second: Tensor, *, neighbors: int, memory_limit: int) -> Tensor:
        """Compute the mean digamma terms of pairs of units; see `reference.mean_terms`."""


def select_backend(backend: str, device: torch.device) -> tuple[str, Kernel]:
    """Choose the kernel that counts neighbours.

    ===============  ==================================================================
    ``backend``      Chosen kernel
    ===============  ==================================================================
    ``"auto"``       ``"cpu"`` for samples on a CPU if numba is installed,
                     ``"cuda"`` for samples on a GPU if Triton is installed,
                     else ``"reference"``
    ``"reference"``  plain torch, on the device of the samples
    ``"cpu"``        numba with vector instructions and threads, for samples on a CPU
    ``"cuda"``       Triton, for samples on a GPU
    ===============  ==================================================================

    The first use of "cuda" in a process checks its counts on a small sample; see `cuda.mean_terms`.

    Args:
        backend: One of ``BACKENDS``. "auto" logs once what it chose and why, and uses "reference" with one warning if
            the search of "cuda" fails. Any other backend is used as named, or an error is raised.
        device: Device of the samples.

    Returns:
        The name of the chosen backend and its function.

    Raises:
        ValueError: The backend is unknown or cannot use this device.
        ModuleNotFoundError: "cpu" or "cuda" was requested by name, and numba or Triton is not installed.
    """
    check_choice(backend, name="backend", choices=BACKENDS)
    wanted = device.type if backend == "auto" else backend
    compiler, kernel = _COMPILED.get(wanted, ("", reference))
    if backend == "auto":
        missing = compiler if compiler and not kernel.is_usable() else ""
        name = wanted if compiler and not missing else "reference"
        _announce(name, f"{missing} is not installed" if missing else f"samples are on the device {device.type}")
        if name == "cuda":
            return name, cuda.mean_terms_or_reference
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
