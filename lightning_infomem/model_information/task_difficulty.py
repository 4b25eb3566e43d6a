"""Task difficulty: the bits that training on a task puts into a model, with accuracy and confidence."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from lightning_infomem._errors import UsageValueError
from lightning_infomem.model_information.codelength_settings import CodelengthSettings
from lightning_infomem.model_information.information_transfer import InformationTransfer
from lightning_infomem.model_information.labeled_data import Data, LabeledData, check_data_pairs
from lightning_infomem.model_information.learner import Learner, Model, trained
from lightning_infomem.model_information.mean_and_spread import means_with_spreads
from lightning_infomem.model_information.prequential import code_online
from lightning_infomem.model_information.repetitions import check_maker, make_seeded, settings_of_seeds, shared_state
from lightning_infomem.model_information.result import Result

__all__ = ["TaskDifficulty", "TaskRun", "learn_task", "task_difficulty"]


@dataclass(frozen=True)
class TaskRun:
    """What one model has learned from one task.

    Attributes:
        task: Name of the task.
        seed: Seed of the initial weights and of everything the settings draw.
        bits: Bits learned; see `information_transfer`. NaN if both codes are infinite.
        accuracy: Share of held-out samples whose label gets the highest probability from the trained model.
        confidence: Highest minus second-highest probability, averaged over held-out samples: 0 for a model that knows
            nothing, 1 for one that is certain, right or wrong.
    """

    task: str
    seed: int
    bits: float
    accuracy: float = math.nan
    confidence: float = math.nan


@dataclass(frozen=True)
class TaskDifficulty(Result):
    """What models trained with several seeds have learned from tasks.

    Attributes:
        runs: One run per task and seed, in the order of the tasks.
        settings: Settings of trainings and codes without the seed; see `CodelengthSettings`.
    """

    runs: tuple[TaskRun, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks, in order."""
        return tuple(dict.fromkeys(run.task for run in self.runs))

    def of(self, task: str) -> tuple[TaskRun, ...]:
        """Return the runs of one task, one per seed."""
        return tuple(run for run in self.runs if run.task == task)

    def to_records(self) -> list[dict[str, Any]]:
        """Return one row per task: means over seeds, half-widths of 95 % intervals by Student's t, and the seeds."""
        return [
            {
                "task": task,
                **means_with_spreads(
                    bits=[run.bits for run in self.of(task)],
                    accuracy=[run.accuracy for run in self.of(task)],
                    confidence=[run.confidence for run in self.of(task)],
                ),
                "seeds": ", ".join(str(run.seed) for run in self.of(task)),
            }
            for task in self.tasks
        ]

    @property
    def facts(self) -> dict[str, Any]:
        """What JSON holds in addition to the rows: the settings, and all runs."""
        return {**super().facts, "runs": self.runs}


def task_difficulty(
    make_model: Callable[[], Model],
    tasks: Mapping[str, tuple[Data, Data]],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    **settings: Any,
) -> TaskDifficulty:
    """Measure how much there is to learn in each task: the information that training on it puts into a model.

    The bits are about 0, within the variation over seeds, if nothing can be learned, and low if the held-out samples
    alone teach as much. They are highest in between, so they separate tasks that accuracy does not. Do not compare
    tasks with different numbers of held-out samples or classes, or results under different settings: the code from the
    initial weights bounds the bits.

    Args:
        make_model: Function that makes the model, called under each seed and once per task. See `Learner` for valid
            models.
        tasks: Name -> (training data, held-out data), each in any form accepted by `LabeledData`.
        seeds: Seeds of the repetitions, for initial weights, orders and trainings.
        **settings: Settings of the training and both codes, without ``seed``; see `CodelengthSettings`.

    Returns:
        `TaskDifficulty`. It is reproducible for fixed seeds, device and number of threads; random generators are left
        unchanged.

    Raises:
        TypeError, ValueError: Tasks, seeds or settings are missing or invalid, or `prequential_codelength` raises; the
            message then names the task.

    Cost:
        For each task and seed, one training on its data and two codes of the held-out data, with one training per block
        each.

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
    check_data_pairs(tasks, name="tasks")
    runs = [learn_task(make_model, name, data, chosen) for name, data in tasks.items() for chosen in by_seed]
    return TaskDifficulty(tuple(runs), shared_state(by_seed))


def learn_task(
    make_model: Callable[[], Model], task: str, data: tuple[Data, Data], settings: CodelengthSettings, prefix: str = ""
) -> TaskRun:
    """Perform one run of `task_difficulty` with the seed of the settings.

    Args:
        make_model: Function that makes the model; see `task_difficulty`.
        task: Name of the task.
        data: Training data and held-out data.
        settings: Settings of the training and the codes.
        prefix: Prefix of the text next to the progress bar.
    """
    try:
        known, unseen = (LabeledData.of(part, settings) for part in data)
        initial = make_seeded(make_model, settings.seed)
        first = Learner(initial, settings)
        first.count_classes(unseen)  # report faults in the held-out samples before training
        settings.sizes(len(unseen))
        final = Learner(trained(initial, known, settings), settings)
        accuracy, confidence = _judge(final.probabilities(unseen), unseen.labels)
        words = f"{prefix}{task}, seed {settings.seed}, "
        codes = [
            code_online(learner, unseen, description=words + which)
            for learner, which in ((first, "initial weights"), (final, "final weights"))
        ]
    except ValueError as fault:
        raise UsageValueError(f"task {task!r}: {fault}") from fault
    return TaskRun(task, settings.seed, InformationTransfer(*codes).bits, accuracy, confidence)


def _judge(probabilities: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return accuracy and confidence."""
    highest, second = probabilities.topk(2, dim=1).values.T
    right = probabilities.argmax(1) == labels.cpu()
    return float(right.double().mean()), float((highest - second).mean())
