"""Matrix-based Renyi information of feature maps, with widths that agree with the labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_infomem._checks import check_count, describe
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
    """`MatrixRenyi` with the width of the layer's kernel on which it agrees best with the kernel of the labels.

    Feature maps are compared by the Frobenius norm of their difference: ``hidden`` may be ``[samples, channels, height,
    width]``. Of a grid of widths the one of the largest `kernel_alignments` is taken (the narrowest of equals). The
    choice looks at the labels, so I(T;Y) is favoured: with shuffled labels, too, a width is found at which something is
    shared. Not to be compared with points of other widths without a thought; all that is said of `MatrixRenyi` holds.

    Over a training the authors smooth widths by an exponential moving average. The caller keeps it:
    ``dataclasses.replace(estimator, previous=point.parameters["hidden_width"])`` for the next moment of this layer.

    Args:
        order: alpha; 1 is Shannon's limit.
        input_width: of the kernel of the inputs; None, by the rule of `MatrixRenyi`. The authors: 8, for images.
        label_width: of one-hot labels.
        width_range: least and largest of the grid, as multiples of the mean distance of two samples.
        num_widths: of the grid, equally spaced.
        previous: width at the moment before; None at the first.
        decay: share of ``previous`` in the width; from 0 to below 1. Without ``previous`` it has no effect.
        max_samples: more are refused.

    Raises:
        TypeError, ValueError: settings beyond these; no inputs; too many samples.

    Special cases:
        All widths suit a constant layer: 1 is taken (or ``previous``), and both coordinates are 0.

    Cost:
        That of `MatrixRenyi`, and ``num_widths`` exponentials for each pair of samples.

    Reference:
        Wickstrom et al. 2019, 2023 (doi:10.3390/e25060899), sections on tensor kernels and on the choice of the width.
        The grid is ours, in multiples of the mean distance at both ends: the unit of activations does not matter.

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
        MatrixRenyi(self.order, self.input_width, None, self.label_width)  # its checks
        check_count(self.num_widths, name="num_widths", minimum=2)
        check_count(self.max_samples, name="max_samples", minimum=2)
        check_width(self.previous, name="previous")
        ends = self.width_range
        if len(ends) != 2 or not all(isinstance(end, (int, float)) for end in ends) or not 0 < ends[0] < ends[1] < 1e9:
            raise ValueError(
                f"width_range: (low, high) with 0 < low < high is required, got {ends!r}; they are multiples of the "
                "mean distance, (.1, 10) is usual."
            )
        if isinstance(self.decay, bool) or not isinstance(self.decay, (int, float)) or not 0 <= self.decay < 1:
            raise ValueError(
                f"decay: a number from 0 to below 1 is required, got {describe(self.decay)}; 0 forgets "
                "the width before."
            )

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Estimate both coordinates; see `PlaneEstimator`. The inputs are required."""
        hidden, labels = check_plane_samples(hidden, labels, estimator="TensorKernelRenyi")
        inputs = check_plane_inputs(inputs, hidden, estimator="TensorKernelRenyi")
        check_affordable_samples(
            len(hidden), self.max_samples, estimator="TensorKernelRenyi", cost="eigenvalues cost the cube of it"
        )
        aligned, alignment = self._aligned_width(hidden, labels)
        width = aligned if self.previous is None else self.decay * self.previous + (1 - self.decay) * aligned
        point = MatrixRenyi(self.order, self.input_width, width, self.label_width, len(hidden)).estimate(
            hidden, labels, inputs
        )
        return PlanePoint.measured(
            self,
            hidden,
            labels,
            input_information=point.input_information,
            label_information=point.label_information,
            input_kind="neither",
            label_kind="neither",
            chosen={
                "input_width": point.parameters["input_width"],
                "hidden_width": width,
                "aligned_width": aligned,
            },
            scores={**point.scores, "alignment": alignment},
        )

    def _aligned_width(self, hidden: Tensor, labels: Tensor) -> tuple[float, float]:
        """The width that agrees best with the labels, and how well."""
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
