"""Peak memory of the compiled search beyond its input and its result, in a process of its own; Linux only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

from lightning_infomem.kernels import cpu
from tests.benchmarks.timing import MEMORY_LIMIT, NEIGHBORS, columns_of


def allowed(num_units: int, num_samples: int) -> float:
    """Mebibytes: four numbers of 4 bytes a value, and 64 MiB."""
    return 4 * num_units * (num_samples + 512) * 4 / 2**20 + 64


def peak(num_units: int, num_samples: int) -> float | None:
    """Mebibytes; nothing where the system does not tell."""
    if not sys.platform.startswith("linux"):
        return None
    command = [sys.executable, "-m", "tests.benchmarks.memory", str(num_units), str(num_samples)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def of_this_process(entry: str) -> float:
    """Mebibytes, by an entry of the system's own account, as ``"VmRSS:"``."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(entry)) / 2**10


def _measure(num_units: int, num_samples: int) -> float:
    columns = columns_of("Gaussian", num_units, num_samples)
    # Every unit takes part in four pairs: memory does not grow with the number of pairs, but by their result.
    first = torch.arange(num_units).repeat(4)
    second = (first + torch.arange(4).repeat_interleave(num_units)) % num_units
    cpu.mean_terms(columns[:2, :100], first[:1], first[:1], neighbors=NEIGHBORS, memory_limit=MEMORY_LIMIT)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = of_this_process("VmRSS:")
    cpu.mean_terms(columns, first, second, neighbors=NEIGHBORS, memory_limit=MEMORY_LIMIT)
    return of_this_process("VmHWM:") - before


if __name__ == "__main__":
    print(_measure(int(sys.argv[1]), int(sys.argv[2])))
