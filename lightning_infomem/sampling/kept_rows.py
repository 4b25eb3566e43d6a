"""The rows of one layer that were kept so far."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["KeptRows"]


class KeptRows:
    """The kept rows of one stream, by slot. It becomes empty if a batch lacks the rows or changes their width."""

    def __init__(self) -> None:
        self._kept: Tensor | None = None
        self._is_broken = False

    def write(self, rows: Tensor | None, slots: Tensor, num_kept: int, max_rows: int) -> None:
        """Write rows to their slots.

        Args:
            rows: Rows of one batch ``[rows, units]``; None if the batch has none.
            slots: Slot of each row, int64.
            num_kept: Number of slots in use.
            max_rows: Largest number of slots.
        """
        if rows is None or (self._kept is not None and rows.shape[1] != self._kept.shape[1]):
            self._is_broken, self._kept = True, None
        if self._is_broken or rows is None:
            return
        if self._kept is None or len(self._kept) < num_kept:
            # Grow by doubling, so that a small validation set does not allocate max_rows rows.
            held = 0 if self._kept is None else len(self._kept)
            grown = rows.new_zeros((min(max_rows, max(num_kept, 2 * held)), rows.shape[1]))
            if self._kept is not None:
                grown[:held] = self._kept
            self._kept = grown
        self._kept[slots.to(self._kept.device)] = rows.to(self._kept.device)

    def read(self, num_kept: int) -> Tensor:
        """Return the rows in the slots in use; without columns if there are none."""
        return torch.empty(num_kept, 0) if self._kept is None else self._kept[:num_kept]
