"""Information ablation: how many bits a model loses when a component is reset to its initial weights."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lightning_infomem._errors import UsageValueError
from lightning_infomem.model_information.codelength_settings import CodelengthSettings
from lightning_infomem.model_information.information_transfer import InformationTransfer
from lightning_infomem.model_information.labeled_data import Data, LabeledData
from lightning_infomem.model_information.learner import Learner, Model, check_same_network
from lightning_infomem.model_information.mean_and_spread import mean_and_spread
from lightning_infomem.model_information.model_components import (
    Components,
    count_parameters,
    find_components,
    reset_modules,
)
from lightning_infomem.model_information.prequential import code_online
from lightning_infomem.model_information.repetitions import shared_state
from lightning_infomem.model_information.result import Result
from lightning_infomem.records.comparability import Field, check_comparable

__all__ = ["InformationAblation", "information_ablation"]


@dataclass(frozen=True, eq=False)
class InformationAblation(Result):
    """The bits that a model loses without each component.

    Attributes:
        components: Name -> number of parameters, including frozen ones.
        bits: float64 ``[runs, components]``: I(C), the bits lost without the component; negative if the model learns
            the data sooner without it.
        whole_bits: float64 ``[runs]``: L, the bits of the whole model.
        num_parameters: Number of parameters of the whole model.
        seeds: One seed per run.
        settings: Settings of all codes.
    """

    components: Mapping[str, int]
    bits: Tensor
    whole_bits: Tensor
    num_parameters: int
    seeds: tuple[int, ...]
    settings: Mapping[str, Any]

    @classmethod
    def joined(cls, runs: Sequence[InformationAblation]) -> InformationAblation:
        """Join ablations of several networks into one result with means and intervals.

        Args:
            runs: Ablations of networks trained with different seeds, each measured with its own seed.

        Raises:
            ValueError: There are no runs, or they differ in components, parameters or settings.
        """
        if not runs:
            raise UsageValueError("runs: at least one ablation is required, got none; give those of one architecture.")
        named = {f"run {number}": run for number, run in enumerate(runs)}
        settings = dict.fromkeys(name for run in runs for name in run.settings)
        fields: dict[Field, dict[str, Hashable]] = {
            "components": {
                name: tuple(f"{each} {n}" for each, n in run.components.items()) for name, run in named.items()
            },
            "num_parameters": {name: run.num_parameters for name, run in named.items()},
        }
        for setting in settings:
            fields[f"settings.{setting}"] = {name: repr(run.settings.get(setting)) for name, run in named.items()}
        check_comparable(fields, None, argument="runs")
        return cls(
            runs[0].components,
            torch.cat([run.bits for run in runs]),
            torch.cat([run.whole_bits for run in runs]),
            runs[0].num_parameters,
            tuple(seed for run in runs for seed in run.seeds),
            runs[0].settings,
        )

    @property
    def summed_bits(self) -> Tensor:
        """Sum over the components, float64 ``[runs]``; it differs from ``whole_bits``, since bits do not add up."""
        return self.bits.sum(1)

    def to_records(self) -> list[dict[str, Any]]:
        """Return one row per component, their sum, and the whole: means over runs and half-widths of 95 % intervals."""
        rows = [
            *((name, self.bits[:, place], count) for place, (name, count) in enumerate(self.components.items())),
            ("(sum)", self.summed_bits, sum(self.components.values())),
            ("(whole)", self.whole_bits, self.num_parameters),
        ]
        return [self._record(name, bits.tolist(), count) for name, bits, count in rows]

    def _record(self, name: str, bits: Sequence[float], count: int) -> dict[str, Any]:
        mean, spread = mean_and_spread(bits)
        return {
            "component": name,
            "bits": mean,
            "bits_spread": spread,
            "num_parameters": count,
            "bits_per_parameter": mean / count if count else math.nan,
            "bits_per_parameter_spread": spread / count if count else math.nan,
            "seeds": ", ".join(map(str, self.seeds)),
        }


def information_ablation(
    initial: Model, final: Model, data: Data, components: Components = "children", **settings: Any
) -> InformationAblation:
    """Reset each component to its weights before training, and measure how many bits the model loses.

    The bits are not additive: redundant components lose little one at a time, and components that depend on each other
    lose the same bits twice. Their sum is reported next to the bits of the whole model, but is no decomposition of it.

    Args:
        initial: The model before training; see `prequential_codelength`. It must have the exact weights that training
            started from: with other random weights all bits are wrong, and no error is raised.
        final: The same model after training.
        data: Held-out samples with labels.
        components: "children" takes the modules directly below the network (or below the single module in it), with
            "own parameters" for parameters outside of them. Patterns, as in `select_layers`, make each matching module
            with parameters or buffers a component. A mapping from names to patterns makes all modules that match a
            pattern one component. Components may overlap.
        **settings: Settings of the codes; see `CodelengthSettings`.

    Returns:
        `InformationAblation` of one run, with I(C) = L(final) - L(final with the parameters and buffers of C reset).
        I(C) is exactly 0 if nothing in C changed, and exactly L(final) if everything is reset. Join several runs with
        `InformationAblation.joined`.

    Raises:
        TypeError, ValueError: See `information_transfer`; also patterns that match no module, or none with parameters.

    Cost:
        Two codes plus one per component; each code takes one training per block.

    Reference:
        Model information as an analysis tool in deep learning (ICLR 2021 submission), section on ablation, tables 8
        and 9.

    >>> inputs, labels = torch.eye(4).repeat(50, 1), torch.arange(4).repeat(50)
    >>> initial, final = (torch.nn.Sequential(torch.nn.Linear(4, 4)) for _ in range(2))
    >>> _ = final[0].weight.data.copy_(9 * torch.eye(4))
    >>> result = information_ablation(initial, final, (inputs, labels), max_epochs=2, progress=False)
    >>> result.components, bool(result.bits[0, 0] == result.whole_bits[0] > 300)
    ({'0': 20}, True)
    """
    chosen = CodelengthSettings(**settings)
    learners = [Learner(model, chosen) for model in (initial, final)]
    first, last = (learner.network for learner in learners)
    check_same_network(first, last, names=("initial", "final"))
    found = find_components(last, components)
    counts = {name: count_parameters(last, owners) for name, owners in found.items()}
    num_parameters = sum(parameter.numel() for parameter in last.parameters())
    loaded = LabeledData.of(data, chosen)
    for owners in found.values():
        learner = Learner(final, chosen)
        reset_modules(learner.network, first, owners)
        whole = (learner.network, final[1]) if isinstance(final, tuple) else learner.network
        learners.append(Learner(whole, chosen))
    names = ["initial weights", "final weights", *(f"without {name}" for name in found)]
    before, *after = [
        code_online(learner, loaded, description=name) for learner, name in zip(learners, names, strict=True)
    ]
    full, *ablated = [InformationTransfer(before, code).bits for code in after]
    return InformationAblation(
        counts,
        torch.tensor([[full - bits for bits in ablated]], dtype=torch.float64),
        torch.tensor([full], dtype=torch.float64),
        num_parameters,
        (chosen.seed,),
        shared_state([chosen]),
    )
