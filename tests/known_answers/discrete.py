from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from tests.known_answers.paired_samples import PairedSamples


def counted_table(counts: Sequence[Sequence[int]]) -> PairedSamples:
    """Two discrete variables, observed exactly as often as the table of counts says: one draw, float64."""
    table = torch.tensor(counts)
    cells = torch.nonzero(table)
    samples = cells.repeat_interleave(table[tuple(cells.T)], dim=0).double()
    share = table.double() / table.sum()
    truth = sum(float(share[i, j] * math.log(share[i, j] / (share[i].sum() * share[:, j].sum()))) for i, j in cells)
    return PairedSamples(samples[:, :1], samples[:, 1:], truth)
