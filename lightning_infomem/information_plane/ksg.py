"""Nearest-neighbour estimator of Kraskov, Stoegbauer and Grassberger, for layers with few units."""

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
from lightning_infomem._errors import UsageTypeError, UsageValueError
from lightning_infomem.functional.mutual_information import mutual_information
from lightning_infomem.functional.standardization import standardized_columns
from lightning_infomem.information_plane.plane_inputs import check_plane_inputs
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.information_plane.plane_samples import check_plane_samples

__all__ = ["KSG"]

Floats = npt.NDArray[np.float64]

_MANY_DIMENSIONS = 10
_TIED = 0.01  # share of tied samples above which the point is flagged


@dataclass(frozen=True)
class KSG:
    """Estimate mutual information from nearest-neighbour distances (Kraskov-Stoegbauer-Grassberger).

    I(X;T) uses their first estimator on vectors, with the maximum norm. If both X and T are scalar it calls
    `functional.mutual_information`, which handles ties correctly and runs on GPUs. I(T;Y) uses Ross's estimator for
    discrete Y. Coordinates are standardised first. Do not use it above about ten dimensions of inputs and layer
    together: distances become alike and the estimate falls towards 0. For a deterministic layer I(X;T) is infinite, and
    its estimate reflects only the number of samples.

    Args:
        neighbors: Number of neighbours k. More neighbours lower the variance and raise the bias on strong dependence.
        max_dimensions: Largest number of dimensions of inputs and layer together to accept; 10 is already generous.
        labels_only: Ignore the inputs (the callback always passes them) and estimate I(T;Y) alone, whatever the
            dimension of the inputs.

    Special cases:
        Without ``inputs`` I(X;T) is NaN. Samples whose k nearest neighbours are all at distance 0 are counted as in a
        contingency table (Gao et al. 2017). Other ties are not broken; the flag "ties" reports how many samples have
        them, and estimates for vectors may then be wrong by whole nats. A constant layer has 0 information. Estimates
        of weak dependence may be slightly negative.

    Raises:
        TypeError, ValueError: If a field is invalid, there are too many dimensions, a class has no more than
            ``neighbors`` samples, or the inputs are not finite or not as many as the activations.

    Cost:
        About ``samples * log(samples)``, growing steeply with the dimension, on one CPU core (vectors are copied
        there). Memory is linear in the samples.

    Reference:
        Kraskov, Stoegbauer, Grassberger 2004, eq. 8; Ross 2014, eq. 2 (averaged over samples); Gao, Kannan, Oh,
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
            raise UsageTypeError(
                f"labels_only: True or False is required, got {describe(self.labels_only)}; True skips I(X;T)."
            )

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Estimate both coordinates; see `PlaneEstimator`. Without inputs, estimate I(T;Y) alone."""
        hidden, labels = check_plane_samples(hidden, labels, estimator="KSG", min_samples=self.neighbors + 1)
        flags: dict[str, str] = {}
        if self.labels_only:
            inputs = None
        elif inputs is not None:
            inputs = check_plane_inputs(inputs, hidden, estimator="KSG")
        dimensions = self._check_dimensions(hidden, labels, inputs)
        if dimensions > _MANY_DIMENSIONS:
            flags["many_dimensions"] = (
                f"{dimensions} dimensions are too many for nearest neighbours; the estimate is too low"
            )
        if inputs is None:
            information, input_ties = math.nan, 0.0
            flags["no_inputs"] = "I(X;T) was not estimated: it needs the inputs"
        elif hidden.shape[1] == inputs.shape[1] == 1:
            x, t = inputs[:, 0], hidden[:, 0].double()
            information, input_ties = float(mutual_information(x, t, neighbors=self.neighbors)), 0.0
        else:
            information, input_ties = _first_estimator(_standardized(inputs), _standardized(hidden), self.neighbors)
        label_information, label_ties = _class_estimator(_standardized(hidden), labels.cpu().numpy(), self.neighbors)
        ties = max(input_ties, label_ties)
        if ties > _TIED:
            flags["ties"] = (
                f"{ties:.0%} of the samples have neighbours at equal distances; the estimator assumes no ties"
            )
        scores = {"tied_share": ties}
        return PlanePoint.measured(self, hidden, labels, information, label_information, flags=flags, scores=scores)

    def _check_dimensions(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None) -> int:
        """Number of dimensions to search in, after checking it and the class sizes."""
        counts = torch.bincount(labels)
        if int(counts.min()) <= self.neighbors:
            raise UsageValueError(
                f"KSG: labels: more than neighbors={self.neighbors} samples of each class are required, got "
                f"{int(counts.min())} in one class; drop that class or lower neighbors."
            )
        dimensions = hidden.shape[1]
        if inputs is not None:
            dimensions += inputs.shape[1]
        if dimensions > self.max_dimensions:
            raise UsageValueError(
                f"KSG: hidden: at most max_dimensions={self.max_dimensions} dimensions of layer and inputs together "
                f"are required, got {dimensions}; reduce them, ignore the inputs (labels_only=True, I(T;Y) only), "
                "or use Binning or MINE."
            )
        return dimensions


def _standardized(values: Tensor) -> Floats:
    """Float64 ``[samples, dimensions]`` without constant dimensions; one dimension of zeros if all are constant."""
    columns, constant = standardized_columns(values.double().cpu())
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
    tied = ~is_atom & (closed[0] + closed[1] - strict[0] - strict[1] != 1)  # 1 is the k-th neighbour itself
    return float(digamma(len(x)) + terms.mean()), float((tied | is_atom).mean())


def _class_estimator(t: Floats, classes: npt.NDArray[np.int64], neighbors: int) -> tuple[float, float]:
    """I(T;Y) in nats, and the share of samples with ties."""
    radius, terms, copies = np.empty(len(t)), np.empty(len(t)), np.empty(len(t))
    for label in np.unique(classes):
        members = classes == label
        tree = cKDTree(t[members])
        radius[members] = _distance_to(tree, t[members], neighbors)
        copies[members] = tree.query_ball_point(t[members], 0.0, p=np.inf, return_length=True)
        terms[members] = -digamma(members.sum())
    strict, closed = _counts(cKDTree(t), t, radius)
    is_atom = radius == 0
    terms += np.where(is_atom, digamma(copies) - digamma(closed + 1), digamma(neighbors) - digamma(strict + 1))
    return float(digamma(len(t)) + terms.mean()), float((is_atom | (closed - strict != 1)).mean())


def _distance_to(tree: cKDTree, points: Floats, neighbor: int) -> Floats:
    """Distance from each point of the tree to its given neighbour; the first match is the point itself or a copy."""
    distances: Floats = tree.query(points, k=[neighbor + 1], p=np.inf)[0][:, 0]
    return distances


def _counts(tree: cKDTree, points: Floats, radius: Floats) -> tuple[Floats, Floats]:
    """Number of other points closer than the radius, and number no farther than it."""
    nearer = np.where(radius > 0, np.nextafter(radius, 0.0), 0.0)
    strict, closed = (
        tree.query_ball_point(points, each, p=np.inf, return_length=True) - 1 for each in (nearer, radius)
    )
    return np.where(radius > 0, strict, 0.0), closed.astype(np.float64)
