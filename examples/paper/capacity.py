"""Show that measures depend on depth, so that networks of different depths must not be compared.

Run it with ``python -m examples.paper.capacity --data-root FOLDER --output FOLDER``. Recorded networks are not trained
again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from examples.paper.depths import DEPTHS, LEVELS, by_depth
from examples.paper.experiment import Experiment
from examples.paper.measures import NETWORK, PRESETS
from examples.paper.registry import find_experiment
from examples.paper.study import Sizes, read_records, run_all

__all__ = ["summarize", "table"]

MEASURES = ("entropy", "mutual_information")

Row = dict[str, Any]


def summarize(records: Mapping[str, Mapping[int, Sequence[Mapping[str, Any]]]]) -> list[Row]:
    """Compute mean and spread over seeds for every experiment, depth, level and preset.

    Args:
        records: Name of an experiment -> depth -> its records; see `study.read_records`.

    Returns:
        Rows with "experiment", "depth", "level", "preset", "seeds", and the mean over seeds of "validation_accuracy",
        "entropy" and "mutual_information" (for the whole network, nats). "..._deviation" is the standard deviation,
        None for one seed.
    """
    rows = []
    for name, depths in records.items():
        for depth, there in depths.items():
            for level in sorted({record["level"] for record in there}):
                for preset in PRESETS:
                    networks = [_values(record, preset) for record in there if record["level"] == level]
                    row: Row = {"experiment": name, "depth": depth, "level": level, "preset": preset}
                    row["seeds"] = len(networks)
                    for measure in ("validation_accuracy", *MEASURES):
                        values = [network[measure] for network in networks]
                        row[measure] = fmean(values)
                        row[f"{measure}_deviation"] = stdev(values) if len(values) > 1 else None
                    rows.append(row)
    return rows


def table(rows: Sequence[Row], preset: str) -> str:
    """Write a Markdown table of the measures by level and depth, with their ranges, for each experiment.

    The last line of an experiment gives the range over levels at each depth. If depths differ as much as levels,
    networks of different depths cannot be ranked together.
    """
    parts = []
    chosen = [row for row in rows if row["preset"] == preset]
    for name in dict.fromkeys(row["experiment"] for row in chosen):
        experiment = find_experiment(name)
        for measure in MEASURES:
            parts.append(_section(experiment, [row for row in chosen if row["experiment"] == name], measure, preset))
    return "\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is missing, and write capacity.json and capacity.md."""
    parser = argparse.ArgumentParser(prog="python -m examples.paper.capacity", description=__doc__)
    parser.add_argument("--data-root", type=Path, required=True, help="folder with the IDX files of MNIST")
    parser.add_argument(
        "--output", type=Path, required=True, help="folder of the records; can be that of the main study"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--workers", type=int, default=1, help="number of single-threaded processes")
    parser.add_argument("--max-samples", type=int, default=Sizes.max_samples)
    parser.add_argument("--max-units", type=int, default=Sizes.max_units, help="number of units measured per layer")
    parser.add_argument("--epochs", type=int, help="number of epochs, instead of that of each recipe")
    given = parser.parse_args(arguments)
    sizes = Sizes(given.max_samples, given.max_units, given.epochs)
    depths = by_depth()
    wanted = [experiment for each in depths.values() for experiment in each.values()]
    total = len(wanted) * len(LEVELS) * len(given.seeds)
    try:
        wanted[0].make_data(given.data_root, LEVELS[0], given.seeds[0])  # reports missing data first
        done = run_all(wanted, given.seeds, sizes, given.data_root, given.output, given.workers)
        for count, is_new in enumerate(done, 1):
            print(f"{count} of {total}{'' if is_new else ', recorded before'}", file=sys.stderr, flush=True)
        records = {
            name: {depth: read_records(each, given.seeds, sizes, given.output) for depth, each in of_depth.items()}
            for name, of_depth in depths.items()
        }
    except KeyboardInterrupt:
        print("Stopped. Finished networks are kept; run the same command to continue.", file=sys.stderr)
        return 130
    except (FileNotFoundError, ValueError) as fault:
        print(fault, file=sys.stderr)
        return 2
    rows = summarize(records)
    text = "\n".join(table(rows, preset) for preset in PRESETS)
    (given.output / "capacity.json").write_text(json.dumps(rows, indent=1))
    (given.output / "capacity.md").write_text(text)
    print(text)
    return 0


def _section(experiment: Experiment, rows: Sequence[Row], measure: str, preset: str) -> str:
    at = {(row["level"], row["depth"]): row for row in rows}
    depths = [depth for depth in DEPTHS if any(depth == key[1] for key in at)]
    words, kind = measure.replace("_", " "), preset.replace("_", " ")
    seeds = sorted({row["seeds"] for row in rows})
    lines = [
        f"### {experiment.title}: mean {words} (nats), {kind}, {' to '.join(map(str, seeds))} seed(s)",
        "",
        f"| {experiment.level_name} | " + " | ".join(f"depth {depth}" for depth in depths) + " | between depths |",
        "|---" * (len(depths) + 2) + "|",
    ]
    for level in sorted({key[0] for key in at}):
        there = [at.get((level, depth)) for depth in depths]
        lines.append(
            f"| {level:g} | " + " | ".join(_cell(row, measure) for row in there) + f" | {_apart(there, measure)} |"
        )
    by_column = [[row for key, row in at.items() if key[1] == depth] for depth in depths]
    lines.append("| between levels | " + " | ".join(_apart(column, measure) for column in by_column) + " | |")
    return "\n".join([*lines, ""])


def _cell(row: Row | None, measure: str) -> str:
    if row is None:
        return "-"
    deviation = row[f"{measure}_deviation"]
    return f"{row[measure]:.3f}" + ("" if deviation is None else f" ± {deviation:.3f}")


def _apart(rows: Sequence[Row | None], measure: str) -> str:
    """Format the difference between the highest and the lowest value."""
    values = [row[measure] for row in rows if row is not None]
    return f"{max(values) - min(values):.3f}"


def _values(record: Mapping[str, Any], preset: str) -> Mapping[str, float]:
    wanted = (preset, "before", NETWORK)
    entries = record["measures"]
    entry = next(e for e in entries if (e["preset"], e["values"], e["layer"]) == wanted)
    return {**{measure: entry[measure] for measure in MEASURES}, **record["extrinsic"]}


if __name__ == "__main__":
    sys.exit(main())
