"""What the open window should bring, by series, and how many votes a span must have at least to be looked at. It judges nothing.

What is expected of the open window does not change before it is over, so steps that end no window ask for it once a series.
"""

from __future__ import annotations

import numpy as np

from detectors.columns import Floats, Int64s, distinct
from detectors.rate.params import LESSON_WINDOWS
from detectors.rate.reading import levels_of
from detectors.rate.series import SeriesStates
from detectors.rate.spikes import SpikeTests


class Bars:
    """The bars of the open window. State: none that has to be kept; 41 bytes a series."""

    def __init__(self, tests: SpikeTests, states: SeriesStates) -> None:
        self._tests, self._states = tests, states
        self._window = -1
        self._known = np.zeros(0, np.bool_)
        self._least = np.zeros((len(tests.params.spans_ms), 0))
        self._mean = np.zeros(0)

    def of(self, rows: Int64s, window: int) -> Floats:
        """Return the votes that a span of each length must have at least (spans x rows); infinite for a poll that begins."""
        self._look_up(rows, window)
        least: Floats = self._least[:, rows]
        return least

    def mean_of(self, rows: Int64s, window: int) -> Floats:
        """Return the votes expected of the whole window; infinite for a poll that begins."""
        self._look_up(rows, window)
        mean: Floats = self._mean[rows]
        return mean

    def _look_up(self, rows: Int64s, window: int) -> None:
        if window != self._window or len(self._known) < self._states.rows.used:
            self._window = window
            self._known = np.zeros(2 * self._states.rows.used, np.bool_)
            self._least = np.zeros((len(self._least), len(self._known)))
            self._mean = np.zeros(len(self._known))
        unknown = distinct(rows[~self._known[rows]])
        if len(unknown):
            start = window // LESSON_WINDOWS * LESSON_WINDOWS
            outlook = self._states.judged(unknown, start, window - start).outlook
            levels = levels_of(self._states, outlook, unknown, np.arange(len(unknown)), window - start)
            self._least[:, unknown] = [self._tests.least(levels, number) for number in range(len(self._least))]
            self._mean[unknown] = levels.mean
            self._known[unknown] = True

    def drop(self, rows: list[int]) -> None:
        """Forget the bars of these rows: they stand for other series now."""
        self._known[[row for row in rows if row < len(self._known)]] = False
