"""Information capacity of a network: the largest number of bits it has learned from any of several tasks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lightning_infomem._checks import describe
from lightning_infomem._errors import UsageTypeError, UsageValueError
from lightning_infomem.model_information.labeled_data import Data, check_data_pairs
from lightning_infomem.model_information.learner import Learner, Model
from lightning_infomem.model_information.mean_and_spread import mean_and_spread
from lightning_infomem.model_information.repetitions import check_maker, make_seeded, settings_of_seeds, shared_state
from lightning_infomem.model_information.result import Result
from lightning_infomem.model_information.task_difficulty import TaskDifficulty, learn_task

__all__ = ["InformationCapacity", "information_capacity"]


@dataclass(frozen=True)
class InformationCapacity(Result):
    """The bits that models have learned from the same tasks, and the capacities derived from them.

    Attributes:
        learned: Model name -> bits learned from each task; all models have the same tasks.
        num_parameters: Model name -> number of parameters, including frozen ones.
        settings: Settings of trainings and codes without the seed; see `CodelengthSettings`.
    """

    learned: Mapping[str, TaskDifficulty]
    num_parameters: Mapping[str, int]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def bits(self, model: str) -> dict[str, float]:
        """Return the bits that a model has learned from each task, averaged over seeds."""
        learned = self.learned[model]
        return {task: mean_and_spread([run.bits for run in learned.of(task)])[0] for task in learned.tasks}

    def fullest_task(self, model: str) -> str:
        """Return the task from which a model has learned most; the first one on ties, ignoring NaN."""
        bits = self.bits(model)
        return max(bits, key=lambda task: -math.inf if math.isnan(bits[task]) else bits[task])

    def capacity(self, model: str) -> float:
        """Return the bits of the task from which a model has learned most."""
        return self.bits(model)[self.fullest_task(model)]

    def to_records(self) -> list[dict[str, Any]]:
        """Return one row per model: capacity and its task, bits per parameter, mean bits of every task, and seeds.

        Capacity and bits per parameter come with the half-width of the 95 % interval over the seeds of that task.
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
        """What JSON holds in addition to the rows: the settings, and the runs of each model."""
        return {**super().facts, "runs": {model: learned.runs for model, learned in self.learned.items()}}


def information_capacity(
    models: Mapping[str, Callable[[], Model]],
    tasks: Mapping[str, tuple[Data, Data]],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    **settings: Any,
) -> InformationCapacity:
    """Estimate the information capacity of models as the most bits they learn from any of several tasks.

    The estimate is a lower bound: a harder task may fill a model further, so the tasks must be hard enough for the
    largest model. If they are not, larger models show *lower* capacity: they learn the held-out samples from few of
    them, so that previous training saves little. As a maximum of means, the estimate is biased upwards if seeds vary
    much. Do not compare capacities across tasks or settings, nor with the number of bits that the parameters could
    store: only information that helps with held-out labels counts, not memorized samples.

    Args:
        models: Name -> function that makes the model; it is called under each seed. See `Learner` for valid models.
        tasks: Name -> (training data, held-out data), the same for all models; see `task_difficulty`.
        seeds: Seeds of the repetitions.
        **settings: Settings of trainings and codes, without ``seed``; see `CodelengthSettings`.

    Returns:
        `InformationCapacity`, in bits. A model's capacity is the maximum over tasks of its mean over seeds.

    Raises:
        TypeError, ValueError: There is no model, or `task_difficulty` raises; the message then names model and task.

    Cost:
        The cost of `task_difficulty` for each model.

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
    check_data_pairs(tasks, name="tasks")
    if not isinstance(models, Mapping) or not models:
        raise UsageTypeError(
            f"models: a mapping from names to functions that make a model is required, got {describe(models)}; give "
            "{'name': lambda: Network()}."
        )
    for name, make_model in models.items():
        check_maker(make_model, name=f"models: {name!r}")
    shared = shared_state(by_seed)
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
            raise UsageValueError(f"model {name!r}: {fault}") from fault
        learned[name] = TaskDifficulty(tuple(runs), shared)
    return InformationCapacity(learned, num_parameters, shared)
