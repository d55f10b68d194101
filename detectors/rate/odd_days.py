"""On how many of its days a poll had a window that steady traffic hardly ever has. It must not know what is made of it.

A chance says something only where the traffic is of the kind that it is computed for. A poll that has its burst on every
second day is not, however its spread is learned: it is asked for less of a chance, and the highest of its days, which are its own
measure, decide.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.columns import Bools, Floats
from detectors.rate.params import DAY_MS, RateParams

ODD_CHANCE = 0.0025
"""Chance below which a window is odd: steady traffic has one on about one day in fourteen."""
_MEMORY_DAYS, _FIRST_SHARE, _FIRST_DAYS = 28.0, 0.1, 5.0
_STEADY_SHARE, _BURSTING_SHARE, _LEAST_ASKED = 0.17, 0.4, 0.3
_TODAY, _ODD, _DAYS = range(3)


class OddDays:
    """Odd days and days for each row, fading over four weeks: 24 bytes a row."""

    def __init__(self, params: RateParams) -> None:
        self._window_ms = params.window_ms
        self._days = np.zeros((3, 0))

    def make_room(self, more: int) -> None:
        """Add so many rows."""
        self._days = np.concatenate([self._days, np.zeros((3, more))], axis=1)

    def begin(self, row: int) -> None:
        """Begin a row that knows nothing: it counts as steady."""
        self._days[:, row] = (0.0, _FIRST_SHARE * _FIRST_DAYS, _FIRST_DAYS)

    def asked(self, rows: int) -> Floats:
        """Return for the first `rows` rows which part of a budget's nats is asked: 1 of steady ones, 0.3 where bursts are daily fare."""
        share = self._days[_ODD, :rows] / self._days[_DAYS, :rows]
        bursting = (share - _STEADY_SHARE) / (_BURSTING_SHARE - _STEADY_SHARE)
        asked: Floats = 1.0 - (1.0 - _LEAST_ASKED) * np.clip(bursting, 0.0, 1.0)
        return asked

    def learn(self, window: int, odd: Bools) -> None:
        """Take whether a window is odd, for each row; the last one of a day closes it."""
        today, odd_days, days = self._days[:, : len(odd)]
        np.maximum(today, odd, out=today)
        if (window + 1) * self._window_ms // DAY_MS == window * self._window_ms // DAY_MS:
            return
        fades = 1.0 / _MEMORY_DAYS
        odd_days += today + fades * (_FIRST_SHARE * _FIRST_DAYS - odd_days)
        days += 1.0 + fades * (_FIRST_DAYS - days)
        today[:] = 0.0

    def snapshot(self, rows: int) -> bytes:
        """Return the state of the first `rows` rows as plain data."""
        return self._days[:, :rows].tobytes()

    def restore(self, state: Any, rows: int) -> None:
        """Take over what `snapshot` returned."""
        self._days[:, :rows] = np.frombuffer(state).reshape(3, rows)
