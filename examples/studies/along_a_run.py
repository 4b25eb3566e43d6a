"""The study of what can be known along one run without labels: train a zoo of small networks and watch each epoch.

Run as ``python -m examples.studies.along_a_run --output FOLDER [--mnist FOLDER] [--imdb ARCHIVE]`` from the root of the
repository. It takes about 75 minutes on two cores; stopped at any time, it goes on where it was when started again.
One JSON file a run is kept. Runs of two families are marked ``held_out``: nobody looks at them before rules are frozen.
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
        console.print("Stopped. The runs that are done are kept: the same command goes on from here.")
        raise SystemExit(130) from None
    left_out = sorted({recipe.family for recipe in wanted if not sources.have(recipe.data)})
    console.print(f"{len(recipes)} runs are in {chosen.output}.")
    if left_out:
        console.print(f"Left out, for want of --mnist or --imdb: {', '.join(left_out)}.")


def run_all(
    recipes: Sequence[Recipe], output: Path, sources: Sources, workers: int, advance: Callable[[], None]
) -> None:
    """Train networks in order, each on one thread of a process of its own, and keep a record of each.

    Args:
        recipes: what to train.
        output: folder of the records.
        sources: where data are.
        workers: number of processes.
        advance: called after each run.
    """
    jobs = [(recipe, record_path(recipe, output)) for recipe in recipes]
    for _ in on_workers(_run, jobs, sources, workers=workers):
        advance()


def record_path(recipe: Recipe, output: Path) -> Path:
    """Where the record of a run is kept; those held out lie in a folder of their own."""
    return output / ("held_out" if recipe.held_out else "runs") / f"{recipe.name}.json"


def is_done(recipe: Recipe, output: Path) -> bool:
    """Whether there is a record of this very recipe, in this format."""
    path = record_path(recipe, output)
    if not path.exists():
        return False
    record = json.loads(path.read_text())
    return bool(record["format"] == FORMAT and record["recipe"] == recipe.to_state())


def _run(job: tuple[Recipe, Path], sources: Sources) -> None:
    recipe, path = job
    record = train_and_watch(recipe, sources)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Under another name first: whoever looks sees all of a record or none.
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(record))
    os.replace(unfinished, path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="folder for the records")
    parser.add_argument("--mnist", type=Path, help="folder with the IDX files of MNIST")
    parser.add_argument("--imdb", type=Path, help="archive of the reviews of IMDb (aclImdb.tar, .gz or .xz)")
    parser.add_argument("--workers", type=int, default=2, help="processes that train, one thread each")
    parser.add_argument("--only", action="append", choices=sorted(FAMILIES), help="a family; may be given repeatedly")
    return parser


if __name__ == "__main__":
    main()
