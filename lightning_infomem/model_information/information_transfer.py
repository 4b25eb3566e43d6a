"""How much shorter training has made the code of labels: the information that a model has learned."""

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
    """Two codes of the same labels, from the initial and from the final weights.

    Attributes:
        initial: code from the weights before training.
        final: code from those after it.
    """

    initial: OnlineCode
    final: OnlineCode

    @property
    def bits(self) -> float:
        """By how much the final weights shorten the code; below 0 where they lengthen it."""
        if math.isinf(self.initial.code_length) and math.isinf(self.final.code_length):
            return math.nan
        return self.initial.code_length - self.final.code_length

    @property
    def bits_per_label(self) -> float:
        """Of ``bits``, those of one of the labels."""
        return self.bits / sum(self.final.block_sizes)


def information_transfer(initial: Model, final: Model, data: Data, **settings: Any) -> InformationTransfer:
    """Information that training has put into a model: code of held-out labels from its first weights minus its last.

    Both codes have the same order, blocks and seeds, so that equal weights give exactly 0. It counts what helps to
    learn these data, not what the model holds besides: labels that were stored one by one help with no others. Not for
    the data the model was trained on.

    Args:
        initial: the model before its training, see `prequential_codelength`; keep a copy.
        final: the same model after it.
        data: held-out samples with labels, some 10,000 in the reference; what the settings need at least.
        **settings: see `CodelengthSettings`.

    Returns:
        `InformationTransfer`, in bits: at most the length of the initial code.

    Raises:
        TypeError, ValueError: as `prequential_codelength`; two networks that differ in more than their weights.

    Cost:
        Two codes, each a training a block.

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
