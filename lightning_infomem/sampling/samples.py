"""Which rows and units are kept: drawn once from a seed, the same for every layer, epoch and checkpoint."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["SamplePlan"]


class SamplePlan:
    """A uniform sample of at most ``max_samples`` rows from a stream whose length nobody knows.

    Every row has a random key that depends on the seed and its place in the stream alone; the rows with the smallest
    keys are kept. So the same rows are drawn whatever the batch size, at every epoch and for every checkpoint, no
    random state of torch is touched, and rows come from all of the stream, which is often sorted by class.

    Args:
        max_samples: rows to keep.
        max_units: units to keep of each layer.
        seed: of rows and units.
        rank: of this process, where several share the stream in turn: row j here has the place j * num_ranks + rank.
        num_ranks: how many processes there are.
        length: of the stream, where it is known. What comes after is repetition, with which Lightning's sampler
            gives all ranks equally many rows, and is not kept: a row and its double would be at distance zero.
    """

    def __init__(
        self,
        max_samples: int,
        max_units: int,
        seed: int,
        *,
        rank: int = 0,
        num_ranks: int = 1,
        length: int | None = None,
    ) -> None:
        self.max_samples, self.max_units, self.seed = max_samples, max_units, seed
        self.rank, self.num_ranks, self.length = rank, num_ranks, length
        self.num_seen = 0
        self._keys = np.empty(0, dtype=np.uint64)  # of the kept rows, by slot

    @property
    def num_kept(self) -> int:
        """Rows kept until now."""
        return len(self._keys)

    @property
    def keys(self) -> NDArray[np.uint64]:
        """The random keys of the kept rows, by slot."""
        return self._keys

    def offer(self, num_rows: int) -> tuple[Tensor, Tensor]:
        """Take note of the next rows of the stream.

        Args:
            num_rows: how many pass by.

        Returns:
            int64 indices of those to keep, in ``0..num_rows - 1``, and the slots in ``0..max_samples - 1`` that they
            take, some of them from rows kept before.
        """
        places = np.arange(self.num_seen, self.num_seen + num_rows, dtype=np.uint64)
        places = places * np.uint64(self.num_ranks) + np.uint64(self.rank)
        self.num_seen += num_rows
        if self.length is not None:
            places = places[places < self.length]  # places grow: what is cut off is at the end
        keys = _row_keys(self.seed, places)
        known = self.num_kept
        everything = np.concatenate([self._keys, keys])
        kept = np.sort(np.argsort(everything, kind="stable")[: self.max_samples])
        arrived = kept[kept >= known]
        evicted = np.setdiff1d(np.arange(known), kept)
        fresh = np.arange(known, known + len(arrived) - len(evicted))
        slots = np.concatenate([evicted, fresh])
        self._keys = np.concatenate([self._keys, np.zeros(len(fresh), dtype=np.uint64)])
        self._keys[slots] = everything[arrived]
        return torch.from_numpy(arrived - known), torch.from_numpy(slots)

    def units(self, width: int) -> Tensor:
        """Which units of a layer of ``width`` are kept: int64, increasing; they depend on seed and width alone."""
        if width <= self.max_units:
            return torch.arange(width)
        generator = torch.Generator().manual_seed(self.seed)
        return torch.randperm(width, generator=generator)[: self.max_units].sort().values


def _row_keys(seed: int, places: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A random 64-bit key for each place in the stream: the output function of SplitMix64 (Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        state = (places + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        state += np.uint64(seed) * np.uint64(0xD1B54A32D192ED03)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(state ^ (state >> np.uint64(31)), dtype=np.uint64)
