"""What the study ranks: sweeps, levels of memorization, and what a user would know of each."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

import examples.benchmarks.networks as networks_of_levels
import examples.choosing.networks as networks_of_sweeps
from examples.benchmarks.recipes import ZOOS, comparable_models
from examples.benchmarks.tasks import probe
from examples.benchmarks.training import read_labelled
from examples.choosing.sources import Sources
from examples.choosing.sweeps import SWEEPS, WORD_ZOO
from examples.choosing.tasks import probe_batches, training_batches

__all__ = ["RankedZoo", "zoos_of_levels", "zoos_of_sweeps"]


@dataclass(frozen=True)
class RankedZoo:
    """Checkpoints that are ranked together, with what judges the ranking.

    Attributes:
        name: Name in the tables.
        family: Zoos of one family differ in noise only.
        replicate: 0 if rules were chosen on it, 1 if it was kept aside.
        is_sweep: Whether hyperparameters differ, rather than a level of memorization.
        has_shortcut: Whether a cue tells labels.
        kind: Kind of memorization that a user would suspect; None if there is no single one.
        files: Checkpoints.
        references: Checkpoints known to generalise.
        model: See `rank_checkpoints`.
        batches: Unlabelled batches of the probe.
        training: Training batches with labels as they come; None if each network has others.
        truth: True classes of the probe, in the order of the batches; None if they are not used.
        labelled: Name of a checkpoint without suffix -> its measures with labels.
    """

    name: str
    family: str
    replicate: int
    is_sweep: bool
    has_shortcut: bool
    kind: str | None
    files: list[Path]
    references: list[Path]
    model: Callable[[dict[str, Any]], Any]
    batches: Callable[[], list[Tensor]]
    training: Callable[[], list[tuple[Tensor, Tensor]]] | None
    truth: np.ndarray[Any, np.dtype[np.int64]] | None
    labelled: Mapping[str, Mapping[str, Any]]

    @property
    def accuracy(self) -> dict[str, float]:
        """File name -> accuracy on the clean test."""
        return {path.name: self.labelled[path.stem]["clean_accuracy"] for path in self.files}


def zoos_of_sweeps(output: Path, sources: Sources) -> Iterator[RankedZoo]:
    """Yield the sweeps, and the zoo with a word as shortcut, as far as they are trained."""
    for sweep in (*SWEEPS, WORD_ZOO):
        folder = output / sweep.folder
        files = [folder / f"{name}.ckpt" for name in sweep.models]
        references = [folder / "references" / f"{name}.ckpt" for name in sweep.references]
        if not all(path.exists() for path in (*files, *references)):
            continue
        is_sweep = len(sweep.levels) < 2
        yield RankedZoo(
            name=sweep.folder,
            family=sweep.data if not sweep.levels else "word",
            replicate=sweep.replicate,
            is_sweep=is_sweep,
            has_shortcut=bool(sweep.levels),
            kind=None if is_sweep else "heuristic",
            files=files,
            references=references,
            model=networks_of_sweeps.network,
            batches=functools.partial(probe_batches, sweep, sources),
            training=functools.partial(training_batches, sweep, sources) if is_sweep else None,
            truth=np.load(folder / "data.npz")["probe_labels"],
            labelled=read_labelled(folder),
        )


def zoos_of_levels(output: Path, mnist: Path | None) -> Iterator[RankedZoo]:
    """Yield the seven zoos of `examples.benchmarks`, those of several widths one by one."""
    for zoo in ZOOS:
        folder = output / zoo.name
        if zoo.images == "mnist" and mnist is None:
            continue
        sets = list(comparable_models(zoo))
        for models, references in sets:
            files = [folder / f"{name}.ckpt" for name in models]
            others = [folder / "references" / f"{name}.ckpt" for name in references]
            if not all(path.exists() for path in (*files, *others)):
                continue
            width = zoo.models[models[0]].width
            yield RankedZoo(
                name=zoo.name if len(sets) == 1 else f"{zoo.name}-{width}",
                family=zoo.name,
                replicate=0,
                is_sweep=zoo.name == "grid-digits",
                has_shortcut=zoo.name in ("colored-digits", "colored-mnist", "patched-mnist", "union-mnist"),
                kind=zoo.memorization,
                files=files,
                references=others,
                model=networks_of_levels.network,
                batches=functools.partial(probe, zoo, mnist),
                training=None,
                truth=None,
                labelled=read_labelled(folder),
            )
