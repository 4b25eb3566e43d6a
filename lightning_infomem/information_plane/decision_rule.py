"""Information of a network's decisions about its inputs and the classes."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from lightning_infomem._errors import UsageValueError
from lightning_infomem.information_plane.discrete import discrete_entropy, discrete_information
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.information_plane.plane_samples import check_plane_samples

__all__ = ["DecisionRule"]


@dataclass(frozen=True)
class DecisionRule:
    """Compute the information of the decision, the class of the largest logit: I(X;Yhat) = H(Yhat) and I(Y;Yhat).

    This is exact and cheap, whatever the width and depth of the network: the decision takes few values, and a
    deterministic network makes one decision per input. It is exact for these samples. If they are few for the number of
    classes, I(Y;Yhat) exceeds its value under the underlying distribution by about ``(classes - 1)^2 / (2 samples)``
    nats. Do not use it on hidden layers: pass the logits (or probabilities) of the network.

    For a perfect classifier of balanced classes both coordinates are ``log(classes)``; for one that always predicts the
    same class both are 0. Tied logits decide for the first of the tied classes. Information is not accuracy: a network
    that confuses the classes in a fixed way loses nothing here.

    Raises:
        ValueError: If there are fewer than two logits, or more classes among the labels than logits.

    Cost:
        Time ``samples * classes``.

    Reference:
        Closed form: entropies of the contingency table of decisions and labels.

    >>> import torch
    >>> logits, labels = torch.tensor([[2.0, 1.0], [3.0, 0.0], [0.0, 1.0], [0.5, 1.0]]), torch.tensor([0, 0, 1, 1])
    >>> point = DecisionRule().estimate(logits, labels)
    >>> round(point.input_bits, 6), round(point.label_bits, 6)
    (1.0, 1.0)
    """

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Compute both coordinates of the decisions; see `PlaneEstimator`.

        Args:
            hidden: Logits, float ``[samples, classes]``.
            labels: Class of each sample, integer ``[samples]``.
            inputs: Ignored.
        """
        hidden, labels = check_plane_samples(hidden, labels, estimator="DecisionRule")
        if hidden.shape[1] < 2:
            raise UsageValueError(
                f"DecisionRule: hidden: a logit for each of at least two classes is required, got {hidden.shape[1]} "
                "per sample; for a single logit z pass torch.cat([-z, z], 1)."
            )
        num_classes = int(labels.max()) + 1
        if num_classes > hidden.shape[1]:
            raise UsageValueError(
                f"DecisionRule: hidden: a logit for each of the {num_classes} classes of the labels is required, got "
                f"{hidden.shape[1]}; pass the outputs of the network, not a hidden layer."
            )
        decisions = hidden.argmax(1)
        information = discrete_entropy(decisions), discrete_information(decisions, labels)
        return PlanePoint.measured(self, hidden, labels, *information, input_kind="exact", label_kind="exact")
