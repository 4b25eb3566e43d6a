"""What the decisions of a network tell about its inputs and about the classes."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from lightning_infomem.information_plane.discrete import discrete_entropy, discrete_information
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.information_plane.plane_samples import check_plane_samples

__all__ = ["DecisionRule"]


@dataclass(frozen=True)
class DecisionRule:
    """Information of the decision, the class of the largest logit: I(X;Yhat) = H(Yhat), and I(Y;Yhat).

    Exact and cheap, whatever the width and depth of the network: the decision takes few values, and a deterministic
    network makes one for each input. Exact of these samples; where they are few for the number of classes,
    I(Y;Yhat) is above that of the distribution that they come from, by about ``(classes - 1)^2 / (2 samples)`` nats.
    Not for hidden layers: pass the logits (or probabilities) of the network. Of a perfect classifier of balanced
    classes both are ``log(classes)``; of one that always decides alike both are 0. Where logits are tied the first of
    the classes is decided for. A network that confuses the classes in a fixed way loses nothing here: information is
    no accuracy.

    Raises:
        ValueError: fewer than two logits, or more classes among the labels than logits.

    Cost:
        ``samples * classes``.

    Reference:
        Closed form: entropies of the table of decisions and labels.

    >>> import torch
    >>> logits, labels = torch.tensor([[2.0, 1.0], [3.0, 0.0], [0.0, 1.0], [0.5, 1.0]]), torch.tensor([0, 0, 1, 1])
    >>> point = DecisionRule().estimate(logits, labels)
    >>> round(point.input_bits, 6), round(point.label_bits, 6)
    (1.0, 1.0)
    """

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Compute both coordinates of the decisions; see `PlaneEstimator`. The inputs are not looked at.

        Args:
            hidden: float ``[samples, classes]``, the logits.
            labels: integers ``[samples]``.
            inputs: any.
        """
        hidden, labels = check_plane_samples(hidden, labels, estimator="DecisionRule")
        if hidden.shape[1] < 2:
            raise ValueError(
                f"DecisionRule: hidden: a logit for each of at least two classes is required, got {hidden.shape[1]} of "
                "each sample; of a single logit z pass torch.cat([-z, z], 1)."
            )
        num_classes = int(labels.max()) + 1
        if num_classes > hidden.shape[1]:
            raise ValueError(
                f"DecisionRule: hidden: a logit for each of the {num_classes} classes of the labels is required, got "
                f"{hidden.shape[1]}; pass the outputs of the network, not a hidden layer."
            )
        decisions = hidden.argmax(1)
        return PlanePoint.measured(
            self,
            hidden,
            labels,
            input_information=discrete_entropy(decisions),
            label_information=discrete_information(decisions, labels),
            input_kind="exact",
            label_kind="exact",
        )
