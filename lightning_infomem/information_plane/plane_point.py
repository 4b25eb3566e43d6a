"""Point of the information plane, with the kind of number that each coordinate is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Protocol

from torch import Tensor

from lightning_infomem.information_plane.discrete import discrete_entropy
from lightning_infomem.information_plane.flags import flags_of

__all__ = ["Kind", "PlaneEstimator", "PlanePoint"]

# Relation of an estimate to the mutual information of the network as measured. A plug-in estimate on quantised
# activations is exact for those; for the activations themselves it is neither exact nor a bound.
Kind = Literal["exact", "lower", "upper", "neither"]


@dataclass(frozen=True, eq=False)
class PlanePoint:
    """I(X;T) and I(T;Y) of one layer by one estimator.

    Attributes:
        estimator: Class name of the estimator.
        parameters: All parameters as plain numbers and strings, including those chosen from the data.
        input_information: I(X;T) in nats; NaN if the method does not estimate it.
        label_information: I(T;Y) in nats; NaN if the method does not estimate it.
        input_kind: Whether ``input_information`` is exact, a lower or upper bound, or neither.
        label_kind: Whether ``label_information`` is exact, a lower or upper bound, or neither.
        num_samples: Number of samples used.
        num_units: Number of units in the layer.
        flags: Flag name -> reason to doubt the point.
        scores: Name -> other quantities that the method measured; information is in nats.
    """

    estimator: str
    parameters: Mapping[str, float | int | str]
    input_information: float
    label_information: float
    input_kind: Kind
    label_kind: Kind
    num_samples: int
    num_units: int
    flags: Mapping[str, str] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def measured(
        cls,
        estimator: Any,
        hidden: Tensor,
        labels: Tensor,
        input_information: float,
        label_information: float,
        *,
        input_kind: Kind = "neither",
        label_kind: Kind = "neither",
        chosen: Mapping[str, float | int | str] | None = None,
        flags: Mapping[str, str] | None = None,
        scores: Mapping[str, float] | None = None,
    ) -> PlanePoint:
        """Build the point of an estimator and add the flags that apply to any estimator.

        Args:
            estimator: Estimator, a dataclass of its parameters; a parameter that is None was not given.
            hidden: Activations ``[samples, units]``.
            labels: Class of each sample, ``[samples]``.
            input_information: I(X;T) in nats.
            label_information: I(T;Y) in nats.
            input_kind: Kind of ``input_information``.
            label_kind: Kind of ``label_information``.
            chosen: Parameters chosen from the data.
            flags: Additional flags of this method.
            scores: Other quantities that the method measured.
        """
        given = {each.name: getattr(estimator, each.name) for each in fields(estimator)}
        parameters = {
            name: value if isinstance(value, (int, float, str)) else str(value)
            for name, value in given.items()
            if value is not None
        }
        informations, num_samples = (input_information, label_information), len(hidden)
        doubts = flags_of(*informations, num_samples=num_samples, label_entropy=discrete_entropy(labels))
        return cls(
            type(estimator).__name__,
            {**parameters, **(chosen or {})},
            *informations,
            input_kind,
            label_kind,
            num_samples,
            num_units=hidden.shape[1],
            flags={**doubts, **(flags or {})},
            scores=dict(scores or {}),
        )

    @property
    def input_bits(self) -> float:
        """I(X;T) in bits."""
        return self.input_information / math.log(2)

    @property
    def label_bits(self) -> float:
        """I(T;Y) in bits."""
        return self.label_information / math.log(2)


class PlaneEstimator(Protocol):
    """Protocol of an estimator of both coordinates; each is a frozen dataclass of its parameters."""

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Estimate I(X;T) and I(T;Y).

        Args:
            hidden: Activations T of one layer, float ``[samples, ...]``.
            labels: Classes Y, integer ``[samples]``.
            inputs: Inputs X, float ``[samples, ...]``; only some methods use them.
        """
