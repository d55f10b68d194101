"""The highest sums of each day, and how far one of today lies above those of the days before. It must not know of rhythms.

What matters stands out of a poll's days, not of its hours: many polls have a burst a day, and whoever reads them would not
call it news. Highest votes are compared by their logarithms, for bursts differ by factors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.columns import Floats, Int64s
from detectors.rate.params import DAY_MS, RateParams

_MEMORY_DAYS, _FEWEST_DAYS = 28.0, 1
_FEW_VOTES = 3.0
_FIRST_DEVIATION, _FIRST_DEVIATION_DAYS = 0.4, 6.0
_TODAY, _MEAN, _VARIANCE = range(3)


class Highs:
    """Highest sum of today, mean and variance of the logarithms of those before, for each row: 24 bytes a sum."""

    def __init__(self, params: RateParams, sums: int) -> None:
        self._window_ms = params.window_ms
        self._days = np.zeros((3, sums, 0))

    def make_room(self, more: int) -> None:
        """Add so many rows."""
        self._days = np.concatenate([self._days, np.zeros((*self._days.shape[:2], more))], axis=2)

    def begin(self, row: int) -> None:
        """Begin a row that knows nothing."""
        self._days[:, :, row] = 0.0

    def above(self, window: int, counts: Floats, age: Int64s) -> Floats:
        """Return deviations of sums (sums x rows) above the highest of the days before; without end before a day is over."""
        _, mean, variance = self._days[:, :, : len(age)]
        known = self._known_days(window, age)
        days = np.minimum(known, _MEMORY_DAYS)
        spread = (variance * days + _FIRST_DEVIATION**2 * _FIRST_DEVIATION_DAYS) / (days + _FIRST_DEVIATION_DAYS)
        far: Floats = (np.log(counts + _FEW_VOTES) - mean) / np.sqrt(spread)
        return np.where(known >= _FEWEST_DAYS, far, np.inf)

    def learn(self, window: int, counts: Floats, age: Int64s) -> None:
        """Take the sums that end with a window; the last one of a day closes it (mean and variance as West 1979)."""
        today, mean, variance = self._days[:, :, : len(age)]
        np.maximum(today, counts, out=today)
        if self._day(window + 1) == self._day(window):
            return
        pace = 1.0 / np.minimum(self._known_days(window, age) + 1.0, _MEMORY_DAYS)
        far = np.log(today + _FEW_VOTES) - mean
        mean += pace * far
        variance += pace * (far * far * (1.0 - pace) - variance)
        today[:] = 0.0

    def _known_days(self, window: int, age: Int64s) -> Int64s:
        return self._day(window) - (window - age) * self._window_ms // DAY_MS

    def _day(self, window: int) -> int:
        return window * self._window_ms // DAY_MS

    def snapshot(self, rows: int) -> bytes:
        """Return the state of the first `rows` rows as plain data."""
        return self._days[..., :rows].tobytes()

    def restore(self, state: Any, rows: int) -> None:
        """Take over what `snapshot` returned."""
        self._days[..., :rows] = np.frombuffer(state).reshape(*self._days.shape[:2], rows)
