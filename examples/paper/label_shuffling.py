"""Draw random labels for a share of the examples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["shuffle_labels"]


def shuffle_labels(
    labels: NDArray[np.int64], share: float, num_classes: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Redraw each label with probability ``share``, uniformly from all classes.

    The true class may be drawn again, so that ``share * (1 - 1 / num_classes)`` of the labels change. For one state of
    the generator, a label that is random at a smaller share is random, and the same, at a larger one.

    >>> true = np.zeros(1000, np.int64)
    >>> half = shuffle_labels(true, 0.5, 4, np.random.default_rng(0))
    >>> bool(abs((half != true).mean() - 0.375) < 0.05)
    True
    """
    drawn_anew = generator.random(len(labels)) < share
    return np.where(drawn_anew, generator.integers(0, num_classes, len(labels)), labels)
