"""Locality-sensitive hashing: nearby samples often get the same number."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_infomem.information_plane.discrete import number_rows

__all__ = ["RandomHash"]


class RandomHash:
    """Random hashes of one variable: ``floor(z / width + shift)`` of its coordinates z.

    The coordinates are the units or, if there are more than ``most_coordinates``, random directions through the
    standardised units (normal, so that distances are preserved on average). Each is divided by its standard deviation
    over the samples; constant ones are dropped. The paper hashes the integers again into a few buckets. Here, as in its
    public programs, distinct rows of integers get distinct numbers, so only nearby samples collide.

    Args:
        samples: float ``[samples, units]``.
        most_coordinates: Largest number of units to use directly; with more units, the number of random directions.

    Cost:
        Memory: a float64 copy of the samples. Time per draw: ``samples * coordinates * (units + log(samples))``.

    >>> hash = RandomHash(torch.tensor([[0.0], [0.0], [1.0]]), 6)
    >>> hash.draw(0.5, torch.Generator().manual_seed(0)).tolist()
    [0, 0, 1]
    """

    def __init__(self, samples: Tensor, most_coordinates: int) -> None:
        varying = samples.amax(0) > samples.amin(0)  # the standard deviation of equal values may not be exactly 0
        self._values = _standardized(samples[:, varying].double())
        units = self._values.shape[1]
        self._projects = units > most_coordinates
        self.coordinates = min(units, most_coordinates)

    def draw(self, width: float, generator: torch.Generator) -> Tensor:
        """Number the samples by one random hash.

        Args:
            width: Cell width, in standard deviations of the coordinate.
            generator: CPU generator, so that draws are the same on every device.

        Returns:
            int64 ``[samples]``, from 0.
        """
        values = self._values
        if self._projects:
            directions = torch.randn(values.shape[1], self.coordinates, dtype=torch.float64, generator=generator)
            values = _standardized(values @ directions.to(values.device))
        shifts = torch.rand(values.shape[1], dtype=torch.float64, generator=generator).to(values.device)
        codes = (values / width + shifts).floor().long()
        if not self.coordinates:  # a constant variable
            return torch.zeros(len(codes), dtype=torch.int64, device=codes.device)
        return number_rows(codes)


def _standardized(values: Tensor) -> Tensor:
    centred = values - values.mean(0)
    return centred / centred.square().mean(0).sqrt()
