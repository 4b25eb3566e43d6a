"""Flags that apply to a point of the plane whatever the estimator."""

from __future__ import annotations

import math

__all__ = ["flags_of"]

_SATURATED = 0.99  # fraction of log N


def flags_of(
    input_information: float, label_information: float, *, num_samples: int, label_entropy: float
) -> dict[str, str]:
    """Collect the reasons to doubt a point.

    Args:
        input_information: I(X;T) in nats; NaN (the method does not estimate it) raises no flag.
        label_information: I(T;Y) in nats; NaN raises no flag.
        num_samples: Number of samples behind the estimate.
        label_entropy: H(Y) of their labels, in nats.

    Returns:
        Flag name -> explanation. The flags are "saturated" (I(X;T) above .99 log N: nearly every sample has its own
        value, so the estimate reflects the number of samples rather than the layer), "data_processing" (I(T;Y) above
        I(X;T)), "above_label_entropy" (I(T;Y) above H(Y)) and "negative" (an estimate below 0).
    """
    flags: dict[str, str] = {}
    tolerance = 1e-9
    if input_information > _SATURATED * math.log(num_samples):
        flags["saturated"] = (
            f"I(X;T) is {input_information:.3g} nats out of at most log N = {math.log(num_samples):.3g}: nearly every "
            "sample has its own value, so the estimate reflects the number of samples"
        )
    if label_information > input_information + tolerance:
        flags["data_processing"] = "I(T;Y) is above I(X;T), which is impossible: the estimates are not of one kind"
    if label_information > label_entropy + tolerance:
        flags["above_label_entropy"] = f"I(T;Y) is above the entropy of the labels, {label_entropy:.3g} nats"
    if any(value < -tolerance for value in (input_information, label_information)):  # min() would propagate NaN
        flags["negative"] = "an estimate is below 0, but mutual information never is"
    return flags
