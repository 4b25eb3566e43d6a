"""Choose among checkpoints in every way, and compare with clean labels: ``python -m examples.choosing.study``.

Trains the sweeps and the seven zoos of `examples.benchmarks`, measures all networks, ranks each zoo, and writes
``choosing.json`` and ``choosing.md``. It can be stopped at any time and continues when started again. About four hours
on two cores.
"""

from __future__ import annotations

import argparse
import json
import platform
from datetime import date
from importlib.metadata import version
from typing import Any

import torch

from examples.benchmarks.recipes import ZOOS
from examples.benchmarks.training import jobs_of, train_all
from examples.choosing import train
from examples.choosing.judging import judge_zoo
from examples.choosing.sources import Sources
from examples.choosing.summary import markdown
from examples.choosing.zoos import RankedZoo, zoos_of_levels, zoos_of_sweeps

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Do what is not done yet."""
    parser = train.folder_options(__doc__)
    parser.add_argument("--workers", type=int, default=2, help="number of processes that train")
    parser.add_argument("--replicates", type=int, nargs="+", default=[0, 1], help="which replicates to judge")
    parser.add_argument("--trained", action="store_true", help="judge what is trained, and train nothing")
    given = parser.parse_args(arguments)
    try:
        if not given.trained:
            _train(given)
        zoos = _judge(given)
    except KeyboardInterrupt:
        print("Stopped. Finished networks and reports are kept; run the same command to continue.")
        raise SystemExit(130) from None
    text = markdown(zoos)
    print(text)
    versions = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "lightning_infomem": version("lightning-infomem"),
    }
    record = {"date": date.today().isoformat(), **versions, "zoos": zoos}
    (given.output / "choosing.json").write_text(json.dumps(record, separators=(",", ":")) + "\n")
    (given.output / "choosing.md").write_text(text)


def _train(given: argparse.Namespace) -> None:
    levels = [job for zoo in ZOOS for job in jobs_of(zoo, given.output)]
    train_all([job for job in levels if not job.done], given.data, given.workers, lambda: None)
    shared = ["--output", str(given.output), "--data", str(given.data), "--wheels", str(given.wheels)]
    train.main([*shared, "--workers", str(given.workers)])


def _judge(given: argparse.Namespace) -> list[dict[str, Any]]:
    sources = Sources(given.data, given.wheels, given.output / "features")
    zoos: list[RankedZoo] = [*zoos_of_sweeps(given.output, sources), *zoos_of_levels(given.output, given.data)]
    judged = []
    for zoo in zoos:
        if zoo.replicate in given.replicates:
            judged.append(judge_zoo(zoo, given.output / "reports"))
            print(f"{len(judged)} zoos judged: {zoo.name}", flush=True)
    return judged


if __name__ == "__main__":
    main()
