"""Our search on a GPU beside what else there is: ``python -m tests.benchmarks.bench_gpu [--quick]``, on a CUDA machine.

Prints a table and writes ``results/gpu.json``, with the card, versions and date. The floor is an estimate: every
candidate that the search cannot do without, at the instructions a candidate that the compiler needed for it, on all
lanes of the card at its highest clock.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import torch
import triton
from rich.console import Console
from rich.table import Table
from scipy.spatial import cKDTree

from lightning_infomem.functional.pairs import choose_pairs
from lightning_infomem.kernels import cuda, reference
from tests.benchmarks.peers import installed_peers
from tests.benchmarks.timing import KINDS, MEMORY_LIMIT, NEIGHBORS, columns_of

RESULTS = Path(__file__).with_name("results")
# Units and samples: those with a time to reach, and a wide and a long one.
SIZES = {"Gaussian": [(256, 1000), (768, 1000), (768, 5000), (768, 10000), (4096, 1000), (64, 20000), (8192, 500)]}
SIZES |= {kind: [(768, 1000), (768, 5000)] for kind in KINDS if kind != "Gaussian"}
TO_REACH = {("Gaussian", 4096, 1000): 4.0, ("Gaussian", 768, 5000): 1.0}
# Counted in the code for compute capability 9.0.
INSTRUCTIONS_OF_CANDIDATE = 15.1
_LANES_OF_MULTIPROCESSOR = 128
_ROUNDS = 3
_PAIRS_OF_REFERENCE, _PAIRS_OF_PEER, _PAIRS_OF_WINDOW = 2000, 5, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the first size of each kind of data only")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder for gpu.json")
    arguments = parser.parse_args()
    console = Console(width=160)
    peers, notes = installed_peers()
    peer = peers["scikit-learn"]
    rows = []
    for kind, sizes in SIZES.items():
        for num_units, num_samples in sizes[:1] if arguments.quick else sizes:
            rows.append(measure(kind, num_units, num_samples, peer))
            console.print(f"{kind}, N = {num_units}, S = {num_samples}: {rows[-1]['seconds']:.3f} s")
    console.print(_table(rows))
    properties = torch.cuda.get_device_properties(0)
    record = {
        "date": datetime.now(timezone.utc).isoformat(timespec="minutes"),
        "card": properties.name,
        "multiprocessors": properties.multi_processor_count,
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "triton": triton.__version__},
        "notes": notes,
        "measurements": rows,
    }
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "gpu.json").write_text(json.dumps(record, indent=1) + "\n")


def measure(kind: str, num_units: int, num_samples: int, peer: object) -> dict[str, object]:
    """All pairs on the card, a sample of them by the reference on the card and by a peer on one core."""
    torch.cuda.reset_peak_memory_stats()
    columns = columns_of(kind, num_units, num_samples)
    doubles, columns = columns.double().numpy(), columns.cuda()
    first, second = torch.triu_indices(num_units, num_units, 1, device="cuda")
    terms = _search(cuda, columns, first[:1], second[:1])  # compiles
    times = [_seconds(lambda: _search(cuda, columns, first, second)) for _ in range(_ROUNDS)]
    some = choose_pairs(min(_PAIRS_OF_REFERENCE, len(first)), num_units, seed=0).cuda().T
    _search(reference, columns, *some[:, :2])
    time_of_reference = _seconds(lambda: _search(reference, columns, *some)) / some.shape[1]
    terms, expected = _search(cuda, columns, *some), _search(reference, columns, *some)
    start = time.perf_counter()
    for x, y in some.T[:_PAIRS_OF_PEER].tolist():
        peer(doubles[x], doubles[y], NEIGHBORS)  # type: ignore[operator]
    time_of_peer = (time.perf_counter() - start) / _PAIRS_OF_PEER
    seconds, floor = float(np.median(times)), len(first) * _floor_of_pair(doubles)
    return {
        "kind": kind,
        "units": num_units,
        "samples": num_samples,
        "seconds": seconds,
        "to_reach": TO_REACH.get((kind, num_units, num_samples)),
        "floor": floor,
        "times_reference": time_of_reference * len(first) / seconds,
        "times_scikit_learn": time_of_peer * len(first) / seconds,
        "worst_difference": float((terms - expected).abs().max()),
        "peak_mebibytes": torch.cuda.max_memory_allocated() / 2**20,
    }


def _search(backend: object, columns: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return backend.mean_terms(  # type: ignore[attr-defined, no-any-return]
        columns, first, second, neighbors=NEIGHBORS, memory_limit=MEMORY_LIMIT
    )


def _seconds(function: object) -> float:
    torch.cuda.synchronize()
    start = time.perf_counter()
    function()  # type: ignore[operator]
    torch.cuda.synchronize()
    return time.perf_counter() - start


def _floor_of_pair(columns: np.ndarray) -> float:
    """Seconds: the points that are nearer along x than the k-th neighbour must all be compared."""
    candidates = []
    for x, y in choose_pairs(min(_PAIRS_OF_WINDOW, len(columns)), len(columns), seed=1).tolist():
        points = columns[[x, y]].T
        reach = cKDTree(points).query(points, NEIGHBORS + 1, p=np.inf)[0][:, -1]
        window = cKDTree(points[:, :1]).query_ball_point(points[:, :1], reach, p=np.inf, return_length=True)
        candidates.append(window.sum())
    properties = torch.cuda.get_device_properties(0)
    lanes = properties.multi_processor_count * _LANES_OF_MULTIPROCESSOR
    clock = 1e3 * getattr(properties, "clock_rate", 1.98e6)
    return float(np.mean(candidates)) * INSTRUCTIONS_OF_CANDIDATE / (lanes * clock)


def _table(rows: list[dict[str, object]]) -> Table:
    table = Table(title=f"All pairs on {torch.cuda.get_device_name()}, float32, k = 3")
    for heading in ("data", "units", "samples", "seconds", "to reach", "of the floor", "reference", "scikit-learn"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            str(row["kind"]),
            str(row["units"]),
            str(row["samples"]),
            f"{row['seconds']:.3f}",
            f"{row['to_reach']:.0f}" if row["to_reach"] else "",
            f"{row['seconds'] / row['floor']:.1f}x",  # type: ignore[operator]
            f"{row['times_reference']:.0f}x",
            f"{row['times_scikit_learn']:.0f}x",
        )
    return table


if __name__ == "__main__":
    main()
