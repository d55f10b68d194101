"""When each line of a recording is due, from the times in it. Knows no clock."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from detectors.columns import Floats, Int64s
from streams.decode import Decoded

_NEIGHBOURS = 5
"""A line's time is the median of so many lines around it: one wrong clock neither holds up a replay nor hurries it."""
_TICK_S = 0.02
"""Lines due within so long go out together."""


class Pace:
    """The pace of one recording, `speed` times faster than recorded; 0 means that everything is due at once.

    `first_ms` is the recording's own time at its beginning.
    """

    def __init__(self, speed: float, ts_ms: Int64s) -> None:
        self._speed = speed
        self.first_ms = int(_smooth(ts_ms)[0])
        self._latest_s = 0.0

    def due_s(self, decoded: Decoded, lines: int) -> Floats:
        """Return when each of the next lines is due, in seconds since the first; never before the line before it."""
        due = np.zeros(lines)
        if self._speed:
            due[decoded.index] = (_smooth(decoded.ts_ms) - self.first_ms) / 1000 / self._speed
        due = np.maximum.accumulate(np.maximum(due, self._latest_s))
        self._latest_s = float(due.max(initial=self._latest_s))
        return np.ceil(due / _TICK_S) * _TICK_S


def _smooth(ts_ms: Int64s) -> Floats:
    if not len(ts_ms):
        return np.zeros(0)
    around = np.pad(ts_ms, _NEIGHBOURS // 2, mode="reflect")
    median: Floats = np.median(sliding_window_view(around, _NEIGHBOURS), axis=1)
    return median
