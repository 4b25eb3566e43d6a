"""Our backends against other people's estimators: ``python -m tests.benchmarks.bench [--quick]``.

Prints tables and writes ``results/cpu.json`` and ``results/cpu.png``. Only ratios are to be compared between machines.
"""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from tests.benchmarks import memory
from tests.benchmarks.peers import installed_peers
from tests.benchmarks.timing import KINDS, Measurement, entropy_ratio, measure

RESULTS = Path(__file__).with_name("results")
# The number of units at which the peers are timed; their time of a pair does not depend on it.
UNITS_WITH_PEERS = 256


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(1)
    console = Console(width=160)
    peers, notes = installed_peers()
    for note in notes:
        console.print(note)
    measurements = []
    for kind in arguments.kinds:
        for num_units in arguments.units:
            for num_samples in arguments.samples:
                compared = peers if num_units == UNITS_WITH_PEERS else {}
                measurements.append(measure(kind, num_units, num_samples, compared, arguments.threads))
        console.print(_table(kind, [found for found in measurements if found.kind == kind]))
    exponents = _exponents(measurements)
    console.print(_exponent_table(exponents))
    entropies = {units: entropy_ratio(units, 1000) for units in (*arguments.units, 4096)}
    for units, (time, ratio) in entropies.items():
        console.print(f"Entropies of {units} units, S = 1000: {time:.1f} ms; a loop over numpy.histogram {ratio:.1f}x.")
    num_units, num_samples = max(arguments.units), max(arguments.samples)
    used, allowed = memory.peak(num_units, num_samples), memory.allowed(num_units, num_samples)
    if used is not None:
        console.print(f"Memory beyond input and result, N = {num_units}, S = {num_samples}: {used:.0f} MiB", end="")
        console.print(f" (to keep: {allowed:.0f} MiB).")
    record = {
        "date": datetime.now(timezone.utc).isoformat(timespec="minutes"),
        "processor": processor(),
        "versions": _versions(),
        "notes": notes,
        "exponents": exponents,
        "entropy": {f"N = {units}, S = 1000": found for units, found in entropies.items()},
        "memory": {"units": num_units, "samples": num_samples, "mebibytes": used, "allowed": allowed},
        "measurements": [asdict(found) for found in measurements],
    }
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "cpu.json").write_text(json.dumps(record, indent=1) + "\n")
    _plot(measurements, arguments.output / "cpu.png")
    console.print(f"Written: {arguments.output / 'cpu.json'} and cpu.png.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, nargs="+", default=[500, 1000, 2000, 5000, 10000])
    parser.add_argument("--units", type=int, nargs="+", default=[64, UNITS_WITH_PEERS, 768])
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--threads", type=int, nargs="+", choices=[1, 2], default=[1, 2])
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder for cpu.json and cpu.png")
    parser.add_argument("--quick", action="store_true", help="S = 1000 and 5000, N = 256, Gaussian and ReLU only")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.samples, arguments.units, arguments.kinds = [1000, 5000], [UNITS_WITH_PEERS], list(KINDS)[:3]
    arguments.threads = sorted({1, *arguments.threads})
    return arguments


def processor() -> str:
    """Name the kind of processor, and how many there are."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} logical" if names else platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    import llvmlite
    import numba
    import scipy
    import sklearn

    modules = (torch, np, numba, llvmlite, scipy, sklearn)
    return {"python": platform.python_version(), **{module.__name__: module.__version__ for module in modules}}


def _table(kind: str, measurements: list[Measurement]) -> Table:
    names = list(dict.fromkeys(name for found in measurements for name in found.milliseconds))
    table = Table(title=f"{kind}: milliseconds a pair (and how many times ours on one thread), float32, k = 3")
    for heading in ("units", "samples", *names, "second thread"):
        table.add_column(heading, justify="right")
    for found in measurements:
        cells = [str(found.num_units), str(found.num_samples)]
        for name in names:
            time, ratio = found.milliseconds.get(name), found.ratios.get(name)
            cells.append("" if time is None else f"{time:.3f}" + (f" ({ratio:.0f}x)" if ratio else ""))
        table.add_row(*cells, f"{found.second_thread:.2f}x" if found.second_thread else "")
    return table


def _exponents(measurements: list[Measurement]) -> dict[str, dict[str, float]]:
    """Slope of log time over log samples, where several numbers of samples were measured."""
    found: dict[str, dict[str, float]] = {}
    for kind in dict.fromkeys(one.kind for one in measurements):
        for units in sorted({one.num_units for one in measurements}):
            rows = [one for one in measurements if one.kind == kind and one.num_units == units]
            if len(rows) < 2:
                continue
            for name in rows[0].milliseconds:
                times = [one.milliseconds[name] for one in rows]
                slope = np.polyfit(np.log([one.num_samples for one in rows]), np.log(times), 1)[0]
                found.setdefault(f"{kind}, N = {units}", {})[name] = round(float(slope), 2)
    return found


def _exponent_table(exponents: dict[str, dict[str, float]]) -> Table:
    names = list(dict.fromkeys(name for row in exponents.values() for name in row))
    table = Table("data", *names, title="Exponent of the time in the number of samples")
    for data, row in exponents.items():
        table.add_row(data, *(str(row.get(name, "")) for name in names))
    return table


def _plot(measurements: list[Measurement], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    kinds = list(dict.fromkeys(found.kind for found in measurements))
    figure, axes = pyplot.subplots(1, len(kinds), figsize=(3.2 * len(kinds), 3.6), sharey=True, squeeze=False)
    for axis, kind in zip(axes[0], kinds, strict=True):
        chosen = [one for one in measurements if one.kind == kind and len(one.ratios)] or [
            one for one in measurements if one.kind == kind
        ]
        for name in chosen[0].milliseconds:
            style = {"linewidth": 2.5} if name.startswith("ours") else {"linestyle": "--"}
            points = [(one.num_samples, one.milliseconds[name]) for one in chosen]
            axis.loglog(*zip(*points, strict=True), marker="o", markersize=3, label=name, **style)
        axis.set(title=kind, xlabel="samples")
        axis.grid(True, which="both", alpha=0.2)
    axes[0][0].set_ylabel("milliseconds a pair")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(labels), fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
