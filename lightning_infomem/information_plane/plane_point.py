"""One point of the information plane, and what kind of number each of its coordinates is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Protocol

from torch import Tensor

from lightning_infomem.information_plane.discrete import discrete_entropy
from lightning_infomem.information_plane.flags import flags_of

__all__ = ["Kind", "PlaneEstimator", "PlanePoint"]

# What an estimate is of the mutual information of the network as it is measured: the value of a plug-in on a quantiser
# is exact for the quantised activations, and of the activations themselves it is none of the four.
Kind = Literal["exact", "lower", "upper", "neither"]


@dataclass(frozen=True, eq=False)
class PlanePoint:
    """I(X;T) and I(T;Y) of one layer by one estimator.

    Attributes:
        estimator: name of its class.
        parameters: all of them, plain numbers and strings, those that were chosen by the data too.
        input_information: I(X;T), nats; NaN where the method gives none.
        label_information: I(T;Y), nats; NaN where the method gives none.
        input_kind: what ``input_information`` is.
        label_kind: what ``label_information`` is.
        num_samples: rows that were looked at.
        num_units: of the layer.
        flags: name -> what a reader should know before believing the point.
        scores: name -> what else the method measured on the way, nats where it is an information.
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
        *,
        input_information: float,
        label_information: float,
        input_kind: Kind,
        label_kind: Kind,
        chosen: Mapping[str, float | int | str] | None = None,
        flags: Mapping[str, str] | None = None,
        scores: Mapping[str, float] | None = None,
    ) -> PlanePoint:
        """Make the point of an estimator, with what is doubtful about any such point.

        Args:
            estimator: the dataclass of its parameters; those that are None were not given.
            hidden: ``[samples, units]``.
            labels: ``[samples]``.
            input_information: see above, as the rest.
            label_information: see above.
            input_kind: see above.
            label_kind: see above.
            chosen: parameters that were chosen by the data.
            flags: of this method alone.
            scores: see above.
        """
        given = {each.name: getattr(estimator, each.name) for each in fields(estimator)}
        parameters = {
            name: value if isinstance(value, (int, float, str)) else str(value)
            for name, value in given.items()
            if value is not None
        }
        doubts = flags_of(
            input_information,
            label_information,
            num_samples=len(hidden),
            label_entropy=discrete_entropy(labels),
        )
        return cls(
            type(estimator).__name__,
            {**parameters, **(chosen or {})},
            input_information,
            label_information,
            input_kind,
            label_kind,
            num_samples=len(hidden),
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
    """A way to estimate both coordinates from samples of a layer; each is a frozen dataclass of its parameters."""

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Estimate I(X;T) and I(T;Y).

        Args:
            hidden: float ``[samples, ...]``, the activations T of a layer.
            labels: integers ``[samples]``, the classes Y.
            inputs: float ``[samples, ...]``, X; only some methods look at it.
        """
