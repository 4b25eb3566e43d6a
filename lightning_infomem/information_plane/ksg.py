"""Nearest neighbours, for layers of few units."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.spatial import cKDTree
from scipy.special import digamma
from torch import Tensor

from lightning_infomem._checks import check_count, describe
from lightning_infomem.functional.mutual_information import mutual_information
from lightning_infomem.functional.standardization import standardized_columns
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.information_plane.plane_samples import check_plane_samples

__all__ = ["KSG"]

Floats = npt.NDArray[np.float64]

_MANY_DIMENSIONS = 10
_TIED = 0.01  # share of the samples, from which it is said


@dataclass(frozen=True)
class KSG:
    """Estimate from the distances to nearest neighbours: the Kraskov-Stoegbauer-Grassberger estimator.

    Of I(X;T) its first estimator, on vectors with the largest difference of any coordinate as distance; where both are
    single variables `functional.mutual_information`, which is right on ties and runs on GPUs. Of I(T;Y), Y being
    classes, the estimator of Ross. Coordinates are standardised first. Not for more than about ten dimensions of inputs
    and layer together: distances become alike there and the estimate falls towards 0. Nor does I(X;T) of a
    deterministic layer tell anything but the number of samples: it is infinite.

    Args:
        neighbors: k; more give less variance and more bias on strong dependence.
        max_dimensions: of inputs and layer together, above which it refuses; 10 is generous already.
        labels_only: leave out inputs that are given, as the callback does: I(T;Y) alone, whatever their dimensions.

    Special cases:
        Without ``inputs`` I(X;T) is NaN. Samples whose k nearest neighbours are all at distance 0 are counted as in a
        table (Gao et al. 2017); other ties are not broken, and "ties" among the flags tells how many samples have them:
        then estimates of vectors may be wrong by whole nats. Constant layers share no information: 0. Estimates of weak
        dependence may be slightly negative.

    Raises:
        TypeError, ValueError: fields that are no counts, or no truth value; too many dimensions; a class of no more
            than ``neighbors`` samples; inputs that are not finite or not as many as the activations.

    Cost:
        About ``samples * log(samples)``, growing steeply with the dimensions, on one CPU core (vectors are copied
        there); memory linear in the samples.

    Reference:
        Kraskov, Stoegbauer, Grassberger 2004, eq. 8; Ross 2014, eq. 2 (average over samples); Gao, Kannan, Oh,
        Viswanath 2017, algorithm 1, for samples at distance 0.

    >>> hidden = torch.arange(100.0, dtype=torch.float64)[:, None]
    >>> point = KSG().estimate(hidden, torch.arange(100) // 50, inputs=-hidden)
    >>> round(point.input_information, 6)  # a copy: psi(100) - psi(3)
    3.677378
    """

    neighbors: int = 3
    max_dimensions: int = _MANY_DIMENSIONS
    labels_only: bool = False

    def __post_init__(self) -> None:
        check_count(self.neighbors, name="neighbors")
        check_count(self.max_dimensions, name="max_dimensions")
        if not isinstance(self.labels_only, bool):
            raise TypeError(
                f"labels_only: True or False is required, got {describe(self.labels_only)}; True leaves out I(X;T)."
            )

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Estimate both coordinates; see `PlaneEstimator`. Without inputs, I(T;Y) alone."""
        hidden, labels = check_plane_samples(hidden, labels, estimator="KSG", min_samples=self.neighbors + 1)
        flags: dict[str, str] = {}
        if self.labels_only:
            inputs = None
        dimensions = self._check_dimensions(hidden, labels, inputs)
        if dimensions > _MANY_DIMENSIONS:
            flags["many_dimensions"] = (
                f"{dimensions} dimensions are more than nearest neighbours can tell apart; the estimate is too low"
            )
        if inputs is None:
            information, input_ties = math.nan, 0.0
            flags["no_inputs"] = "I(X;T) was not estimated: it needs the inputs"
        elif hidden.shape[1] == 1 and inputs[0].numel() == 1:
            x, t = (values.detach().double().flatten() for values in (inputs.to(hidden.device), hidden))
            information, input_ties = float(mutual_information(x, t, neighbors=self.neighbors)), 0.0
        else:
            information, input_ties = _first_estimator(_standardized(inputs), _standardized(hidden), self.neighbors)
        label_information, label_ties = _of_classes(_standardized(hidden), labels.cpu().numpy(), self.neighbors)
        ties = max(input_ties, label_ties)
        if ties > _TIED:
            flags["ties"] = (
                f"{ties:.0%} of the samples have neighbours at one distance; the estimate takes none to exist"
            )
        return PlanePoint.measured(
            self,
            hidden,
            labels,
            input_information=information,
            label_information=label_information,
            input_kind="neither",
            label_kind="neither",
            flags=flags,
            scores={"tied_share": ties},
        )

    def _check_dimensions(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None) -> int:
        """Those that are searched in; the rest of what this method requires of its samples."""
        counts = torch.bincount(labels)
        if int(counts.min()) <= self.neighbors:
            raise ValueError(
                f"KSG: labels: more than neighbors={self.neighbors} samples of each class are required, got "
                f"{int(counts.min())} of one; leave that class out, or lower neighbors."
            )
        dimensions = hidden.shape[1]
        if inputs is not None:
            if not isinstance(inputs, Tensor) or len(inputs) != len(hidden) or not bool(torch.isfinite(inputs).all()):
                raise ValueError(
                    f"KSG: inputs: a finite tensor of {len(hidden)} samples, as many as activations, is required, got "
                    f"{describe(inputs)}; pass those that gave the activations."
                )
            dimensions += inputs[0].numel()
        if dimensions > self.max_dimensions:
            raise ValueError(
                f"KSG: hidden: at most max_dimensions={self.max_dimensions} dimensions of layer and inputs together "
                f"are required, got {dimensions}; reduce them, leave out the inputs (labels_only=True: I(T;Y) "
                "alone), or take Binning or MINE."
            )
        return dimensions


def _standardized(values: Tensor) -> Floats:
    """``[samples, dimensions]`` without those that are constant, float64; one of zeros where all are."""
    columns, constant = standardized_columns(values.detach().flatten(1).double().cpu())
    kept = columns[~constant] if not bool(constant.all()) else columns[:1]
    return kept.T.contiguous().numpy()


def _first_estimator(x: Floats, t: Floats, neighbors: int) -> tuple[float, float]:
    """I(X;T) in nats, and the share of samples with ties."""
    joint = np.concatenate([x, t], axis=1)
    tree = cKDTree(joint)
    radius = _distance_to(tree, joint, neighbors)
    strict, closed = zip(*(_counts(cKDTree(part), part, radius) for part in (x, t)), strict=True)
    terms = digamma(neighbors) - digamma(strict[0] + 1) - digamma(strict[1] + 1)
    is_atom = radius == 0
    if is_atom.any():
        together = tree.query_ball_point(joint[is_atom], 0.0, p=np.inf, return_length=True)
        terms[is_atom] = digamma(together) - digamma(closed[0][is_atom] + 1) - digamma(closed[1][is_atom] + 1)
    tied = ~is_atom & (closed[0] + closed[1] - strict[0] - strict[1] != 1)  # the k-th neighbour is one itself
    return float(digamma(len(x)) + terms.mean()), float((tied | is_atom).mean())


def _of_classes(t: Floats, classes: npt.NDArray[np.int64], neighbors: int) -> tuple[float, float]:
    """I(T;Y) in nats, and the share of samples with ties."""
    radius, terms, of_own = np.empty(len(t)), np.empty(len(t)), np.empty(len(t))
    for label in np.unique(classes):
        mine = classes == label
        own = cKDTree(t[mine])
        radius[mine] = _distance_to(own, t[mine], neighbors)
        of_own[mine] = own.query_ball_point(t[mine], 0.0, p=np.inf, return_length=True)
        terms[mine] = -digamma(mine.sum())
    strict, closed = _counts(cKDTree(t), t, radius)
    is_atom = radius == 0
    terms += np.where(is_atom, digamma(of_own) - digamma(closed + 1), digamma(neighbors) - digamma(strict + 1))
    return float(digamma(len(t)) + terms.mean()), float((is_atom | (closed - strict != 1)).mean())


def _distance_to(tree: cKDTree, points: Floats, neighbor: int) -> Floats:
    """From each point of the tree to that one of its neighbours; itself is the first found, or one at its place is."""
    distances: Floats = tree.query(points, k=[neighbor + 1], p=np.inf)[0][:, 0]
    return distances


def _counts(tree: cKDTree, points: Floats, radius: Floats) -> tuple[Floats, Floats]:
    """How many others are nearer than the radius, and how many not farther."""
    nearer = np.where(radius > 0, np.nextafter(radius, 0.0), 0.0)
    strict, closed = (
        tree.query_ball_point(points, each, p=np.inf, return_length=True) - 1 for each in (nearer, radius)
    )
    return np.where(radius > 0, strict, 0.0), closed.astype(np.float64)
