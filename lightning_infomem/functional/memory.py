"""What to say when memory ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

__all__ = ["saying_what_fits"]

# Bytes a value that standardising and sorting hold at the same time, for float32 and for float64.
_BYTES_A_VALUE = {False: 28, True: 40}


@contextmanager
def saying_what_fits(samples: Tensor, memory_limit: int) -> Iterator[None]:
    """Raise `MemoryError` with the number of units that would fit, when the measurement of samples runs out of memory.

    Args:
        samples: ``[samples, units]``, the input.
        memory_limit: bytes given to the search for its temporary tensors.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # torch has a class of its own for GPUs only.
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        num_samples, num_units = samples.shape
        bytes_of_unit = num_samples * _BYTES_A_VALUE[samples.dtype == torch.float64]
        needed = bytes_of_unit * num_units + memory_limit
        message = (
            f"samples: about {needed / 2**20:,.0f} MiB beside the input are required for {num_units} units of "
            f"{num_samples} samples on {samples.device}, of which memory_limit takes {memory_limit / 2**20:,.0f} MiB, "
            "and there was not enough memory"
        )
        if samples.device.type == "cuda":
            free = torch.cuda.mem_get_info(samples.device)[0]
            fitting = max(0, (free - memory_limit) // bytes_of_unit)
            message += f" ({free / 2**20:,.0f} MiB are free now, enough for {fitting} units)"
        raise MemoryError(f"{message}; measure fewer units (max_units) or samples, or lower memory_limit.") from error
