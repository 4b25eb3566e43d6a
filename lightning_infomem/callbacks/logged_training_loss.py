"""The mean training loss that the Trainer of Hugging Face transformers has logged."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["logged_training_loss"]


def logged_training_loss(log_history: Sequence[Mapping[str, Any]], since: int) -> float | None:
    """Return the mean training loss of the steps after a given one, as far as it was logged.

    Args:
        log_history: Entries of ``TrainerState.log_history``: "loss" is the mean since the previous such entry.
        since: Step after which entries count; an entry that spans it counts whole.

    Returns:
        The mean; of the last entry if none came later. None if there is no entry, or the mean is not finite.

    >>> logged_training_loss([{"loss": 9.0, "step": 10}, {"loss": 3.0, "step": 20}, {"loss": 2.0, "step": 40}], 10)
    2.3333333333333335
    """
    before, weighted = 0, []
    for entry in log_history:
        if "loss" in entry:
            weighted.append((entry["step"] - before, entry["loss"], entry["step"]))
            before = entry["step"]
    counted = [each for each in weighted if each[2] > since] or weighted[-1:]
    steps = sum(count for count, *_ in counted)
    mean = sum(count * loss for count, loss, _ in counted) / steps if steps else math.nan
    return mean if math.isfinite(mean) else None
