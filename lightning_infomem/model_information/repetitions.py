"""Repeat an experiment with different seeds for the initial weights and for everything drawn afterwards."""

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
    """Require a function that makes a model, not a model, which is callable too."""
    if isinstance(make_model, nn.Module) or not callable(make_model):
        raise TypeError(
            f"{name}: a function that makes a model is required, so that each seed has its own initial weights, got "
            f"{describe(make_model)}; give a class, or lambda: Network(...)."
        )


def make_seeded(make_model: Callable[[], Model], seed: int, *, name: str = "make_model") -> Model:
    """Make a model whose weights are drawn from a seed; random generators are left unchanged.

    Raises:
        TypeError: ``make_model`` is not a function, for example because it is a model.
    """
    check_maker(make_model, name=name)
    with isolate_rng():
        torch.manual_seed(seed)
        return make_model()


def settings_of_seeds(seeds: Sequence[int], settings: Mapping[str, Any]) -> list[CodelengthSettings]:
    """Return one copy of the settings per seed.

    Raises:
        TypeError, ValueError: There are no seeds, a seed occurs twice or is among the settings, or a setting is
            invalid; see `CodelengthSettings`.
    """
    if "seed" in settings:
        raise TypeError(
            f"seed: the seeds of repetitions are required instead, got a single seed {settings['seed']!r} among the "
            "settings; give seeds=[...]."
        )
    if not isinstance(seeds, Sequence) or isinstance(seeds, str):
        raise TypeError(f"seeds: a sequence of whole numbers is required, got {describe(seeds)}; give (0, 1, 2).")
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds: one or more different seeds are required, got {tuple(seeds)}; give (0, 1, 2).")
    return [CodelengthSettings(**settings, seed=check_count(seed, name="seeds", minimum=0)) for seed in seeds]


def shared_state(by_seed: Sequence[CodelengthSettings]) -> dict[str, Any]:
    """Return the settings without the seed, as plain values."""
    return {name: value for name, value in by_seed[0].state().items() if name != "seed"}
