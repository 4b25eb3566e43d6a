"""Cost of each information-plane estimator: seconds per layer, and how they grow with the number of samples.

``python -m examples.information_plane.cost`` measures a hidden layer of 256 ReLU units in a network with 784 inputs and
prints a table. Use ``--samples`` and ``--only`` for a shorter run.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lightning_infomem.information_plane import (
    KSG,
    MINE,
    Binning,
    DecisionRule,
    DependenceGraph,
    KernelDensity,
    MatrixRenyi,
    MaximumEntropyBinning,
    PlaneEstimator,
    QuantizedExact,
    SamplePropagation,
    TensorKernelRenyi,
    VariationalBound,
    measure_geometry,
)

__all__ = ["ESTIMATORS", "main", "measure_seconds", "samples"]

_INPUTS, _UNITS, _CLASSES = 784, 256, 10
_FEW_INPUTS, _FEW_UNITS = 4, 6  # for `KSG`, which does not handle more than ten dimensions

ESTIMATORS: Sequence[PlaneEstimator] = (
    Binning(),
    MaximumEntropyBinning(),
    KernelDensity(0.1),
    SamplePropagation(),
    VariationalBound(),
    MatrixRenyi(order=2),
    MatrixRenyi(),
    TensorKernelRenyi(),
    DependenceGraph(),
    MINE(),
    DecisionRule(),
    QuantizedExact(),
    KSG(),
)


def samples(count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Untrained activations ``[count, 256]``, classes, inputs ``[count, 784]`` and logits ``[count, 10]``."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        inputs = torch.rand(count, _INPUTS, generator=generator)
        hidden = torch.relu(nn.Linear(_INPUTS, _UNITS)(inputs))
        logits = nn.Linear(_UNITS, _CLASSES)(hidden)
    return hidden, torch.randperm(count, generator=generator) % _CLASSES, inputs, logits


def measure_seconds(estimator: PlaneEstimator | None, count: int) -> float:
    """Seconds for one estimate from this many samples; None times `measure_geometry`."""
    hidden, labels, inputs, logits = samples(count)
    start = time.perf_counter()
    if estimator is None:
        measure_geometry(hidden, labels)
    elif isinstance(estimator, DecisionRule):
        estimator.estimate(logits, labels)
    elif isinstance(estimator, KSG):
        estimator.estimate(hidden[:, :_FEW_UNITS], labels, inputs[:, :_FEW_INPUTS])
    else:
        estimator.estimate(hidden, labels, inputs)
    return time.perf_counter() - start


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--samples", type=int, nargs="+", default=[1024, 2048, 4096], help="sample counts, rising (%(default)s)"
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="class names of estimators")
    arguments = parser.parse_args(argv)
    counts = arguments.samples
    print(f"Seconds per layer of {_UNITS} units, {_INPUTS} inputs, {torch.get_num_threads()} threads.\n")
    print(f"| estimator | {' | '.join(f'N = {count:,}' for count in counts)} | grows as N to the |")
    print("|---" * (len(counts) + 2) + "|")
    for estimator in (*ESTIMATORS, None):
        name = "measure_geometry" if estimator is None else type(estimator).__name__
        if arguments.only and name not in arguments.only:
            continue
        if isinstance(estimator, MatrixRenyi):
            name += f", order {estimator.order:g}"
        if isinstance(estimator, KSG):
            name += f", {_FEW_UNITS} units, {_FEW_INPUTS} inputs"
        measure_seconds(estimator, min(counts))  # exclude first-call compilation and imports
        seconds = [measure_seconds(estimator, count) for count in counts]
        growth = math.log(seconds[-1] / seconds[0]) / math.log(counts[-1] / counts[0]) if len(counts) > 1 else math.nan
        cells = " | ".join(f"{each:.3f}" for each in seconds)
        print(f"| {name} | {cells} | {growth:.1f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
