"""Sample limit for estimators whose cost grows fast; nothing is subsampled silently."""

from __future__ import annotations

from lightning_infomem._errors import UsageValueError

__all__ = ["check_affordable_samples"]


def check_affordable_samples(num_samples: int, limit: int, *, estimator: str, cost: str = "time is quadratic") -> None:
    """Raise if there are more samples than the estimator accepts.

    Args:
        num_samples: Number of samples given.
        limit: Largest number of samples the estimator accepts.
        estimator: Name of the estimator; the message starts with it.
        cost: What makes so many samples expensive; part of the message.

    Raises:
        ValueError: If ``num_samples`` exceeds ``limit``.
    """
    if num_samples > limit:
        raise UsageValueError(
            f"{estimator}: hidden: at most {limit} samples are required, got {num_samples}: {cost}; pass fewer samples "
            f"or set max_samples={num_samples}."
        )
