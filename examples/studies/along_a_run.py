"""Study what can be known about one run without labels: train a zoo of small networks and measure each epoch.

Run it with ``python -m examples.studies.along_a_run --output FOLDER [--mnist FOLDER] [--imdb ARCHIVE]`` from the root
of the repository. It takes about 75 minutes on two cores. It can be stopped at any time and continues when started
again. Each run is recorded in one JSON file. Runs of two families are marked ``held_out``: they are not read before the
rules are frozen.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from examples.studies.course import FORMAT, train_and_watch
from examples.studies.recipes import FAMILIES, Recipe, all_recipes
from examples.studies.reviews import prepare_reviews
from examples.studies.tasks import Sources
from examples.workers import on_workers

__all__ = ["is_done", "main", "record_path", "run_all"]


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = _parser().parse_args(arguments)
    console = Console()
    reviews = None if chosen.imdb is None else chosen.output / "reviews.npz"
    sources = Sources(chosen.mnist, reviews)
    wanted = [recipe for recipe in all_recipes() if recipe.family in (chosen.only or FAMILIES)]
    recipes = [recipe for recipe in wanted if sources.have(recipe.data)]
    missing = [recipe for recipe in recipes if not is_done(recipe, chosen.output)]
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        if reviews is not None:
            prepare_reviews(chosen.imdb, reviews)
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task("training", total=len(recipes), completed=len(recipes) - len(missing))
            run_all(missing, chosen.output, sources, chosen.workers, partial(progress.advance, bar))
    except KeyboardInterrupt:
        console.print("Stopped. Finished runs are kept; run the same command to continue.")
        raise SystemExit(130) from None
    left_out = sorted({recipe.family for recipe in wanted if not sources.have(recipe.data)})
    console.print(f"{len(recipes)} runs are in {chosen.output}.")
    if left_out:
        console.print(f"Left out because --mnist or --imdb is missing: {', '.join(left_out)}.")


def run_all(
    recipes: Sequence[Recipe], output: Path, sources: Sources, workers: int, advance: Callable[[], None]
) -> None:
    """Train networks in order, each in a single-threaded process, and record each of them.

    Args:
        recipes: Recipes of the networks to train.
        output: Folder of the records.
        sources: Paths of the data.
        workers: Number of processes.
        advance: Called after each run.
    """
    jobs = [(recipe, record_path(recipe, output)) for recipe in recipes]
    for _ in on_workers(_run, jobs, sources, workers=workers):
        advance()


def record_path(recipe: Recipe, output: Path) -> Path:
    """Return the path of the record of a run; held-out runs have a separate folder."""
    return output / ("held_out" if recipe.held_out else "runs") / f"{recipe.name}.json"


def is_done(recipe: Recipe, output: Path) -> bool:
    """Whether there is a record of exactly this recipe in the current format."""
    path = record_path(recipe, output)
    if not path.exists():
        return False
    record = json.loads(path.read_text())
    return bool(record["format"] == FORMAT and record["recipe"] == recipe.to_state())


def _run(job: tuple[Recipe, Path], sources: Sources) -> None:
    recipe, path = job
    record = train_and_watch(recipe, sources)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written under a temporary name first, so that readers see all of a record or none.
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(record))
    os.replace(unfinished, path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="folder for the records")
    parser.add_argument("--mnist", type=Path, help="folder with the IDX files of MNIST")
    parser.add_argument("--imdb", type=Path, help="archive of the IMDb reviews (aclImdb.tar, .gz or .xz)")
    parser.add_argument("--workers", type=int, default=2, help="number of single-threaded training processes")
    parser.add_argument("--only", action="append", choices=sorted(FAMILIES), help="train only this family; repeatable")
    return parser


if __name__ == "__main__":
    main()
