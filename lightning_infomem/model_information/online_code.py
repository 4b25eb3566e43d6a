"""Length of an online (prequential) code of labels, in bits, from the losses of any model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from lightning_infomem._checks import check_choice, check_count, describe

__all__ = ["SCHEDULES", "OnlineCode", "block_sizes", "online_code", "uniform_code_length"]

# Name -> percentages of the samples at which blocks end. Percentages, because 4.4 / 100 * n and 0.044 * n may differ,
# and the published programs round down the former.
SCHEDULES = {
    "voita": (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.25, 12.5, 25.0, 50.0, 100.0),  # Voita and Titov (2020)
    "orgad": (2.0, 3.0, 4.4, 6.5, 9.5, 14.0, 21.0, 31.0, 45.7, 67.6, 100.0),  # Orgad et al. (2022)
}


@dataclass(frozen=True)
class OnlineCode:
    """An online code of labels, in which each block is coded by a model trained on the blocks before it.

    Attributes:
        num_classes: Number of classes.
        block_sizes: Number of samples in each block. The first block is coded uniformly, at ``log2(num_classes)`` bits
            per label, unless ``settings`` say otherwise.
        block_bits: Code length of each block, in bits.
        final_data_bits: Code length of all labels under the model trained on all of them: the cost of the data once the
            model is known. None if it was not measured.
        settings: Training settings, as in `CodelengthSettings`; empty for models trained otherwise.
    """

    num_classes: int
    block_sizes: tuple[int, ...]
    block_bits: tuple[float, ...]
    final_data_bits: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code_length(self) -> float:
        """Total code length of all blocks, in bits."""
        return math.fsum(self.block_bits)

    @property
    def uniform_code_length(self) -> float:
        """Length of the uniform code of the same labels, in bits."""
        return uniform_code_length(sum(self.block_sizes), self.num_classes)

    @property
    def compression(self) -> float:
        """Uniform code length divided by online code length: 1 for an ignorant model, below 1 for a wrong one."""
        return self.uniform_code_length / self.code_length if self.code_length else math.inf

    @property
    def model_bits(self) -> float | None:
        """Code length minus ``final_data_bits``: the bits that describe the model; None if not measured."""
        return None if self.final_data_bits is None else self.code_length - self.final_data_bits


def block_sizes(num_samples: int, schedule: str | Sequence[float] = "orgad") -> tuple[int, ...]:
    """Split a number of samples into the blocks of a schedule.

    Args:
        num_samples: Number of samples to split.
        schedule: A name in `SCHEDULES`, or the percentages of the samples at which blocks end: ascending, above 0,
            the last 100.

    Returns:
        One size per block; they sum to ``num_samples``. Block ends are rounded down, so blocks may be empty if there
        are few samples.

    Raises:
        TypeError: ``num_samples`` is not an integer, or ``schedule`` is neither a name nor a sequence of numbers.
        ValueError: The name is unknown, or the percentages do not ascend to 100.

    Reference:
        Voita and Titov (2020), Information-Theoretic Probing with Minimum Description Length, EMNLP, section 3.2;
        Orgad, Goldfarb-Tarrant and Belinkov (2022), How Gender Debiasing Affects Internal Model Representations, and
        Why It Matters, NAACL.

    >>> block_sizes(1000, "voita")
    (1, 1, 2, 4, 8, 16, 30, 63, 125, 250, 500)
    """
    check_count(num_samples, name="num_samples")
    if isinstance(schedule, str):
        schedule = SCHEDULES[check_choice(schedule, name="schedule", choices=tuple(SCHEDULES))]
    if not isinstance(schedule, Sequence) or not all(isinstance(end, (int, float)) for end in schedule):
        raise TypeError(
            f"schedule: a name or a sequence of percentages is required, got {describe(schedule)}; "
            f"give one of {', '.join(map(repr, SCHEDULES))}."
        )
    percentages = [0.0, *schedule]
    ascends = all(low < high for low, high in pairwise(percentages))
    if percentages[-1] != 100 or not ascends:
        raise ValueError(
            f"schedule: percentages that ascend from above 0 to 100 are required, got {tuple(schedule)}; "
            f"correct them, or give a name: {', '.join(map(repr, SCHEDULES))}."
        )
    ends = [int(percentage / 100 * num_samples) for percentage in percentages]
    return tuple(end - start for start, end in pairwise(ends))


def uniform_code_length(num_samples: int, num_classes: int) -> float:
    """Compute the length in bits of a uniform code, which assumes nothing about the labels.

    Args:
        num_samples: Number of labels to code.
        num_classes: Number of classes, at least 2.

    Returns:
        ``num_samples * log2(num_classes)``.

    Raises:
        TypeError: An argument is not an integer.
        ValueError: ``num_samples`` is negative, or there are fewer than two classes.

    >>> uniform_code_length(1000, 2)
    1000.0
    """
    check_count(num_samples, name="num_samples", minimum=0)
    return num_samples * math.log2(check_count(num_classes, name="num_classes", minimum=2))


def online_code(
    block_nats: Sequence[float],
    *,
    block_sizes: Sequence[int],
    num_classes: int,
    final_data_nats: float | None = None,
) -> OnlineCode:
    """Compute an online code from the losses of models trained on a growing number of samples.

    Do not compare codes with different schedules: the sooner a trained model codes a block, the shorter its code.

    Args:
        block_nats: Loss of each block but the first, in nats: the cross-entropy summed over the block's samples, as
            ``cross_entropy(..., reduction="sum")`` returns it, under a model trained on all earlier blocks. Infinite if
            a label had probability 0.
        block_sizes: Number of samples in each block, including the first, which is coded uniformly. The first block
            may be empty if a model codes all samples.
        num_classes: Number of classes, at least 2.
        final_data_nats: Summed cross-entropy of all samples under the model trained on all of them, if measured.

    Returns:
        `OnlineCode`, in bits: ``log2(num_classes)`` per sample for the first block, loss / ln 2 for the others.

    Raises:
        TypeError: A number of samples or classes is not an integer.
        ValueError: The number of losses is not the number of blocks minus one, or a loss is negative or NaN.

    Reference:
        Voita and Titov (2020), Information-Theoretic Probing with Minimum Description Length, EMNLP, section 3.2;
        Blier and Ollivier (2018), The Description Length of Deep Learning Models, NeurIPS, section 3.4. Published
        programs add losses in nats to a first block in bits, and therefore report higher compression.

    >>> code = online_code([20 * 0.6931471805599453], block_sizes=(10, 20), num_classes=2)  # ln 2: knows nothing
    >>> round(code.code_length, 9), round(code.compression, 9)
    (30.0, 1.0)
    """
    for size in block_sizes:
        check_count(size, name="block_sizes", minimum=0)
    if len(block_nats) != len(block_sizes) - 1:
        raise ValueError(
            f"block_nats: one loss for each of the {len(block_sizes)} blocks but the first is required, got "
            f"{len(block_nats)}; leave out the first block, which is coded uniformly."
        )
    final = () if final_data_nats is None else (final_data_nats,)
    for name, losses in (("block_nats", block_nats), ("final_data_nats", final)):
        for loss in losses:
            if not loss >= 0:  # so NaN fails too
                raise ValueError(
                    f"{name}: summed cross-entropies in nats, at least 0, are required, got {describe(loss)}; "
                    "check whether the training diverged."
                )
    return OnlineCode(
        num_classes=num_classes,
        block_sizes=tuple(block_sizes),
        block_bits=(uniform_code_length(block_sizes[0], num_classes), *(nats / math.log(2) for nats in block_nats)),
        final_data_bits=None if final_data_nats is None else final_data_nats / math.log(2),
    )
