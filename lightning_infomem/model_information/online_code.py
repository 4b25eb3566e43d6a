"""The length of labels in an online (prequential) code, from the losses of any model. One unit throughout: bits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from lightning_infomem._checks import check_choice, check_count, describe

__all__ = ["SCHEDULES", "OnlineCode", "block_sizes", "online_code", "uniform_code_length"]

# Name -> percentages of the samples at which blocks end. In percent, since 4.4 / 100 * n and 0.044 * n may differ, and
# these are the products that the published programs round down.
SCHEDULES = {
    "voita": (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.25, 12.5, 25.0, 50.0, 100.0),  # Voita and Titov (2020)
    "orgad": (2.0, 3.0, 4.4, 6.5, 9.5, 14.0, 21.0, 31.0, 45.7, 67.6, 100.0),  # Orgad et al. (2022)
}


@dataclass(frozen=True)
class OnlineCode:
    """Labels in an online code: each block is coded by a model trained on the blocks before it.

    Attributes:
        num_classes: of the labels.
        block_sizes: samples in each block; the first is coded uniformly, at ``log2(num_classes)`` bits a label, where
            ``settings`` do not say otherwise.
        block_bits: length of the code of each block.
        final_data_bits: length of the code of all labels under the model trained on all of them, which the data cost
            once the model is known; None where it was not measured.
        settings: with which the models were trained, as `CodelengthSettings` has them; empty of other models.
    """

    num_classes: int
    block_sizes: tuple[int, ...]
    block_bits: tuple[float, ...]
    final_data_bits: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code_length(self) -> float:
        """Bits of all blocks."""
        return math.fsum(self.block_bits)

    @property
    def uniform_code_length(self) -> float:
        """Bits of the same labels where nothing is known of them."""
        return uniform_code_length(sum(self.block_sizes), self.num_classes)

    @property
    def compression(self) -> float:
        """Uniform over online code length: 1 for a model that knows nothing, below 1 for one that is wrong."""
        return self.uniform_code_length / self.code_length if self.code_length else math.inf

    @property
    def model_bits(self) -> float | None:
        """Bits of the online code that are not the data's, but the model's; None without ``final_data_bits``."""
        return None if self.final_data_bits is None else self.code_length - self.final_data_bits


def block_sizes(num_samples: int, schedule: str | Sequence[float] = "orgad") -> tuple[int, ...]:
    """How many samples each block of a schedule holds.

    Args:
        num_samples: to be shared among the blocks.
        schedule: a name in `SCHEDULES`, or percentages of the samples at which blocks end: ascending, above 0, the
            last 100.

    Returns:
        A size a block, with ``num_samples`` as their sum. Ends are rounded down, so that blocks may be empty where
        there are few samples.

    Raises:
        TypeError: ``num_samples`` is no integer, or ``schedule`` neither a name nor numbers.
        ValueError: an unknown name, or percentages that do not ascend to 100.

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
            f"give such, or a name: {', '.join(map(repr, SCHEDULES))}."
        )
    ends = [int(percentage / 100 * num_samples) for percentage in percentages]
    return tuple(end - start for start, end in pairwise(ends))


def uniform_code_length(num_samples: int, num_classes: int) -> float:
    """Bits of ``num_samples`` labels of ``num_classes`` classes of which nothing is known.

    Args:
        num_samples: labels to code.
        num_classes: which each may take, at least 2.

    Returns:
        ``num_samples * log2(num_classes)``.

    Raises:
        TypeError: no integers.
        ValueError: a negative number, or fewer than two classes.

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
    """The online code of labels, from the losses of models that were trained on ever more of them.

    Do not compare codes of different schedules: the sooner a block is coded by a trained model, the shorter it is.

    Args:
        block_nats: the cross-entropy of each block but the first, in nats and summed over its samples, of a model
            trained on all blocks before it: what ``cross_entropy(..., reduction="sum")`` gives. Infinite where a label
            had no probability.
        block_sizes: samples in each block, the first included. It is coded uniformly; it may be empty where a model
            codes all samples.
        num_classes: of the labels, at least 2.
        final_data_nats: the summed cross-entropy of all samples of the model that was trained on all, if measured.

    Returns:
        `OnlineCode`, in bits: the first block ``log2(num_classes)`` a sample, the others their loss divided by ln 2.

    Raises:
        TypeError: numbers of samples or classes that are no integers.
        ValueError: a number of losses that is not that of the blocks less one, or a loss that is negative or NaN.

    Reference:
        Voita and Titov (2020), Information-Theoretic Probing with Minimum Description Length, EMNLP, section 3.2;
        Blier and Ollivier (2018), The Description Length of Deep Learning Models, NeurIPS, section 3.4. Published
        programs add the losses in nats to the first block in bits, so that theirs compress more.

    >>> code = online_code([20 * 0.6931471805599453], block_sizes=(10, 20), num_classes=2)  # ln 2: knows nothing
    >>> round(code.code_length, 9), round(code.compression, 9)
    (30.0, 1.0)
    """
    for size in block_sizes:
        check_count(size, name="block_sizes", minimum=0)
    if len(block_nats) != len(block_sizes) - 1:
        raise ValueError(
            f"block_nats: a loss for each of {len(block_sizes)} blocks but the first is required, got "
            f"{len(block_nats)}; code the first block uniformly."
        )
    final = () if final_data_nats is None else (final_data_nats,)
    for name, losses in (("block_nats", block_nats), ("final_data_nats", final)):
        for loss in losses:
            if not loss >= 0:  # so NaN fails too
                raise ValueError(
                    f"{name}: summed cross-entropies in nats, at least 0, are required, got {describe(loss)}; "
                    "look whether the training diverged."
                )
    return OnlineCode(
        num_classes=num_classes,
        block_sizes=tuple(block_sizes),
        block_bits=(uniform_code_length(block_sizes[0], num_classes), *(nats / math.log(2) for nats in block_nats)),
        final_data_bits=None if final_data_nats is None else final_data_nats / math.log(2),
    )
