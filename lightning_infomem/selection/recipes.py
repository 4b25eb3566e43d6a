"""How the training of checkpoints differs, and whether that is more than a level of memorization."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lightning_infomem.records.flag import Flag
from lightning_infomem.selection.candidates import Candidate

__all__ = ["RecipeDifference", "compare_recipes"]

Value = bool | int | float | str | None

# Parts of names of settings that say nothing about how well a network generalises.
_NO_RECIPE = {
    *("seed", "fold", "split", "replicate", "run", "trial", "name", "version", "id", "path", "dir", "root", "folder"),
    *("file", "device", "devices", "workers", "verbose", "logger", "tags", "git", "hash", "date", "time"),
}
# Parts of names of settings that no level of memorization is.
_OF_TRAINING = {
    *("lr", "rate", "decay", "wd", "l2", "dropout", "drop", "pdrop", "momentum", "nesterov", "beta", "betas", "eps"),
    *("batch", "epoch", "epochs", "step", "steps", "optim", "optimizer", "sched", "scheduler", "schedule", "warmup"),
    *("clip", "gradient", "smoothing", "augment", "augmentation", "mixup", "cutmix", "width", "depth", "hidden"),
    *("layers", "dim", "units", "channels", "norm", "activation", "init", "precision", "patience", "swa", "ema"),
}
_MORE_STEPS = 1.5  # times as many steps are another length of training


class RecipeDifference(NamedTuple):
    """How the training of checkpoints differs.

    Attributes:
        settings: Name of a setting that differs -> its value for each checkpoint, None where unknown. Of settings that
            differ alike, such as a hyperparameter and that of the optimizer, only the first.
        names: The settings by which more differs than a level of memorization; empty if none do, or nothing is known.
        is_known: Whether any checkpoint says how it was trained.
    """

    settings: Mapping[str, list[Value]]
    names: tuple[str, ...]
    is_known: bool

    @property
    def flags(self) -> list[Flag]:
        """A remark "recipes_differ" with the names of the settings, if more than a level differs."""
        if not self.names:
            return []
        words = ", ".join(f"{name} ({_span(self.settings[name])})" for name in self.names[:6])
        more = f" and {len(self.names) - 6} more" if len(self.names) > 6 else ""
        return [
            Flag(
                "recipes_differ",
                f"the checkpoints differ in {words}{more}: across such differences mutual information says how a "
                "network was trained rather than how well it generalises",
                is_doubt=False,
            )
        ]


def compare_recipes(candidates: Sequence[Candidate]) -> RecipeDifference:
    """Find the settings in which checkpoints differ.

    A zoo of levels varies one thing: the level, whatever it is called, and perhaps the seed. More differs if a setting
    of the training does, by its name; if two others do that are not the same; or if one was trained for half as many
    steps again as another.

    Args:
        candidates: The checkpoints.
    """
    names = dict.fromkeys(name for each in candidates for name in each.recipe)
    settings: dict[str, list[Value]] = {}
    for name in names:
        values: list[Value] = [each.recipe.get(name) for each in candidates]
        is_new = all(_pattern(values) != _pattern(others) for others in settings.values())
        if len(set(_pattern(values))) > 1 and is_new and not _words(name) & _NO_RECIPE:
            settings[name] = values
    steps = [each.step for each in candidates if each.step]
    if len(steps) == len(candidates) and max(steps) > _MORE_STEPS * min(steps):
        settings["step"] = list(steps)
    of_training = tuple(name for name in settings if _words(name) & _OF_TRAINING)
    others = tuple(name for name in settings if name not in of_training)
    different = (*of_training, *others) if of_training or len(others) > 1 else ()
    return RecipeDifference(settings, different, any(each.recipe for each in candidates))


def _words(name: str) -> set[str]:
    """Return the words of the name of a setting: of "model/learningRate" they are model, learning and rate."""
    return set(re.findall(r"[a-z]+[0-9]*", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()))


def _pattern(values: Sequence[Value]) -> list[int]:
    """Return which values are equal, whatever they are: the place at which each occurs first."""
    written = [repr(value) for value in values]
    return [written.index(value) for value in written]


def _span(values: Sequence[Value]) -> str:
    """Say between what a setting varies."""
    numbers = [each for each in values if isinstance(each, (int, float)) and not isinstance(each, bool)]
    if len(numbers) == len(values):
        return f"{min(numbers):g} to {max(numbers):g}"
    distinct = list(dict.fromkeys("unknown" if each is None else str(each) for each in values))
    return ", ".join(distinct[:3]) + (", ..." if len(distinct) > 3 else "")
