"""Teacher and student in step over an online code: by how many bits the teacher shortens the student's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div

from lightning_infomem._checks import check_finite
from lightning_infomem._lightning import LightningModule, Trainer, is_lightning_module
from lightning_infomem.model_information.codelength_settings import CodelengthSettings
from lightning_infomem.model_information.labeled_data import Data, LabeledData, labels_of
from lightning_infomem.model_information.learner import Learner, Model, logits_of
from lightning_infomem.model_information.mean_and_spread import mean_and_spread
from lightning_infomem.model_information.online_code import OnlineCode
from lightning_infomem.model_information.prequential import code_from_nats, code_online
from lightning_infomem.model_information.repetitions import make_seeded, settings_of_seeds, shared_state
from lightning_infomem.model_information.result import Result
from lightning_infomem.sampling.forward import evaluating, forward_batch

__all__ = ["SyncedDistillation", "synced_distillation"]


@dataclass(frozen=True)
class SyncedDistillation(Result):
    """Three codes of the same labels for every seed.

    Attributes:
        seeds: of order, batches and initial weights.
        with_teacher: the student's code, by students that are distilled.
        without_teacher: the same student's, trained alone.
        teacher: the teacher's own.
        settings: of the codes, with ``alpha`` and ``temperature``.
    """

    seeds: tuple[int, ...]
    with_teacher: tuple[OnlineCode, ...]
    without_teacher: tuple[OnlineCode, ...]
    teacher: tuple[OnlineCode, ...]
    settings: Mapping[str, Any]

    @property
    def gains(self) -> tuple[float, ...]:
        """Bits that the teacher saves, a seed; below 0 where it does harm."""
        codes = zip(self.without_teacher, self.with_teacher, strict=True)
        return tuple(without.code_length - taught.code_length for without, taught in codes)

    @property
    def gain(self) -> tuple[float, float]:
        """Mean of ``gains`` over seeds, and half the width of its 95 % interval, in bits."""
        return mean_and_spread(self.gains)

    def to_records(self) -> list[dict[str, Any]]:
        """One a seed."""
        codes = zip(self.seeds, self.without_teacher, self.with_teacher, self.teacher, self.gains, strict=True)
        return [
            {
                "seed": seed,
                "alpha": self.settings["alpha"],
                "temperature": self.settings["temperature"],
                "samples": sum(without.block_sizes),
                "uniform_bits": without.uniform_code_length,
                "bits_without_teacher": without.code_length,
                "bits_with_teacher": taught.code_length,
                "gain_bits": gain,
                "teacher_bits": teacher.code_length,
            }
            for seed, without, taught, teacher, gain in codes
        ]


def synced_distillation(
    student: Callable[[], Model],
    teacher: Callable[[], Model],
    data: Data,
    *,
    alpha: float = 0.7,
    temperature: float = 4.0,
    seeds: Sequence[int] = (0, 1, 2),
    **settings: Any,
) -> SyncedDistillation:
    """Bits by which a teacher, that knows no sample more than its student, shortens the student's online code.

    Before each block the teacher is trained on all samples before it, then the student on the same samples by
    ``alpha * T**2 * KL(teacher || student) + (1 - alpha) * loss``, both at temperature ``T`` in the divergence, and the
    student codes the block. The gain is the length of its code without teacher minus that with it. It tells how fast
    the student learns, which its final accuracy need not show; not for teachers that saw these samples before.

    The factor ``T**2`` is there because gradients of the divergence fall as ``1 / T**2``: with it, ``alpha`` weighs the
    same at every temperature.

    Args:
        student: a function that makes the model, called under each seed, see `prequential_codelength`. Its loss is the
            cross-entropy, or that of a pair (module, loss). A LightningModule keeps its optimisers and hooks, but this
            loss takes the place of its ``training_step``, with a teacher and without.
        teacher: likewise; trained in its own way, and in evaluation mode while it teaches. One without trainable
            parameters is left as it is.
        data: samples with labels; see `LabeledData`.
        alpha: weight of the teacher, from 0 to 1.
        temperature: above 0.
        seeds: of which each is one repetition.
        **settings: see `CodelengthSettings`, but ``seed``; ``start`` is that of teacher and student.

    Returns:
        `SyncedDistillation`, in bits. With ``alpha=0`` both codes of the student are equal, and the gain is exactly 0.

    Raises:
        TypeError, ValueError: as `prequential_codelength`; models in place of functions, other numbers of classes, a
            student with manual optimisation, or a share or temperature that is none.

    Cost:
        A seed three codes: two of the student, one of the teacher. A step of the distilled student has a forward pass
        of the teacher besides.

    Reference:
        Model information as an analysis tool in deep learning (ICLR 2021 submission), on synced distillation; the loss
        is that of Hinton, Vinyals & Dean 2015, Distilling the knowledge in a neural network.

    >>> inputs = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    >>> labels = inputs[:, :3].argmax(1)
    >>> small, large = (lambda width=width: nn.Sequential(nn.Linear(4, width), nn.Tanh(), nn.Linear(width, 3))
    ...     for width in (2, 8))
    >>> found = synced_distillation(small, large, (inputs, labels), alpha=0, seeds=(0,), max_epochs=2, progress=False)
    >>> found.gains
    (0.0,)
    """
    if not 0 <= check_finite(alpha, name="alpha") <= 1:
        raise ValueError(f"alpha: a weight from 0 to 1 is required, got {alpha}; 0.7 is usual.")
    if not check_finite(temperature, name="temperature") > 0:
        raise ValueError(f"temperature: a number above 0 is required, got {temperature}; 4 is usual.")
    by_seed = settings_of_seeds(seeds, settings)
    found = []
    for seed, own in zip(seeds, by_seed, strict=True):
        rows = LabeledData.of(data, own)
        model = make_seeded(student, seed, name="student")
        alone, tutor = _Student(model, own), Learner(make_seeded(teacher, seed, name="teacher"), own)
        taught = _Student(model, own, tutor, alpha=alpha, temperature=temperature)
        classes = [learner.count_classes(rows) for learner in (alone, tutor)]
        if classes[0] != classes[1]:
            raise ValueError(
                f"teacher: {classes[0]} classes are required, as of the student, got {classes[1]}; give both as many "
                "outputs."
            )
        codes = [
            code_online(taught, rows, description=f"seed {seed}, with teacher"),
            code_online(alone, rows, description=f"seed {seed}, without teacher"),
        ]
        nats = [0.0, *taught.teacher_nats] if own.first_block == "uniform" else taught.teacher_nats
        found.append((*codes, code_from_nats(nats, own, codes[0].block_sizes, classes[0])))
    told = {**shared_state(by_seed), "alpha": float(alpha), "temperature": float(temperature)}
    with_teacher, without_teacher, own_codes = zip(*found, strict=True)
    return SyncedDistillation(tuple(seeds), with_teacher, without_teacher, own_codes, told)


class _Student(Learner):
    """Trained by one loss, whatever it is, with a teacher that is trained before it, or alone."""

    def __init__(
        self,
        model: Model,
        settings: CodelengthSettings,
        teacher: Learner | None = None,
        *,
        alpha: float = 0.0,
        temperature: float = 1.0,
    ) -> None:
        super().__init__(model, settings)
        self._teacher, self._alpha, self._temperature = teacher, alpha, temperature
        self.teacher_nats: list[float] = []
        if not getattr(self.network, "automatic_optimization", True):
            raise ValueError(
                "student: automatic optimization is required, since the loss of the distillation takes the place of "
                "its training_step, got a LightningModule with its own steps; give its network as a module."
            )

    def fit(self, data: LabeledData, end: int, *, seed: int) -> None:
        """The teacher first, then the student."""
        if self._teacher is not None:
            self._teacher.fit(data, end, seed=seed)
            self._teacher.placed()
        super().fit(data, end, seed=seed)

    def code(self, data: LabeledData, start: int, stop: int) -> float:
        """Nats of the student; those of the teacher are kept."""
        if self._teacher is not None:
            self.teacher_nats.append(self._teacher.code(data, start, stop))
        return super().code(data, start, stop)

    def as_lightning(self, trainer: Trainer) -> LightningModule:
        """A LightningModule is trained by `training_loss`, too."""
        module = super().as_lightning(trainer)

        def training_step(batch: Any, batch_idx: int) -> Tensor:
            return self.training_loss(module, batch)

        if is_lightning_module(self.network):
            module.training_step = training_step  # type: ignore[method-assign]
        return module

    def training_loss(self, network: nn.Module, batch: Any) -> Tensor:
        """Between what the labels say and what the teacher says."""
        scores = logits_of(forward_batch(network, batch))
        own = self.loss(scores, labels_of(batch))
        if self._teacher is None or not self._alpha:
            return own
        teacher = self._teacher.network
        with torch.no_grad(), evaluating(teacher):
            told = (logits_of(forward_batch(teacher, batch)) / self._temperature).softmax(1)
        divergence = kl_div((scores / self._temperature).log_softmax(1), told, reduction="batchmean")
        return self._alpha * self._temperature**2 * divergence + (1 - self._alpha) * own
