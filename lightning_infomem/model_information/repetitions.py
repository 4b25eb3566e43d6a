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

__all__ = ["make_seeded", "settings_of_seeds"]


def make_seeded(make_model: Callable[[], Model], seed: int) -> Model:
    """Make a model whose weights are drawn from a seed; random generators are left as they were.

    Raises:
        TypeError: no function, such as a model that is made already.
    """
    if isinstance(make_model, nn.Module) or not callable(make_model):
        raise TypeError(
            "make_model: a function without arguments that makes a model is required, got "
            f"{type(make_model).__name__}; each seed has weights of its own: give a class, or lambda: Model(...)."
        )
    with isolate_rng():
        torch.manual_seed(seed)
        return make_model()


def settings_of_seeds(settings: Mapping[str, Any], seeds: Sequence[int]) -> list[CodelengthSettings]:
    """The settings of a code once for each seed.

    Raises:
        TypeError, ValueError: as `CodelengthSettings`; no seeds, the same twice, or a ``seed`` among the settings.
    """
    if "seed" in settings:
        raise TypeError(f"seed: none is required beside seeds, got {settings['seed']!r}; give seeds=(...) alone.")
    if isinstance(seeds, str) or not isinstance(seeds, Sequence):
        raise TypeError(f"seeds: a sequence of whole numbers is required, got {describe(seeds)}; give (0, 1, 2).")
    for seed in seeds:
        check_count(seed, name="seeds", minimum=0)
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds: at least one, each once, is required, got {list(seeds)}; give (0, 1, 2).")
    return [CodelengthSettings(**settings, seed=seed) for seed in seeds]
