from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class PairedSamples(NamedTuple):
    """Independent draws of one pair of variables: column i of ``x`` goes with column i of ``y``."""

    x: Tensor  # [samples, draws]
    y: Tensor  # [samples, draws]
    mutual_information: float  # the truth, nats

    def to(self, dtype: torch.dtype) -> PairedSamples:
        """The same in another precision. Rounding moves the truth far less than any tolerance here, even bf16's."""
        return PairedSamples(self.x.to(dtype), self.y.to(dtype), self.mutual_information)
