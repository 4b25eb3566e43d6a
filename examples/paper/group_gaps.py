"""Measure how differently a classifier treats the members of protected groups."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_infomem._checks import check_classes

__all__ = ["GroupGaps", "group_gaps"]


@dataclass(frozen=True, eq=False)
class GroupGaps:
    """Rates of a classifier by class and group, and their gaps between groups.

    Tables are float64 ``[classes, groups]`` and are NaN where a group has nobody to count. The gap of a class is the
    largest minus the smallest value in its row: with two groups the absolute difference, whose sign is in the table. A
    class with a NaN in its row has no gap and is left out of the sum over classes. `left_out` counts such classes; sums
    that leave out different classes must not be compared. A sum over no class is NaN.

    Attributes:
        classes: int64 ``[classes]``, classes that occur among labels or predictions, ascending.
        groups: int64 ``[groups]``, groups that occur, ascending.
        true_positive_rate: Share of the group's members of the class for which the class is predicted, from 0 to 1. NaN
            if the group has no member of the class.
        false_positive_rate: Share of the group's members of other classes for which the class is predicted, from 0 to
            1. NaN if the whole group is of the class, and for a class that is nobody's label.
        separation: Kullback-Leibler divergence, in nats, of the predictions for the group's members of the class from
            those for all members of the class. NaN if the group has no member of the class.
        sufficiency: Wasserstein distance, in steps of class numbers, between the labels of the group's members for whom
            the class is predicted and the labels of all for whom it is. NaN if it is predicted for nobody in the group.
            It depends on the numbering of the classes, as in the source.
    """

    classes: Tensor
    groups: Tensor
    true_positive_rate: Tensor
    false_positive_rate: Tensor
    separation: Tensor
    sufficiency: Tensor

    @property
    def true_positive_gap(self) -> float:
        """Sum over classes of the gap in the true positive rate, from 0 to the number of classes."""
        return _sum_of_gaps(self.true_positive_rate)

    @property
    def false_positive_gap(self) -> float:
        """Sum over classes of the gap in the false positive rate, from 0 to the number of classes."""
        return _sum_of_gaps(self.false_positive_rate)

    @property
    def separation_gap(self) -> float:
        """Sum over classes of the gap in separation, nats."""
        return _sum_of_gaps(self.separation)

    @property
    def sufficiency_gap(self) -> float:
        """Sum over classes of the gap in sufficiency, steps of class numbers."""
        return _sum_of_gaps(self.sufficiency)

    @property
    def left_out(self) -> dict[str, int]:
        """Name of a table -> number of classes without a gap in it."""
        tables = ("true_positive_rate", "false_positive_rate", "separation", "sufficiency")
        return {name: int(_gaps(getattr(self, name)).isnan().sum()) for name in tables}


def group_gaps(predictions: Tensor, labels: Tensor, groups: Tensor) -> GroupGaps:
    """Measure how a classifier's predictions, and their meaning, differ between groups.

    A gap of 0 in separation or sufficiency does not prove equal treatment: both compare each group with all groups
    together, and two equally large groups that differ in opposite ways are equally far from their mixture. Look at the
    tables too, which are 0 everywhere exactly if predictions (labels) do not depend on the group given the label
    (prediction).

    Args:
        predictions: int64 ``[samples]``, predicted class numbers from 0, on any device.
        labels: int64 ``[samples]``, true class numbers from 0, on the same device.
        groups: int64 ``[samples]``, group numbers from 0, at least two different ones, on the same device.

    Returns:
        `GroupGaps`: four tables of classes and groups on the device of the input, and sums of gaps over classes.

    Raises:
        TypeError: An argument is not an int64 tensor.
        ValueError: Wrong shapes, different lengths or devices, a negative number, or a single group.

    Cost:
        One pass over the samples; memory ``classes**2 * groups`` numbers.

    Reference:
        Orgad, Goldfarb-Tarrant and Belinkov (2022), How Gender Debiasing Affects Internal Model Representations, and
        Why It Matters, NAACL, as their released program computes it: gaps by class, and the sum of their magnitudes
        over classes. Rates follow De-Arteaga et al. (2019), Bias in Bios, FAT*; separation and sufficiency follow
        Barocas, Hardt and Narayanan (2019), Fairness and Machine Learning, chapter 3. We differ in two ways: we leave
        out a class that lacks a group, where that program fails or gives NaN for all, and allow more than two groups.

    >>> labels = torch.tensor([0, 0, 1, 1, 0, 0, 1, 1])
    >>> predictions = torch.tensor([0, 0, 1, 1, 0, 1, 1, 1])  # one member of group 1 is mistaken for class 1
    >>> gaps = group_gaps(predictions, labels, torch.tensor([0, 0, 0, 0, 1, 1, 1, 1]))
    >>> gaps.true_positive_gap, gaps.false_positive_gap
    (0.5, 0.5)
    """
    check_classes(predictions, name="predictions")
    check_classes(labels, paired=predictions)
    check_classes(groups, name="groups", paired=predictions)
    classes, numbered = torch.unique(torch.cat([labels, predictions]), return_inverse=True)
    present, group = torch.unique(groups, return_inverse=True)
    if len(present) < 2:
        raise ValueError(
            f"groups: at least two different groups are required, got only group {present.item()}; "
            "there is no gap within one group."
        )
    label, predicted = numbered.split(len(labels))
    sizes = (len(classes), len(classes), len(present))
    cells = (label * sizes[1] + predicted) * sizes[2] + group
    # Counts of samples [label, prediction, group], from which everything else follows.
    counts = torch.bincount(cells, minlength=sizes[0] * sizes[1] * sizes[2]).reshape(sizes).double()
    hits = counts.diagonal().T
    members, claimed = counts.sum(1), counts.sum(0)
    others = (members.sum(0) - members).masked_fill(members.sum(1, keepdim=True) == 0, torch.nan)
    return GroupGaps(
        classes=classes,
        groups=present,
        true_positive_rate=hits / members,
        false_positive_rate=(claimed - hits) / others,
        separation=_divergence_from_all(counts),
        sufficiency=_distance_from_all(counts.transpose(0, 1), classes),
    )


def _shares(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distributions over the middle dimension of ``[classes, outcomes, groups]``, by group and overall."""
    together = counts.sum(2, keepdim=True)
    return counts / counts.sum(1, keepdim=True), together / together.sum(1, keepdim=True)


def _divergence_from_all(counts: Tensor) -> Tensor:
    """Return Kullback-Leibler divergences in nats, finite because all outcomes of a group occur overall."""
    of_group, of_all = _shares(counts)
    terms: Tensor = torch.special.xlogy(of_group, of_group) - torch.special.xlogy(of_group, of_all)
    return terms.sum(1)


def _distance_from_all(counts: Tensor, places: Tensor) -> Tensor:
    """Return Wasserstein distances: areas between two distribution functions over the class numbers."""
    of_group, of_all = _shares(counts)
    apart = (of_group - of_all).cumsum(1).abs()[:, :-1]
    return (apart * places.diff()[:, None]).sum(1)


def _gaps(table: Tensor) -> Tensor:
    """Return the largest minus the smallest value of each row; NaN for a row with a NaN."""
    return table.amax(1) - table.amin(1)


def _sum_of_gaps(table: Tensor) -> float:
    gaps = _gaps(table)
    return gaps.nansum().item() if not gaps.isnan().all() else torch.nan
