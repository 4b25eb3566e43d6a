"""A limit to the samples of methods whose cost grows fast; nothing is left out in silence."""

from __future__ import annotations

__all__ = ["check_affordable_samples"]


def check_affordable_samples(num_samples: int, limit: int, *, estimator: str, cost: str) -> None:
    """Require no more samples than the limit.

    Args:
        num_samples: that came.
        limit: that the estimator takes.
        estimator: its name, which begins the message.
        cost: what so many samples would cost, for the message.

    Raises:
        ValueError: there are more.
    """
    if num_samples > limit:
        raise ValueError(
            f"{estimator}: hidden: at most {limit} samples are required, got {num_samples}: {cost}; pass a part of the "
            f"samples, or allow it with max_samples={num_samples}."
        )
