"""Synced distillation: train teacher and student on the same blocks, and measure how many bits the teacher saves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div

from lightning_infomem._checks import check_finite
from lightning_infomem._errors import UsageValueError
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
    """Three codes of the same labels for each seed.

    Attributes:
        seeds: Seeds for the order of samples, the batches and the initial weights.
        with_teacher: Codes of the student trained with the teacher.
        without_teacher: Codes of the same student trained alone.
        teacher: Codes of the teacher itself.
        settings: Settings of the codes, including ``alpha`` and ``temperature``.
    """

    seeds: tuple[int, ...]
    with_teacher: tuple[OnlineCode, ...]
    without_teacher: tuple[OnlineCode, ...]
    teacher: tuple[OnlineCode, ...]
    settings: Mapping[str, Any]

    @property
    def gains(self) -> tuple[float, ...]:
        """Bits that the teacher saves, for each seed; negative if it does harm."""
        codes = zip(self.without_teacher, self.with_teacher, strict=True)
        return tuple(without.code_length - taught.code_length for without, taught in codes)

    @property
    def gain(self) -> tuple[float, float]:
        """Mean of ``gains`` over seeds and half-width of its 95 % interval, in bits."""
        return mean_and_spread(self.gains)

    def to_records(self) -> list[dict[str, Any]]:
        """Return one row per seed."""
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
    """Measure by how many bits a teacher that has seen the same samples shortens the student's online code.

    Before each block, the teacher is trained on all earlier samples. The student is then trained on the same samples
    with ``alpha * T**2 * KL(teacher || student) + (1 - alpha) * loss``, with both at temperature ``T`` in the
    divergence, and codes the block. The gain is the student's code length without the teacher minus that with it. It
    measures how fast the student learns, which final accuracy may not show. Do not use teachers that have seen these
    samples before.

    The factor ``T**2`` compensates for the gradients of the divergence, which scale as ``1 / T**2``, so that ``alpha``
    has the same effect at every temperature.

    Args:
        student: Function that makes the student, called under each seed; see `prequential_codelength`. Its loss is the
            cross-entropy, or the loss of a pair (module, loss). A LightningModule keeps its optimisers and hooks, but
            this loss replaces its ``training_step``, with and without a teacher.
        teacher: Function that makes the teacher, called under each seed. The teacher is trained with its own loss and
            is in evaluation mode while it teaches. A teacher without trainable parameters is not trained.
        data: Samples with labels; see `LabeledData`.
        alpha: Weight of the teacher, 0 to 1.
        temperature: Temperature of the divergence, above 0.
        seeds: Seeds of the repetitions.
        **settings: See `CodelengthSettings`, without ``seed``; ``start`` applies to teacher and student.

    Returns:
        `SyncedDistillation`, in bits. With ``alpha=0`` the two codes of the student are equal and the gain is exactly
        0.

    Raises:
        TypeError, ValueError: See `prequential_codelength`; also models instead of functions, teacher and student with
            different numbers of classes, a student with manual optimisation, or an invalid alpha or temperature.

    Cost:
        Three codes per seed: two of the student, one of the teacher. Each training step of the distilled student
        includes a forward pass of the teacher.

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
    check_finite(alpha, name="alpha", minimum=0, maximum=1, remedy="0.7 is usual")
    check_finite(temperature, name="temperature", above=0, remedy="4 is usual")
    by_seed = settings_of_seeds(seeds, settings)
    found = []
    for seed, chosen in zip(seeds, by_seed, strict=True):
        rows = LabeledData.of(data, chosen)
        model = make_seeded(student, seed, name="student")
        alone, tutor = _Student(model, chosen), Learner(make_seeded(teacher, seed, name="teacher"), chosen)
        taught = _Student(model, chosen, tutor, alpha=alpha, temperature=temperature)
        classes = [learner.count_classes(rows) for learner in (alone, tutor)]
        if classes[0] != classes[1]:
            raise UsageValueError(
                f"teacher: {classes[0]} classes, like the student, are required, got {classes[1]}; give both the same "
                "number of outputs."
            )
        codes = [
            code_online(taught, rows, description=f"seed {seed}, with teacher"),
            code_online(alone, rows, description=f"seed {seed}, without teacher"),
        ]
        nats = [0.0, *taught.teacher_nats] if chosen.first_block == "uniform" else taught.teacher_nats
        found.append((*codes, code_from_nats(nats, chosen, codes[0].block_sizes, classes[0])))
    shared = {**shared_state(by_seed), "alpha": float(alpha), "temperature": float(temperature)}
    with_teacher, without_teacher, teacher_codes = zip(*found, strict=True)
    return SyncedDistillation(tuple(seeds), with_teacher, without_teacher, teacher_codes, shared)


class _Student(Learner):
    """A learner trained with the distillation loss, after its teacher, or alone with its own loss."""

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
            raise UsageValueError(
                "student: automatic optimization is required, since the distillation loss replaces the training_step, "
                "got a LightningModule with manual optimization; give its network as a plain module."
            )

    def fit(self, data: LabeledData, end: int, *, seed: int) -> None:
        """Train the teacher, then the student."""
        if self._teacher is not None:
            self._teacher.fit(data, end, seed=seed)
            self._teacher.placed()
        super().fit(data, end, seed=seed)

    def code(self, data: LabeledData, start: int, stop: int) -> float:
        """Return the nats of the student, and record those of the teacher."""
        if self._teacher is not None:
            self.teacher_nats.append(self._teacher.code(data, start, stop))
        return super().code(data, start, stop)

    def as_lightning(self, trainer: Trainer) -> LightningModule:
        """Replace the ``training_step`` of a LightningModule with `training_loss`."""
        module = super().as_lightning(trainer)

        def training_step(batch: Any, batch_idx: int) -> Tensor:
            return self.training_loss(module, batch)

        if is_lightning_module(self.network):
            module.training_step = training_step  # type: ignore[method-assign]
        return module

    def training_loss(self, network: nn.Module, batch: Any) -> Tensor:
        """Return the weighted sum of the label loss and the divergence from the teacher."""
        scores = logits_of(forward_batch(network, batch))
        label_loss = self.loss(scores, labels_of(batch))
        if self._teacher is None or not self._alpha:
            return label_loss
        teacher = self._teacher.network
        with torch.no_grad(), evaluating(teacher):
            targets = (logits_of(forward_batch(teacher, batch)) / self._temperature).softmax(1)
        divergence = kl_div((scores / self._temperature).log_softmax(1), targets, reduction="batchmean")
        return self._alpha * self._temperature**2 * divergence + (1 - self._alpha) * label_loss
