"""Choose the rows and units to keep from a seed: the same for every layer, epoch and checkpoint."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["SamplePlan"]


class SamplePlan:
    """Draw a uniform sample of at most ``max_samples`` rows from a stream of unknown length.

    Each row has a random key that depends only on the seed and its position in the stream; the rows with the smallest
    keys are kept. The same rows are therefore drawn for every batch size, epoch and checkpoint. They come from the
    whole stream, which is often sorted by class, and torch's random state is not touched.

    Args:
        max_samples: Maximum number of rows to keep.
        max_units: Maximum number of units to keep in each layer.
        seed: Seed for rows and units.
        rank: Rank of this process. If several processes share the stream, row j of this one has position
            j * num_ranks + rank.
        num_ranks: Number of processes.
        length: Length of the stream, if known. Rows beyond it are not kept: they are the duplicates with which
            Lightning's sampler gives every rank the same number of rows, and a duplicate lies at distance zero.
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
        self._keys = np.empty(0, dtype=np.uint64)  # keys of the kept rows, by slot
        self._places = np.empty(0, dtype=np.uint64)  # and their positions

    @property
    def num_kept(self) -> int:
        """Number of rows kept so far."""
        return len(self._keys)

    @property
    def keys(self) -> NDArray[np.uint64]:
        """Random keys of the kept rows, by slot."""
        return self._keys

    @property
    def places(self) -> Tensor | None:
        """Positions of the kept rows in the stream, by slot, int64.

        None if several processes share a stream of unknown length: how they divide it is not known then, and positions
        are only good for drawing.
        """
        is_known = self.num_ranks == 1 or self.length is not None
        return torch.from_numpy(self._places.astype(np.int64)) if is_known else None

    def offer(self, num_rows: int) -> tuple[Tensor, Tensor]:
        """Advance over the next rows of the stream, and choose those to keep.

        Args:
            num_rows: Number of rows that follow.

        Returns:
            int64 indices of the rows to keep, in ``0..num_rows - 1``, and their slots in ``0..max_samples - 1``. Some
            slots replace rows kept before.
        """
        places = np.arange(self.num_seen, self.num_seen + num_rows, dtype=np.uint64)
        places = places * np.uint64(self.num_ranks) + np.uint64(self.rank)
        self.num_seen += num_rows
        if self.length is not None:
            places = places[places < self.length]  # places increase, so this cuts off the end
        keys = _row_keys(self.seed, places)
        known = self.num_kept
        everything = np.concatenate([self._keys, keys])
        kept = np.sort(np.argsort(everything, kind="stable")[: self.max_samples])
        arrived = kept[kept >= known]
        evicted = np.setdiff1d(np.arange(known), kept)
        fresh = np.arange(known, known + len(arrived) - len(evicted))
        slots = np.concatenate([evicted, fresh])
        none = np.zeros(len(fresh), dtype=np.uint64)
        self._keys, self._places = np.concatenate([self._keys, none]), np.concatenate([self._places, none])
        self._keys[slots] = everything[arrived]
        self._places[slots] = places[arrived - known]
        return torch.from_numpy(arrived - known), torch.from_numpy(slots)

    def units(self, width: int) -> Tensor:
        """Return the indices of the units to keep of a layer: int64, increasing, determined by seed and width.

        They are nested: those of a smaller ``max_units`` are among those of a larger one.
        """
        if width <= self.max_units:
            return torch.arange(width)
        generator = torch.Generator().manual_seed(self.seed)
        return torch.randperm(width, generator=generator)[: self.max_units].sort().values


def _row_keys(seed: int, places: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a random 64-bit key per position, using the output function of SplitMix64 (Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        state = (places + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        state += np.uint64(seed) * np.uint64(0xD1B54A32D192ED03)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(state ^ (state >> np.uint64(31)), dtype=np.uint64)
