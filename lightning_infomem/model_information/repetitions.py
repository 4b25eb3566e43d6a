"""The same training with other seeds: of the initial weights, and of all that is drawn afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from lightning_infomem._checks import check_count, describe
from lightning_infomem._lightning import isolate_rng
from lightning_infomem.model_information.codelength_settings import CodelengthSettings
from lightning_infomem.model_information.learner import Model

__all__ = ["check_maker", "make_seeded", "settings_of_seeds", "shared_state"]


def check_maker(make_model: object, *, name: str = "make_model") -> None:
    """Require a function, and not a model, which can be called as well."""
    if isinstance(make_model, nn.Module) or not callable(make_model):
        raise TypeError(
            f"{name}: a function that makes a model is required, so that each seed has initial weights of its own, got "
            f"{describe(make_model)}; give a class, or lambda: Network(...)."
        )


def make_seeded(make_model: Callable[[], Model], seed: int, *, name: str = "make_model") -> Model:
    """Make a model whose weights are drawn from a seed; random generators are left as they were.

    Raises:
        TypeError: no function, such as a model that is made already.
    """
    check_maker(make_model, name=name)
    with isolate_rng():
        torch.manual_seed(seed)
        return make_model()


def settings_of_seeds(seeds: Sequence[int], settings: Mapping[str, Any]) -> list[CodelengthSettings]:
    """The same settings for every seed.

    Raises:
        TypeError, ValueError: no seeds, one twice, a seed among the settings, or what `CodelengthSettings` raises.
    """
    if "seed" in settings:
        raise TypeError(
            f"seed: seeds of repetitions are required, got a single seed {settings['seed']!r} among the settings; give "
            "seeds=[...]."
        )
    if not isinstance(seeds, Sequence) or isinstance(seeds, str):
        raise TypeError(f"seeds: a sequence of whole numbers is required, got {describe(seeds)}; give (0, 1, 2).")
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds: at least one, and each once, is required, got {tuple(seeds)}; give (0, 1, 2).")
    return [CodelengthSettings(**settings, seed=check_count(seed, name="seeds", minimum=0)) for seed in seeds]


def shared_state(by_seed: Sequence[CodelengthSettings]) -> dict[str, Any]:
    """What settings that differ in their seeds alone have in common, as plain values."""
    return {name: value for name, value in by_seed[0].state().items() if name != "seed"}
