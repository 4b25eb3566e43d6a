"""Matrix-based Renyi information of inputs, activations and labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_infomem._checks import check_count, check_finite
from lightning_infomem.information_plane.affordable_samples import check_affordable_samples
from lightning_infomem.information_plane.gaussian_gram import (
    check_width,
    distance_rows,
    gaussian_gram,
    label_gram,
    rule_width,
)
from lightning_infomem.information_plane.matrix_entropy import check_order, matrix_entropy
from lightning_infomem.information_plane.plane_inputs import check_plane_inputs
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.information_plane.plane_samples import check_plane_samples

__all__ = ["MatrixRenyi"]

_MAX_SAMPLES, _MAX_SAMPLES_OF_ORDER_2 = 4096, 32768


@dataclass(frozen=True)
class MatrixRenyi:
    """Matrix-based Renyi information from the spectra of Gram matrices, without density estimation.

    ``I(X;T) = S(X) + S(T) - S(X, T)``, where each S is a `matrix_entropy` and the joint entropy uses the elementwise
    product of the Gram matrices. This is a quantity of its own. For discrete values and narrow kernels it is Renyi's
    information of the frequencies; otherwise it depends on the widths and neither bounds nor estimates Shannon's
    information. Do not compare values with different widths, orders or numbers of samples. At orders far from 1 it may
    be negative.

    A narrow kernel makes every sample distinct and puts both coordinates at their maxima, log N and H(Y); a wide kernel
    makes both 0. Wide layers share information with any labels: 1.1 nats for 10 classes that are unrelated to 4,096
    samples of 1,000 units, at the rule's width and order 1.01, and .015 at order 2. Compare with shuffled labels.

    The kernel is ``exp(-d^2 / width^2)``. For the other published convention, ``exp(-d^2 / s)``, pass ``sqrt(s)``.

    Feature maps are flattened. Since kernels multiply, the multivariate entropy of a layer whose maps are variables
    with one common width equals that of the flattened layer. For a separate width per map, pass the `gaussian_gram` of
    each map to `matrix_entropy`.

    Args:
        order: Order alpha of the entropy; 1 is Shannon's limit (von Neumann's entropy).
        input_width: Kernel width for the inputs, in their unit; None uses `rule_width`. The point records it.
        hidden_width: Kernel width for the activations; None uses `rule_width`. The point records it.
        label_width: Kernel width for one-hot labels, which are sqrt(2) apart.
        max_samples: Largest number of samples to accept; None means 4,096, or 32,768 at order 2.

    Raises:
        TypeError, ValueError: If the order or a width is not positive, inputs are missing, or there are too many
            samples.

    Special cases:
        A constant layer has no information about anything. Equal samples count as one value.

    Cost:
        Eigenvalues of four ``samples x samples`` matrices, cubic: half a minute at 4,096 samples on one core, minutes
        at 10,000. Memory: three such matrices at once (float64, 800 MB each at 10,000). Order 2 builds no matrix: time
        ``samples^2 * units``, in blocks of 64 MiB.

    Reference:
        Giraldo, Rao & Principe 2015; Yu & Principe 2019, with alpha 1.01; Silverman 1986 for the rule.

    >>> hidden, labels = torch.tensor([[0.0], [0.0], [9.0], [9.0]]), torch.tensor([0, 0, 1, 1])
    >>> point = MatrixRenyi(hidden_width=1.0, input_width=1.0).estimate(hidden, labels, inputs=hidden)
    >>> round(point.input_bits, 6), round(point.label_bits, 6)
    (1.0, 1.0)
    """

    order: float = 1.01
    input_width: float | None = None
    hidden_width: float | None = None
    label_width: float = 0.1
    max_samples: int | None = None

    def __post_init__(self) -> None:
        check_order(self.order)
        check_width(self.input_width, name="input_width")
        check_width(self.hidden_width, name="hidden_width")
        check_finite(self.label_width, name="label_width", above=0, remedy=".1 keeps classes apart")
        if self.max_samples is not None:
            check_count(self.max_samples, name="max_samples", minimum=2)

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Estimate both coordinates; see `PlaneEstimator`. The inputs are required."""
        hidden, labels = check_plane_samples(hidden, labels, estimator="MatrixRenyi")
        inputs = check_plane_inputs(inputs, hidden, estimator="MatrixRenyi")
        limit = self.max_samples or (_MAX_SAMPLES_OF_ORDER_2 if self.order == 2 else _MAX_SAMPLES)
        cost = "distances of all pairs" if self.order == 2 else "eigenvalues take cubic time, which order 2 avoids"
        check_affordable_samples(len(hidden), limit, estimator="MatrixRenyi", cost=cost)
        input_width = rule_width(inputs) if self.input_width is None else self.input_width
        hidden_width = rule_width(hidden) if self.hidden_width is None else self.hidden_width
        entropies = self._by_pairs if self.order == 2 else self._by_eigenvalues
        scores = entropies(inputs, hidden, labels, input_width, hidden_width)
        information = (
            scores[f"{other}_entropy"] + scores["hidden_entropy"] - scores[f"{other}_joint_entropy"]
            for other in ("input", "label")
        )
        chosen = {"input_width": input_width, "hidden_width": hidden_width}
        return PlanePoint.measured(self, hidden, labels, *information, chosen=chosen, scores=scores)

    def _by_eigenvalues(
        self, inputs: Tensor, hidden: Tensor, labels: Tensor, input_width: float, hidden_width: float
    ) -> dict[str, float]:
        gram = gaussian_gram(hidden, hidden_width)
        scores = {"hidden_entropy": matrix_entropy(gram, order=self.order)}
        other = gaussian_gram(inputs, input_width)
        scores["input_entropy"] = matrix_entropy(other, order=self.order)
        scores["input_joint_entropy"] = matrix_entropy(other.mul_(gram), order=self.order)
        del other  # free it before the next matrix of this size is allocated
        gram.mul_(label_gram(labels, self.label_width))
        scores["label_joint_entropy"] = matrix_entropy(gram, order=self.order)
        scores["label_entropy"] = self._label_entropy(labels)
        return scores

    def _by_pairs(
        self, inputs: Tensor, hidden: Tensor, labels: Tensor, input_width: float, hidden_width: float
    ) -> dict[str, float]:
        sums = dict.fromkeys(("hidden", "input", "input_joint", "label_joint"), 0.0)
        between = math.exp(-4 / self.label_width**2)  # squared, like the kernels below
        for (rows, hidden_kernel), (_, input_kernel) in zip(distance_rows(hidden), distance_rows(inputs), strict=True):
            hidden_kernel.mul_(-2 / hidden_width**2).exp_()
            input_kernel.mul_(-2 / input_width**2).exp_()
            same = (hidden_kernel * (labels[rows, None] == labels[None])).sum()
            total = hidden_kernel.sum()
            sums["hidden"] += float(total)
            sums["input"] += float(input_kernel.sum())
            sums["label_joint"] += float(same + between * (total - same))
            sums["input_joint"] += float(input_kernel.mul_(hidden_kernel).sum())
        scores = {f"{name}_entropy": 2 * math.log(len(hidden)) - math.log(each) for name, each in sums.items()}
        return {**scores, "label_entropy": self._label_entropy(labels)}

    def _label_entropy(self, labels: Tensor) -> float:
        """One row per class is enough: samples of one class have equal rows, which add no eigenvalue."""
        counts = torch.unique(labels, return_counts=True)[1].double()
        roots = (counts / counts.sum()).sqrt()
        classes = torch.arange(len(counts), device=labels.device)
        return matrix_entropy(label_gram(classes, self.label_width) * torch.outer(roots, roots), order=self.order)
