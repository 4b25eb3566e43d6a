"""Locality-sensitive hashing: samples near each other often have the same number."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_infomem.information_plane.discrete import number_rows

__all__ = ["RandomHash"]


class RandomHash:
    """Hashes of one variable, each drawn anew: ``floor(z / width + shift)`` of its coordinates z.

    Coordinates are the units, or where there are more than asked for, random directions through the standardized units
    (normal, so that distances are kept on average). Each is divided by its standard deviation over the samples;
    constant ones are left out. The paper hashes the integers once more into few buckets; here different rows of them
    have different numbers, as in its public programs, so that nothing collides that is not near.

    Args:
        samples: float ``[samples, units]``.
        most_coordinates: most units that are taken as they are, and else the number of directions.

    Cost:
        A float64 copy of the samples; a draw costs ``samples * coordinates * (units + log(samples))``.

    >>> hash = RandomHash(torch.tensor([[0.0], [0.0], [1.0]]), 6)
    >>> hash.draw(0.5, torch.Generator().manual_seed(0)).tolist()
    [0, 0, 1]
    """

    def __init__(self, samples: Tensor, most_coordinates: int) -> None:
        varying = samples.amax(0) > samples.amin(0)  # a standard deviation of equal values may be a rounding error
        self._values = _standardized(samples[:, varying].double())
        units = self._values.shape[1]
        self._projects = units > most_coordinates
        self.coordinates = min(units, most_coordinates)

    def draw(self, width: float, generator: torch.Generator) -> Tensor:
        """Number the samples by one hash.

        Args:
            width: of the cells, in standard deviations of the coordinate.
            generator: of the CPU, so that the device makes no difference to what is drawn.

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
