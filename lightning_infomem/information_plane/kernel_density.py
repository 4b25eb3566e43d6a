"""Bounds on the entropy of a layer with Gaussian noise, from pairwise distances."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_infomem._checks import check_choice, check_count, describe
from lightning_infomem.information_plane.gaussian_noise import check_noise_variance, noise_entropy
from lightning_infomem.information_plane.pairwise_distances import check_affordable, squared_distances
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.information_plane.plane_samples import check_plane_samples

__all__ = ["KernelDensity"]


@dataclass(frozen=True)
class KernelDensity:
    """Add Gaussian noise to a layer, and bound I(X;T) by how near the samples are to each other.

    With noise of variance s2 in each unit the layer is a mixture of Gaussians, one at each sample. The upper bound of
    I(X;T) is -<ln <exp(-d^2 / (2 s2))>>, the lower one the same with 8 s2, where d is the distance of two samples, one
    mean is over one of them and one over the other, itself too. They bound the information of the network with this
    noise, fed with these samples and no others; the network that was trained has none, and the value follows the
    variance that was chosen. I(T;Y) is a difference of two bounds of the same side, so no bound itself. Not for
    comparing layers of different scale, unless ``adapted``.

    Args:
        noise_variance: s2, of each unit.
        bound: "upper" or "lower", of I(X;T).
        adapted: multiply the variance by the layer's largest absolute activation, for functions like ReLU that have no
            range of their own; of a layer of zeros it stays as it is. The point's parameters tell the variance that
            came of it as "adapted_variance".
        max_samples: that time is to be spent on.

    Special cases:
        Equal samples count as one value, so a constant layer has 0 of both. I(X;T) is log N at most. Samples that are
        nearer than float64 can tell count as equal; see `squared_distances`.

    Raises:
        TypeError, ValueError: parameters other than these; `estimate`, more than ``max_samples``.

    Cost:
        ``samples**2 * units``; memory a float64 copy of the samples, and 64 MiB.

    Reference:
        Kolchinsky & Tracey 2017, Estimating mixture entropy with pairwise distances, the bounds for Gaussians of one
        covariance (Kullback-Leibler above, Bhattacharyya below); as used by Saxe et al. 2018 (variance .001 for tanh,
        .1 for MNIST), and with adapted variance by Chelombiev et al. 2019.

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
            raise TypeError(
                f"adapted: True or False is required, got {describe(self.adapted)}; the factor itself is the layer's."
            )
        check_count(self.max_samples, name="max_samples", minimum=2)

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Estimate both coordinates; see `PlaneEstimator`. The inputs are not looked at.

        The point's scores are "entropy", the bound of that of the noisy layer, and "noise_entropy", that of the noise.
        """
        hidden, labels = check_plane_samples(hidden, labels, estimator="KernelDensity")
        check_affordable(len(hidden), self.max_samples, estimator="KernelDensity")
        variance = float(self.noise_variance)
        if self.adapted:
            variance *= float(hidden.abs().max()) or 1.0
        widening = 2 if self.bound == "upper" else 8
        all_nearness, own_nearness = _mean_log_nearness(hidden, labels, widening * variance)
        of_noise = noise_entropy(hidden.shape[1], variance)
        return PlanePoint.measured(
            self,
            hidden,
            labels,
            input_information=-all_nearness,
            label_information=own_nearness - all_nearness,
            input_kind="upper" if self.bound == "upper" else "lower",
            label_kind="neither",
            chosen={"adapted_variance": variance} if self.adapted else None,
            scores={"entropy": of_noise - all_nearness, "noise_entropy": of_noise},
        )


def _mean_log_nearness(hidden: Tensor, labels: Tensor, scale: float) -> tuple[float, float]:
    """Mean over samples of ln <exp(-d^2 / scale)>, the inner mean over all samples, and over those of its own class."""
    num_samples = len(hidden)
    num_own = torch.bincount(labels)[labels]
    of_all, of_own = [], []
    for rows, squares in squared_distances(hidden):
        nearness = squares.div_(-scale).exp_()  # 1 of the sample itself: no sum underflows
        of_all.append((nearness.sum(1) / num_samples).log())
        nearness.masked_fill_(labels[rows, None] != labels, 0)
        of_own.append((nearness.sum(1) / num_own[rows]).log())
    return float(torch.cat(of_all).mean()), float(torch.cat(of_own).mean())
