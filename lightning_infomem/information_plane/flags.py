"""What is doubtful about a point of the plane, whatever the estimator."""

from __future__ import annotations

import math

__all__ = ["flags_of"]

_SATURATED = 0.99  # of log N


def flags_of(
    input_information: float, label_information: float, *, num_samples: int, label_entropy: float
) -> dict[str, str]:
    """Name -> what a reader should know.

    Args:
        input_information: I(X;T), nats; of NaN, where a method gives none, nothing is said.
        label_information: I(T;Y), nats; NaN as well.
        num_samples: that it was estimated from.
        label_entropy: H(Y) of their labels, nats.

    Returns:
        "saturated" (I(X;T) above .99 log N: nearly every sample has a value of its own, so the estimate tells the
        number of samples and not the layer), "data_processing" (I(T;Y) above I(X;T)), "above_label_entropy" (I(T;Y)
        above H(Y)), "negative" (an estimate below 0).
    """
    flags: dict[str, str] = {}
    tolerance = 1e-9
    if input_information > _SATURATED * math.log(num_samples):
        flags["saturated"] = (
            f"I(X;T) is {input_information:.3g} nats, of at most log N = {math.log(num_samples):.3g}: nearly every "
            "sample has a value of its own; the estimate tells their number"
        )
    if label_information > input_information + tolerance:
        flags["data_processing"] = "I(T;Y) is above I(X;T), which no network can do: the estimates are not of one kind"
    if label_information > label_entropy + tolerance:
        flags["above_label_entropy"] = f"I(T;Y) is above the entropy of the labels, {label_entropy:.3g} nats"
    if any(value < -tolerance for value in (input_information, label_information)):  # of NaN a minimum may be NaN
        flags["negative"] = "an estimate is below 0, which no mutual information is"
    return flags
