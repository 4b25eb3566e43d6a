"""Dependence-graph estimator (EDGE): information from collisions of random hashes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_infomem._checks import check_count, check_finite
from lightning_infomem.information_plane.discrete import discrete_information
from lightning_infomem.information_plane.gaussian_gram import check_width
from lightning_infomem.information_plane.plane_inputs import check_plane_inputs
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.information_plane.plane_samples import check_plane_samples
from lightning_infomem.information_plane.random_hash import RandomHash

__all__ = ["DependenceGraph"]

_MOST_UNITS = 6  # hashed without projection


@dataclass(frozen=True)
class DependenceGraph:
    """Hash activations and inputs at random and compute the information of the hash buckets (EDGE).

    With ``N_i`` samples in bucket i of one variable, ``M_j`` in bucket j of the other and ``N_ij`` in both, the
    estimate is ``sum_ij (N_i M_j / N^2) g(N N_ij / (N_i M_j))`` with ``g(t) = t log t``: the plug-in information of the
    buckets, averaged over ``members`` hashes. Labels serve as their own buckets.

    The estimate has no prefactor and no cap on its terms, so for discrete values it is Shannon's information. Not all
    published numbers follow this definition. They are in bits. One of the authors' programs leaves rare buckets out.
    The later ones (4.2.0, 4.3.1, 4.4.1) raise every logarithm below .001 bit to that value, which about doubles weak
    dependence (for the buckets of 2,000 pairs of independent Gaussians: .10 against our .04 nats), and scale their
    widths for one unit by 3, 2.7 and 7.2 before adapting them to a first estimate. Here each point records the width,
    and points with different widths are not compared.

    Wide cells lose information and narrow cells invent it: about ``buckets_T * buckets_Y / 2N`` nats are due to chance.
    ``scores`` holds the same estimate with shuffled partners; a flag marks a coordinate of which it is more than half.
    Both errors are large for inputs and layers with many units, where I(X;T) means little.

    Args:
        width: Cell width, in standard deviations of the hashed coordinate. None uses ``3 N^(-1 / (2 d))`` for d
            coordinates of inputs and activations together; the point records it.
        members: Number of hashes to average, each with its own shifts and directions.
        spread: The widths of the members rise from ``width`` to ``(1 + spread) width``; 0 makes them all equal.
        projections: Number of random directions that replace the units of a variable with more units than this. None
            uses ``log2(N / 10)`` for variables with more than 6 units.
        seed: Seed of the shifts, directions and shuffles.

    Raises:
        TypeError, ValueError: If a setting is out of range, or ``inputs`` is missing.

    Special cases:
        A constant layer has no information about anything. Equal samples share a bucket, up to rounding.

    Cost:
        Time ``samples * projections * units`` plus a sort of the samples, per member. Memory: two float64 copies of
        activations and inputs.

    Reference:
        Noshad, Zeng & Hero 2019, definition of the estimator and theorem on its ensemble. Departure: they weight the
        members to cancel bias. Such weights amplify chance and require as many smooth derivatives as dimensions, so
        ours are equal.

    >>> values = torch.arange(4).repeat(50)
    >>> point = DependenceGraph().estimate(values[:, None].float(), values % 2, inputs=values[:, None])
    >>> round(point.input_bits, 6), round(point.label_bits, 6)
    (2.0, 1.0)
    """

    width: float | None = None
    members: int = 10
    spread: float = 0.1
    projections: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_width(self.width, name="width")
        check_count(self.members, name="members")
        check_count(self.seed, name="seed", minimum=0)
        if self.projections is not None:
            check_count(self.projections, name="projections")
        check_finite(self.spread, name="spread", minimum=0, remedy=".1 is usual")

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Estimate both coordinates; see `PlaneEstimator`. The inputs are required."""
        hidden, labels = check_plane_samples(hidden, labels, estimator="DependenceGraph")
        inputs = check_plane_inputs(inputs, hidden, estimator="DependenceGraph")
        hidden_hash, input_hash = (RandomHash(each, self._most_coordinates(each)) for each in (hidden, inputs))
        num_samples = len(hidden)
        width = self.width
        if width is None:
            width = 3 * num_samples ** (-0.5 / max(hidden_hash.coordinates + input_hash.coordinates, 1))
        generator = torch.Generator().manual_seed(self.seed)
        sums = torch.zeros(4, dtype=torch.float64)
        for factor in torch.linspace(1, 1 + self.spread, self.members, dtype=torch.float64).tolist():
            hashed, partners = (each.draw(factor * width, generator) for each in (hidden_hash, input_hash))
            shuffled = hashed[torch.randperm(num_samples, generator=generator).to(hashed.device)]
            sums += torch.tensor(
                [discrete_information(one, other) for one in (hashed, shuffled) for other in (partners, labels)],
                dtype=torch.float64,
            )
        input_information, label_information, input_chance, label_chance = (sums / self.members).tolist()
        estimates = {"I(X;T)": (input_information, input_chance), "I(T;Y)": (label_information, label_chance)}
        coordinates = {"hidden_coordinates": hidden_hash.coordinates, "input_coordinates": input_hash.coordinates}
        return PlanePoint.measured(
            self,
            hidden,
            labels,
            input_information,
            label_information,
            chosen={"width": width, **coordinates},
            flags=_chance_flags(estimates),
            scores={"shuffled_input_information": input_chance, "shuffled_label_information": label_chance},
        )

    def _most_coordinates(self, samples: Tensor) -> int:
        if self.projections is not None:
            return self.projections
        return _MOST_UNITS if samples.shape[1] <= _MOST_UNITS else max(1, int(math.log2(len(samples) / 10)))


def _chance_flags(estimates: dict[str, tuple[float, float]]) -> dict[str, str]:
    doubtful = [
        f"{name} is {found:.3g} nats, and {chance:.3g} with shuffled partners"
        for name, (found, chance) in estimates.items()
        if chance > found / 2
    ]
    return {"chance": "; ".join(doubtful) + ": too few samples for cells this narrow; widen them"} if doubtful else {}
