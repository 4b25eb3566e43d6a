"""Matrix-based Renyi information of feature maps, with kernel widths aligned to the labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_infomem._checks import check_count, check_finite
from lightning_infomem._errors import UsageValueError
from lightning_infomem.information_plane.affordable_samples import check_affordable_samples
from lightning_infomem.information_plane.gaussian_gram import check_width, squared_distances
from lightning_infomem.information_plane.kernel_alignment import kernel_alignments
from lightning_infomem.information_plane.matrix_renyi import MatrixRenyi
from lightning_infomem.information_plane.plane_inputs import check_plane_inputs
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.information_plane.plane_samples import check_plane_samples

__all__ = ["TensorKernelRenyi"]

_MAX_SAMPLES = 4096


@dataclass(frozen=True)
class TensorKernelRenyi:
    """`MatrixRenyi` with the kernel width at which the layer aligns best with the labels.

    Feature maps are compared by the Frobenius norm of their difference, so ``hidden`` may be ``[samples, channels,
    height, width]``. From a grid of widths it takes the one with the largest `kernel_alignments` (the narrowest if
    tied). The choice uses the labels, which favours I(T;Y): even with shuffled labels some width shows shared
    information. Do not compare points with different widths without care. All caveats of `MatrixRenyi` apply.

    The authors smooth the widths over training by an exponential moving average. The caller does this with
    ``dataclasses.replace(estimator, previous=point.parameters["hidden_width"])`` for the next measurement of the layer.

    Args:
        order: Order alpha of the entropy; 1 is Shannon's limit.
        input_width: Kernel width for the inputs; None uses the rule of `MatrixRenyi`. The authors use 8 for images.
        label_width: Kernel width for one-hot labels.
        width_range: Smallest and largest width of the grid, as multiples of the mean distance between two samples.
        num_widths: Number of equally spaced widths in the grid.
        previous: Width at the previous measurement; None at the first.
        decay: Share of ``previous`` in the width, from 0 to below 1. It has no effect without ``previous``.
        max_samples: Largest number of samples to accept.

    Raises:
        TypeError, ValueError: If a setting is out of range, inputs are missing, or there are too many samples.

    Special cases:
        For a constant layer all widths are equally good: the width is 1 (or ``previous``), and both coordinates are 0.

    Cost:
        The cost of `MatrixRenyi` plus ``num_widths`` exponentials per pair of samples.

    Reference:
        Wickstrom et al. 2019, 2023 (doi:10.3390/e25060899), sections on tensor kernels and on the choice of the width.
        Departure: the grid is ours, with both ends in multiples of the mean distance, so that the unit of the
            activations
        does not matter.

    >>> maps = torch.cat([torch.zeros(2, 1, 2, 2), torch.ones(2, 1, 2, 2)])
    >>> point = TensorKernelRenyi().estimate(maps, torch.tensor([0, 0, 1, 1]), inputs=100 * maps)
    >>> round(point.label_bits, 3), round(point.scores["alignment"], 3), point.parameters["hidden_width"]
    (1.0, 1.0, 0.1)
    """

    order: float = 1.01
    input_width: float | None = None
    label_width: float = 0.1
    width_range: tuple[float, float] = (0.1, 10.0)
    num_widths: int = 75
    previous: float | None = None
    decay: float = 0.9
    max_samples: int = _MAX_SAMPLES

    def __post_init__(self) -> None:
        MatrixRenyi(self.order, self.input_width, None, self.label_width)  # runs its checks
        check_count(self.num_widths, name="num_widths", minimum=2)
        check_count(self.max_samples, name="max_samples", minimum=2)
        check_width(self.previous, name="previous")
        ends = self.width_range
        if len(ends) != 2 or not all(isinstance(end, (int, float)) for end in ends) or not 0 < ends[0] < ends[1] < 1e9:
            raise UsageValueError(
                f"width_range: (low, high) with 0 < low < high is required, got {ends!r}; they are multiples of the "
                "mean distance, (.1, 10) is usual."
            )
        check_finite(self.decay, name="decay", minimum=0, below=1, remedy="0 ignores the previous width")

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Estimate both coordinates; see `PlaneEstimator`. The inputs are required."""
        hidden, labels = check_plane_samples(hidden, labels, estimator="TensorKernelRenyi")
        inputs = check_plane_inputs(inputs, hidden, estimator="TensorKernelRenyi")
        check_affordable_samples(
            len(hidden), self.max_samples, estimator="TensorKernelRenyi", cost="eigenvalues take cubic time"
        )
        aligned, alignment = self._aligned_width(hidden, labels)
        width = aligned if self.previous is None else self.decay * self.previous + (1 - self.decay) * aligned
        point = MatrixRenyi(self.order, self.input_width, width, self.label_width, len(hidden)).estimate(
            hidden, labels, inputs
        )
        information = point.input_information, point.label_information
        input_width, scores = point.parameters["input_width"], {**point.scores, "alignment": alignment}
        chosen = {"input_width": input_width, "hidden_width": width, "aligned_width": aligned}
        return PlanePoint.measured(self, hidden, labels, *information, chosen=chosen, scores=scores)

    def _aligned_width(self, hidden: Tensor, labels: Tensor) -> tuple[float, float]:
        """Width with the best alignment to the labels, and that alignment."""
        distances = squared_distances(hidden)
        mean_distance = math.fsum(float(row.sqrt().sum()) for row in distances) / distances.numel()
        if mean_distance == 0:
            widths = [self.previous or 1.0]
        else:
            low, high = (mean_distance * end for end in self.width_range)
            widths = torch.linspace(low, high, self.num_widths, dtype=torch.float64).tolist()
        alignments = kernel_alignments(distances, labels, widths, label_width=self.label_width)
        best = int(alignments.argmax())
        return widths[best], float(alignments[best])
