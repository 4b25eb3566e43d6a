"""Error message for a measurement that runs out of memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

__all__ = ["saying_what_fits"]

# Peak bytes per value while standardising and sorting, for float32 and for float64.
_BYTES_A_VALUE = {False: 28, True: 40}


@contextmanager
def saying_what_fits(samples: Tensor, memory_limit: int) -> Iterator[None]:
    """Turn an out-of-memory failure into a `MemoryError` that reports how many units would fit.

    Args:
        samples: The input, ``[samples, units]``.
        memory_limit: Bytes available to the search for its temporary tensors.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # torch has a dedicated out-of-memory class only for GPUs.
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        num_samples, num_units = samples.shape
        bytes_of_unit = num_samples * _BYTES_A_VALUE[samples.dtype == torch.float64]
        needed = bytes_of_unit * num_units + memory_limit
        message = (
            f"samples: about {needed / 2**20:,.0f} MiB on top of the input are required for {num_units} units of "
            f"{num_samples} samples on {samples.device}, of which memory_limit takes {memory_limit / 2**20:,.0f} MiB, "
            "and there was not enough memory"
        )
        if samples.device.type == "cuda":
            free = torch.cuda.mem_get_info(samples.device)[0]
            fitting = max(0, (free - memory_limit) // bytes_of_unit)
            message += f" ({free / 2**20:,.0f} MiB are free now, enough for {fitting} units)"
        raise MemoryError(f"{message}; measure fewer units (max_units) or samples, or lower memory_limit.") from error
