"""Information transfer: how much training has shortened the code of held-out labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from lightning_infomem.model_information.codelength_settings import CodelengthSettings
from lightning_infomem.model_information.labeled_data import Data, LabeledData
from lightning_infomem.model_information.learner import Learner, Model, check_same_network
from lightning_infomem.model_information.online_code import OnlineCode
from lightning_infomem.model_information.prequential import code_online

__all__ = ["InformationTransfer", "information_transfer"]


@dataclass(frozen=True)
class InformationTransfer:
    """Two codes of the same labels, starting from the initial and from the final weights.

    Attributes:
        initial: Code starting from the weights before training.
        final: Code starting from the weights after training.
    """

    initial: OnlineCode
    final: OnlineCode

    @property
    def bits(self) -> float:
        """Bits by which the final weights shorten the code; negative if they lengthen it, NaN if both are infinite."""
        if math.isinf(self.initial.code_length) and math.isinf(self.final.code_length):
            return math.nan
        return self.initial.code_length - self.final.code_length

    @property
    def bits_per_label(self) -> float:
        """``bits`` divided by the number of labels."""
        return self.bits / sum(self.final.block_sizes)


def information_transfer(initial: Model, final: Model, data: Data, **settings: Any) -> InformationTransfer:
    """Estimate the information that training has put into a model.

    The estimate is the code length of held-out labels starting from the initial weights, minus that starting from the
    final weights. Both codes share order, blocks and seeds, so equal weights give exactly 0. Only information that
    helps to learn these data counts; memorized training labels do not. Do not use it on the training data.

    Args:
        initial: The model before training; see `prequential_codelength`. Keep a copy of it.
        final: The same model after training.
        data: Held-out samples with labels: about 10,000 in the reference, and at least as many as the settings need.
        **settings: Settings of both codes; see `CodelengthSettings`.

    Returns:
        `InformationTransfer`, in bits; at most the length of the initial code.

    Raises:
        TypeError, ValueError: See `prequential_codelength`; also two networks that differ in more than their weights.

    Cost:
        Two codes, each with one training per block.

    Reference:
        Model information as an analysis tool in deep learning (ICLR 2021 submission), eq. 2.

    >>> import torch
    >>> inputs, labels = torch.eye(4).repeat(50, 1), torch.arange(4).repeat(50)
    >>> initial, final = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)
    >>> _ = final.weight.data.copy_(9 * torch.eye(4))
    >>> settings = {"max_epochs": 2, "progress": False}
    >>> information_transfer(initial, final, (inputs, labels), **settings).bits > 300
    True
    >>> information_transfer(initial, initial, (inputs, labels), **settings).bits
    0.0
    """
    chosen = CodelengthSettings(**settings)
    learners = [Learner(model, chosen) for model in (initial, final)]
    check_same_network(learners[0].network, learners[1].network, names=("initial", "final"))
    codes = []
    for learner, name in zip(learners, ("initial weights", "final weights"), strict=True):
        codes.append(code_online(learner, LabeledData.of(data, chosen), description=name))
    return InformationTransfer(*codes)
