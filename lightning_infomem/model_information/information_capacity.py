"""How many bits a network can take up: the most that it has learned of any of several tasks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lightning_infomem._checks import describe
from lightning_infomem.model_information.labeled_data import Data
from lightning_infomem.model_information.learner import Learner, Model
from lightning_infomem.model_information.mean_and_spread import mean_and_spread
from lightning_infomem.model_information.repetitions import check_maker, make_seeded, settings_of_seeds, shared_state
from lightning_infomem.model_information.result import Result
from lightning_infomem.model_information.task_difficulty import (
    TaskDifficulty,
    check_tasks,
    learn_task,
)

__all__ = ["InformationCapacity", "information_capacity"]


@dataclass(frozen=True)
class InformationCapacity(Result):
    """What models have learned of the same tasks; all else follows from it.

    Attributes:
        learned: name of a model -> what it has learned of each task, all of the same tasks.
        num_parameters: name of a model -> number of its parameters, frozen ones included.
        settings: of trainings and codes, without the seed, as `CodelengthSettings` has them.
    """

    learned: Mapping[str, TaskDifficulty]
    num_parameters: Mapping[str, int]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def bits(self, model: str) -> dict[str, float]:
        """What a model has learned of each task: the mean over seeds."""
        learned = self.learned[model]
        return {task: mean_and_spread([run.bits for run in learned.of(task)])[0] for task in learned.tasks}

    def fullest_task(self, model: str) -> str:
        """The task of which a model has learned most, the first of several; a NaN counts as nothing."""
        bits = self.bits(model)
        return max(bits, key=lambda task: -math.inf if math.isnan(bits[task]) else bits[task])

    def capacity(self, model: str) -> float:
        """Bits of the task of which a model has learned most."""
        return self.bits(model)[self.fullest_task(model)]

    def to_records(self) -> list[dict[str, Any]]:
        """One a model: its capacity with the task that gave it, bits a parameter, mean bits of every task, seeds.

        Beside capacity and bits a parameter stands half the width of the 95 % interval over seeds of that task.
        """
        records = []
        for model, learned in self.learned.items():
            task, count = self.fullest_task(model), self.num_parameters[model]
            capacity, spread = mean_and_spread([run.bits for run in learned.of(task)])
            record = {
                "model": model,
                "parameters": count,
                "capacity": capacity,
                "capacity_spread": spread,
                "task": task,
                "bits_per_parameter": capacity / count,
                "bits_per_parameter_spread": spread / count,
                **{f"bits_of_{name}": bits for name, bits in self.bits(model).items()},
                "seeds": ", ".join(str(run.seed) for run in learned.of(task)),
            }
            records.append(record)
        return records

    @property
    def facts(self) -> dict[str, Any]:
        """As of every result, and the runs of each model."""
        return {**super().facts, "runs": {model: learned.runs for model, learned in self.learned.items()}}


def information_capacity(
    models: Mapping[str, Callable[[], Model]],
    tasks: Mapping[str, tuple[Data, Data]],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    **settings: Any,
) -> InformationCapacity:
    """Measure how many bits models can take up, as the most that they learn of any of several tasks.

    A lower bound: a task in which there is more to learn may fill a model further, so that tasks must be hard enough
    for the largest. Where they are not, larger models show *less*: they learn the held-out samples from few of them,
    and training before saves little. As the highest of several means it is somewhat too high where seeds differ much.
    Do not compare capacities by other tasks or settings, nor with what could be stored in the parameters: only what
    helps with held-out labels is counted, not what is learned by heart.

    Args:
        models: name -> function that makes the model, called under each seed; see `Learner` for what it may be.
        tasks: name -> data to train on and data held out, the same for all models; see `task_difficulty`.
        seeds: of repetitions.
        **settings: see `CodelengthSettings`, without ``seed``.

    Returns:
        `InformationCapacity`, in bits: that of a model is the highest, over the tasks, of its means over seeds.

    Raises:
        TypeError, ValueError: no model, or what `task_difficulty` raises, with the names of model and task in front.

    Cost:
        That of `task_difficulty` for each model.

    Reference:
        Model information as an analysis tool in deep learning (ICLR 2021 submission), table 7: capacity is the maximum
        over data sets of L(M_D, D).

    >>> import torch
    >>> labels = torch.arange(4).repeat(50)
    >>> tasks = {"four corners": ((torch.eye(4)[labels], labels),) * 2}
    >>> settings = {"max_epochs": 5, "learning_rate": 0.1, "blocks": (10, 100), "progress": False}
    >>> found = information_capacity({"linear": lambda: torch.nn.Linear(4, 4)}, tasks, seeds=[0], **settings)
    >>> found.num_parameters, found.capacity("linear") > 100
    ({'linear': 20}, True)
    """
    by_seed = settings_of_seeds(seeds, settings)
    check_tasks(tasks)
    if not isinstance(models, Mapping) or not models:
        raise TypeError(
            f"models: names with functions that make a model are required, got {describe(models)}; give "
            "{'name': lambda: Network()}."
        )
    for name, make_model in models.items():
        check_maker(make_model, name=f"models: {name!r}")
    told = shared_state(by_seed)
    learned, num_parameters = {}, {}
    for name, make_model in models.items():
        network = Learner(make_seeded(make_model, by_seed[0].seed), by_seed[0]).network
        num_parameters[name] = sum(parameter.numel() for parameter in network.parameters())
        try:
            runs = [
                learn_task(make_model, task, data, chosen, prefix=f"{name}, ")
                for task, data in tasks.items()
                for chosen in by_seed
            ]
        except ValueError as fault:
            raise ValueError(f"model {name!r}: {fault}") from fault
        learned[name] = TaskDifficulty(tuple(runs), told)
    return InformationCapacity(learned, num_parameters, told)
