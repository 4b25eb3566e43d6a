"""Decide when a run has time for figures."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["FigureBudget"]

# What a monitor may cost, measuring and drawing together: a share of a run's time if measurements are this many seconds
# apart, else a number of seconds for each.
_SHARE, _FAR_APART = 0.05, 20.0
_SECONDS_EACH = 0.3
_FIRST_GUESS = 1.0  # seconds to draw the figures of a measurement, before any were drawn


class FigureBudget:
    """Thin out the figures of a run, so that the monitor takes at most 5 % of its time.

    If a measurement comes more often than every 20 s, the monitor takes at most 0.3 s for each instead. Measuring
    counts as well, but is never left out: what is measured depends on no clock. Time for one more drawing is always
    kept back, for the last measurement.

    Args:
        clock: Function that returns the time in seconds. The run begins now.

    >>> budget = FigureBudget()
    >>> budget.has_time(measuring=0.5)  # at once: there is nothing to take a share of yet
    False
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._start = clock, clock()
        self._measurements = 0
        self._spent = 0.0
        self._one_drawing = _FIRST_GUESS

    def has_time(self, measuring: float) -> bool:
        """Count a measurement that took so many seconds, and return whether its figures can be drawn now."""
        self._measurements += 1
        self._spent += measuring
        elapsed = self._clock() - self._start
        is_far_apart = elapsed >= _FAR_APART * self._measurements
        allowance = _SHARE * elapsed if is_far_apart else _SECONDS_EACH * self._measurements
        return self._spent + 2 * self._one_drawing <= allowance

    def count_drawing(self, seconds: float) -> None:
        """Count the time that the figures of a measurement took."""
        self._spent += seconds
        self._one_drawing = seconds
