"""How much there is to learn in a task: the bits that training puts into a model, beside accuracy and confidence."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from lightning_infomem._checks import describe
from lightning_infomem.model_information.codelength_settings import CodelengthSettings
from lightning_infomem.model_information.information_transfer import InformationTransfer
from lightning_infomem.model_information.labeled_data import Data, LabeledData
from lightning_infomem.model_information.learner import Learner, Model, trained
from lightning_infomem.model_information.mean_and_spread import mean_and_spread
from lightning_infomem.model_information.prequential import code_online
from lightning_infomem.model_information.repetitions import check_maker, make_seeded, settings_of_seeds, shared_state
from lightning_infomem.model_information.result import Result

__all__ = [
    "TaskDifficulty",
    "TaskRun",
    "check_tasks",
    "learn_task",
    "task_difficulty",
]


@dataclass(frozen=True)
class TaskRun:
    """What one model has learned of one task.

    Attributes:
        task: its name.
        seed: of the initial weights, and of all that settings draw by it.
        bits: learned, see `information_transfer`; NaN where both codes are infinite.
        accuracy: share of the held-out labels to which the trained model gives the highest probability.
        confidence: mean over held-out samples of the highest probability minus the second: 0 of a model that knows
            nothing, 1 of one that is sure, be it right or wrong.
    """

    task: str
    seed: int
    bits: float
    accuracy: float = math.nan
    confidence: float = math.nan


@dataclass(frozen=True)
class TaskDifficulty(Result):
    """What models of several seeds have learned of tasks.

    Attributes:
        runs: one a task and seed; the tasks in their order.
        settings: of trainings and codes, without the seed, as `CodelengthSettings` has them.
    """

    runs: tuple[TaskRun, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names, in their order."""
        return tuple(dict.fromkeys(run.task for run in self.runs))

    def of(self, task: str) -> tuple[TaskRun, ...]:
        """The runs of one task, one a seed."""
        return tuple(run for run in self.runs if run.task == task)

    def to_records(self) -> list[dict[str, Any]]:
        """One a task: means over seeds, each with half the width of its 95 % interval by Student's t; the seeds."""
        records = []
        for task in self.tasks:
            runs = self.of(task)
            record: dict[str, Any] = {"task": task}
            for name in ("bits", "accuracy", "confidence"):
                record[name], record[f"{name}_spread"] = mean_and_spread([getattr(run, name) for run in runs])
            records.append({**record, "seeds": ", ".join(str(run.seed) for run in runs)})
        return records

    @property
    def facts(self) -> dict[str, Any]:
        """As of every result, and all ``runs``."""
        return {**super().facts, "runs": self.runs}


def task_difficulty(
    make_model: Callable[[], Model],
    tasks: Mapping[str, tuple[Data, Data]],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    **settings: Any,
) -> TaskDifficulty:
    """Measure how much there is to learn in tasks: the information that training on each puts into a model.

    The bits are about 0, within the seeds, where nothing can be learnt, and few where the held-out samples alone teach
    as much: they are most between, so that they tell tasks apart that accuracy does not. Do not compare tasks of other
    numbers of held-out samples or classes, nor by other settings: the code from initial weights bounds the bits.

    Args:
        make_model: makes the model that is trained; called under each seed, once a task. See `Learner` for what it may
            be.
        tasks: name -> data to train on and data held out, each in any form that `LabeledData` takes.
        seeds: of repetitions: each seeds initial weights, orders and trainings.
        **settings: see `CodelengthSettings`, without ``seed``; the same for the training and both codes.

    Returns:
        `TaskDifficulty`. The same for the same seeds, device and number of threads; random generators are left as they
        were.

    Raises:
        TypeError, ValueError: no task, seeds that are none, a pair that is none, an unknown setting, or what
            `prequential_codelength` raises, with the task's name in front.

    Cost:
        A task and seed: a training on its data, and two codes of those held out, each a training a block.

    Reference:
        Model information as an analysis tool in deep learning (ICLR 2021 submission), tables 2 to 4: L(M_D, D) by eq.
        2, accuracy, and confidence E[p1 - p2].

    >>> import torch
    >>> inputs, labels = torch.eye(4).repeat(50, 1), torch.arange(4).repeat(50)
    >>> unrelated = torch.zeros(200, 4)
    >>> tasks = {"easy": ((inputs, labels),) * 2, "impossible": ((unrelated, labels),) * 2}
    >>> settings = {"max_epochs": 5, "learning_rate": 0.1, "blocks": (10, 100), "progress": False}
    >>> easy, impossible = task_difficulty(lambda: torch.nn.Linear(4, 4), tasks, seeds=[0], **settings).to_records()
    >>> easy["accuracy"], easy["bits"] > 100, abs(impossible["bits"]) < 20
    (1.0, True, True)
    """
    by_seed = settings_of_seeds(seeds, settings)
    check_maker(make_model)
    check_tasks(tasks)
    runs = [learn_task(make_model, name, data, chosen) for name, data in tasks.items() for chosen in by_seed]
    told = shared_state(by_seed)
    return TaskDifficulty(tuple(runs), told)


def learn_task(
    make_model: Callable[[], Model], task: str, data: tuple[Data, Data], settings: CodelengthSettings, prefix: str = ""
) -> TaskRun:
    """One run of `task_difficulty`, by the seed of settings.

    Args:
        make_model: see there.
        task: its name.
        data: to train on, and held out.
        settings: of training and codes.
        prefix: of what stands beside the bar.
    """
    try:
        known, unseen = (LabeledData.of(part, settings) for part in data)
        initial = make_seeded(make_model, settings.seed)
        first = Learner(initial, settings)
        first.count_classes(unseen)  # what is wrong with the held-out samples is told before training
        settings.sizes(len(unseen))
        final = Learner(trained(initial, known, settings), settings)
        accuracy, confidence = _judge(final.probabilities(unseen), unseen.labels)
        words = f"{prefix}{task}, seed {settings.seed}, "
        codes = [
            code_online(learner, unseen, description=words + which)
            for learner, which in ((first, "initial weights"), (final, "final weights"))
        ]
    except ValueError as fault:
        raise ValueError(f"task {task!r}: {fault}") from fault
    return TaskRun(task, settings.seed, InformationTransfer(*codes).bits, accuracy, confidence)


def check_tasks(tasks: object) -> None:
    """Require names with pairs of data."""
    if not isinstance(tasks, Mapping) or not tasks:
        raise TypeError(
            f"tasks: names with pairs (training data, held-out data) are required, got {describe(tasks)}; give "
            "{'name': (training, held_out)}."
        )
    for name, pair in tasks.items():
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or any(isinstance(part, Tensor) for part in pair):
            came = f"{len(pair)} tensors" if _are_tensors(pair) else type(pair).__name__
            raise TypeError(
                f"tasks: a pair (training data, held-out data) is required of {name!r}, got {came}; what is held out "
                "is not trained on: split the samples, and give each part as (inputs, labels), data set or DataLoader."
            )


def _are_tensors(pair: object) -> bool:
    return isinstance(pair, (tuple, list)) and any(isinstance(part, Tensor) for part in pair)


def _judge(probabilities: Tensor, labels: Tensor) -> tuple[float, float]:
    """Accuracy and confidence."""
    highest, second = probabilities.topk(2, dim=1).values.T
    right = probabilities.argmax(1) == labels.cpu()
    return float(right.double().mean()), float((highest - second).mean())
