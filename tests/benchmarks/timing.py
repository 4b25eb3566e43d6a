"""Time of one pair: ours over whole rows of the matrix, peers over a few pairs, all in turn in one process."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from lightning_infomem.functional import binned_entropy
from lightning_infomem.functional.pairs import choose_pairs
from lightning_infomem.functional.standardization import standardized_columns
from lightning_infomem.kernels import cpu, reference
from tests.benchmarks.peers import Estimator

KINDS: dict[str, Callable[[Tensor], Tensor]] = {
    "Gaussian": lambda z: z,
    "ReLU, half zeros": torch.relu,
    "ReLU, 80 % zeros": lambda z: torch.relu(z - 0.8416),
    "tanh, saturated": lambda z: torch.tanh(4 * z).float().double(),
    "bf16": lambda z: z.bfloat16().double(),
}
NEIGHBORS = 3
MEMORY_LIMIT = 2**28
_ROUNDS = 3
# Whatever takes this many seconds for one pair is timed once only.
_SLOW = 0.5
# Seconds that one measurement of our compiled search and of a peer may take; more is a sample.
_OURS, _PEER = 0.5, 0.2
# Our reference is made for many pairs at once: about as many as it takes in one chunk.
_VALUES_OF_REFERENCE = 1 << 17


@dataclass(frozen=True)
class Measurement:
    """Milliseconds a pair, medians over rounds; ``ratios`` are medians of the ratios within a round."""

    kind: str
    num_units: int
    num_samples: int
    milliseconds: dict[str, float]
    ratios: dict[str, float]
    second_thread: float | None


def columns_of(kind: str, num_units: int, num_samples: int) -> Tensor:
    """Standardised float32 columns; before the nonlinearity every two units have correlation 0.36."""
    generator = torch.Generator().manual_seed(0)
    own = torch.randn(num_samples, num_units, generator=generator, dtype=torch.float64)
    common = torch.randn(num_samples, 1, generator=generator, dtype=torch.float64)
    columns, _ = standardized_columns(KINDS[kind](0.8 * own + 0.6 * common).float())
    return columns.contiguous()


def measure(
    kind: str,
    num_units: int,
    num_samples: int,
    peers: dict[str, Estimator],
    threads: list[int],
) -> Measurement:
    """Everything once a round, in turn, so that a change of the machine's speed changes all of them."""
    columns = columns_of(kind, num_units, num_samples)
    doubles = columns.double().numpy()
    seconds: dict[str, list[float]] = {}
    sizes: dict[str, int] = {}
    timed: dict[str, Callable[[int], float]] = {
        _ours(num_threads): partial(_seconds_of_ours, columns, num_threads) for num_threads in threads
    }
    if peers:
        timed["reference"] = partial(_seconds_of_reference, columns)
    timed |= {name: partial(_seconds_of_peer, doubles, estimator) for name, estimator in peers.items()}
    for name, time_of_pair in timed.items():
        if name == "reference":
            sizes[name], seconds[name] = max(1, _VALUES_OF_REFERENCE // num_samples), []
            continue
        once = time_of_pair(1)
        sizes[name] = max(1, int((_OURS / num_units if name.startswith("ours") else _PEER) / once))
        seconds[name] = [once] * _ROUNDS if once > _SLOW else []
    for _ in range(_ROUNDS):
        for name, time_of_pair in timed.items():
            if len(seconds[name]) < _ROUNDS:
                seconds[name].append(time_of_pair(sizes[name]))
    ours = np.array(seconds[_ours(1)])
    return Measurement(
        kind,
        num_units,
        num_samples,
        {name: 1e3 * float(np.median(values)) for name, values in seconds.items()},
        {
            name: float(np.median(np.array(values) / ours))
            for name, values in seconds.items()
            if not name.startswith("ours")
        },
        float(np.median(ours / np.array(seconds[_ours(2)]))) if 2 in threads else None,
    )


def entropy_ratio(num_units: int, num_samples: int) -> tuple[float, float]:
    """Milliseconds for the entropies of all units, and how many times as long a loop over numpy.histogram takes."""
    samples = columns_of("Gaussian", num_units, num_samples).T.contiguous()
    columns = samples.T.contiguous().numpy()

    def loop() -> None:
        for column in columns:
            share = np.histogram(column, bins=100)[0] / num_samples
            share = share[share > 0]
            float(-(share * np.log(share)).sum())

    ours, peer = [], []
    for _ in range(_ROUNDS):
        ours.append(_seconds(lambda: binned_entropy(samples, value_range="unit")))
        peer.append(_seconds(loop))
    return 1e3 * float(np.median(ours)), float(np.median(np.array(peer) / np.array(ours)))


def _ours(num_threads: int) -> str:
    return f"ours, {num_threads} thread{'s' * (num_threads > 1)}"


def _seconds_of_ours(columns: Tensor, num_threads: int, num_rows: int) -> float:
    """A pair, its share of the sorting of all units included."""
    num_units = len(columns)
    num_pairs = num_units * (num_units - 1) // 2
    first, second = torch.triu_indices(num_units, num_units, 1)
    before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    try:
        if num_rows * 2 >= num_units:
            return _seconds(lambda: _mean_terms(columns, first, second)) / num_pairs
        sorting = _seconds(lambda: cpu._SortedUnits.of_columns(columns))
        rows = torch.linspace(0, num_units - 1, num_rows).long()
        first = rows.repeat_interleave(num_units)
        second = torch.arange(num_units).repeat(num_rows)
        first, second = first[first != second], second[first != second]
        searching = _seconds(lambda: _mean_terms(columns, first, second)) - sorting
        return searching / len(first) + sorting / num_pairs
    finally:
        torch.set_num_threads(before)


def _mean_terms(columns: Tensor, first: Tensor, second: Tensor) -> None:
    cpu.mean_terms(columns, first, second, neighbors=NEIGHBORS, memory_limit=MEMORY_LIMIT)


def _seconds_of_reference(columns: Tensor, num_pairs: int) -> float:
    first, second = choose_pairs(min(num_pairs, len(columns)), len(columns), seed=0).T

    def run() -> None:
        reference.mean_terms(columns, first, second, neighbors=NEIGHBORS, memory_limit=MEMORY_LIMIT)

    return _seconds(run) / len(first)


def _seconds_of_peer(columns: np.ndarray, estimator: Estimator, num_pairs: int) -> float:
    def run() -> None:
        for pair in range(num_pairs):
            unit = pair % (len(columns) - 1)
            estimator(columns[unit], columns[unit + 1], NEIGHBORS)

    return _seconds(run) / num_pairs


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
