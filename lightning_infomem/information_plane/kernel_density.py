"""Bounds on the information in a layer with Gaussian noise, from pairwise distances."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_infomem._checks import check_choice, check_count, describe
from lightning_infomem._errors import UsageTypeError
from lightning_infomem.information_plane.affordable_samples import check_affordable_samples
from lightning_infomem.information_plane.gaussian_noise import check_noise_variance, noise_entropy
from lightning_infomem.information_plane.pairwise_distances import squared_distances
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.information_plane.plane_samples import check_plane_samples

__all__ = ["KernelDensity"]


@dataclass(frozen=True)
class KernelDensity:
    """Bound I(X;T) of a layer with added Gaussian noise from the distances between its samples.

    With noise of variance s2 on each unit, the layer is a mixture of Gaussians centred at the samples. The upper bound
    on I(X;T) is -<ln <exp(-d^2 / (2 s2))>>; the lower bound has 8 s2 in place of 2 s2. Here d is the distance between
    two samples, the outer mean is over the first of them, and the inner mean is over the second, including the first
    itself.

    Both bound the information of the network with this noise on exactly these samples. The trained network has no
    noise, and the value depends on the chosen variance. I(T;Y) is the difference of two bounds on the same side, so it
    is not a bound itself. Do not compare layers of different scale unless ``adapted`` is set.

    Args:
        noise_variance: Noise variance s2 of each unit.
        bound: Which bound on I(X;T) to compute: "upper" or "lower".
        adapted: Multiply the variance by the largest absolute activation of the layer, for activation functions without
            a fixed range, such as ReLU. A layer of zeros keeps the given variance. The point records the result as the
            parameter "adapted_variance".
        max_samples: Largest number of samples to accept, since time is quadratic.

    Special cases:
        Equal samples count as one value, so a constant layer gives 0 for both coordinates. I(X;T) is at most log N.
        Samples too close to be resolved in float64 count as equal; see `squared_distances`.

    Raises:
        TypeError, ValueError: If a parameter is invalid; in `estimate`, if there are more than ``max_samples``.

    Cost:
        Time ``samples**2 * units``. Memory: a float64 copy of the samples and 64 MiB.

    Reference:
        Kolchinsky & Tracey 2017, Estimating mixture entropy with pairwise distances, the bounds for Gaussians with a
        common covariance (Kullback-Leibler for the upper, Bhattacharyya for the lower); used by Saxe et al. 2018
        (variance .001 for tanh, .1 for MNIST) and, with adapted variance, by Chelombiev et al. 2019.

    >>> hidden, labels = torch.tensor([[0.0], [0.0], [2.0], [2.0]]), torch.tensor([0, 0, 1, 1])
    >>> point = KernelDensity(noise_variance=1.0).estimate(hidden, labels)  # -ln((1 + exp(-2)) / 2)
    >>> round(point.input_information, 6), point.input_kind, round(point.label_information, 6), point.label_kind
    (0.566219, 'upper', 0.566219, 'neither')
    """

    noise_variance: float = 0.1
    bound: str = "upper"
    adapted: bool = False
    max_samples: int = 20_000

    def __post_init__(self) -> None:
        check_noise_variance(self.noise_variance)
        check_choice(self.bound, name="bound", choices=("upper", "lower"))
        if not isinstance(self.adapted, bool):
            raise UsageTypeError(
                f"adapted: True or False is required, got {describe(self.adapted)}; the layer determines the factor."
            )
        check_count(self.max_samples, name="max_samples", minimum=2)

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Estimate both coordinates; see `PlaneEstimator`. The inputs are ignored.

        The point's scores are "entropy", the bound on the entropy of the noisy layer, and "noise_entropy", the entropy
        of the noise.
        """
        hidden, labels = check_plane_samples(hidden, labels, estimator="KernelDensity")
        check_affordable_samples(len(hidden), self.max_samples, estimator="KernelDensity")
        variance = float(self.noise_variance)
        if self.adapted:
            variance *= float(hidden.abs().max()) or 1.0
        widening = 2 if self.bound == "upper" else 8
        all_nearness, own_nearness = _mean_log_nearness(hidden, labels, widening * variance)
        noise = noise_entropy(hidden.shape[1], variance)
        return PlanePoint.measured(
            self,
            hidden,
            labels,
            -all_nearness,
            own_nearness - all_nearness,
            input_kind="upper" if self.bound == "upper" else "lower",
            chosen={"adapted_variance": variance} if self.adapted else None,
            scores={"entropy": noise - all_nearness, "noise_entropy": noise},
        )


def _mean_log_nearness(hidden: Tensor, labels: Tensor, scale: float) -> tuple[float, float]:
    """Mean over samples of ln <exp(-d^2 / scale)>, with the inner mean over all samples and over the same class."""
    num_samples = len(hidden)
    num_own = torch.bincount(labels)[labels]
    all_logs, own_logs = [], []
    for rows, squares in squared_distances(hidden):
        nearness = squares.div_(-scale).exp_()  # the sample itself contributes 1, so no sum underflows
        all_logs.append((nearness.sum(1) / num_samples).log())
        nearness.masked_fill_(labels[rows, None] != labels, 0)
        own_logs.append((nearness.sum(1) / num_own[rows]).log())
    return float(torch.cat(all_logs).mean()), float(torch.cat(own_logs).mean())
