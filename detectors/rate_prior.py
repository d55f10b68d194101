"""What the polls of a shard have in common: how fast they begin, how far counts stray at each age, how they rise together.

River keeps every one of these means, fed once a window. A poll too young to know these things of itself borrows them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from river import stats

from detectors.columns import Floats, Int64s

_CLASS_STARTS = (0, 1, 2, 4, 8, 16, 32)
_BEFORE_DISPERSION = (4.0, 1.0, 0.5, 0.3, 0.2, 0.1, 0.05)
_BEFORE_WANDER = 0.05
_BEFORE_CLUMPING = 1.2
_CLASS_OF_AGE = np.searchsorted(_CLASS_STARTS, np.arange(_CLASS_STARTS[-1] + 1), "right") - 1

_PACE = 0.02
_TIDE_PACE = 1 / 30
_TIDE_DOUBT_VOTES = 20.0
_LEAST_SHAPE, _MOST_SHAPE = 0.05, 1.0


class _Known:
    """A River mean with fading memory, restored from its value: after one update it is the value it was given."""

    def __init__(self, pace: float, value: float) -> None:
        self._pace = pace
        self.set(value)

    def set(self, value: float) -> None:
        self._mean = stats.EWMean(self._pace)
        self._mean.update(value)

    def update(self, value: float) -> None:
        self._mean.update(value)

    def get(self) -> float:
        return float(self._mean.get())


class ShardPrior:
    """The common numbers of a shard's polls. State: 14 floats."""

    def __init__(self) -> None:
        self._dispersion = [_Known(_PACE, before) for before in _BEFORE_DISPERSION]
        self._wander = _Known(_PACE, _BEFORE_WANDER)
        self._clumping = _Known(_PACE, _BEFORE_CLUMPING)
        self._rate = _Known(0.1, 1.0)
        self._rate_square = _Known(0.1, 10.0)
        self._tide_votes = _Known(_TIDE_PACE, 0.0)
        self._tide_expected = _Known(_TIDE_PACE, 0.0)
        self._publish()

    def _publish(self) -> None:
        self.dispersion_of_class = np.array([known.get() for known in self._dispersion])
        self.wander = self._wander.get()
        self.clumping = self._clumping.get()
        self.rate = max(self._rate.get(), 1e-6)
        variance = max(self._rate_square.get() - self.rate**2, 1e-12)
        self.shape = min(max(self.rate**2 / variance, _LEAST_SHAPE), _MOST_SHAPE)
        votes, expected = self._tide_votes.get(), self._tide_expected.get()
        self.tide = max(1.0, (votes + _TIDE_DOUBT_VOTES) / (expected + _TIDE_DOUBT_VOTES))

    def dispersion(self, age: Floats) -> Floats:
        """Return the usual dispersion of polls of these ages (windows)."""
        values: Floats = self.dispersion_of_class[_class_of(age)]
        return values

    def learn_dispersion(self, age: Floats, seen: Floats, weight: Floats) -> None:
        """Take the dispersion seen in one window of polls of these ages."""
        of = _class_of(age)
        weights = np.bincount(of, weight, len(_CLASS_STARTS)).tolist()
        sums = np.bincount(of, weight * seen, len(_CLASS_STARTS)).tolist()
        for known, total, weighed in zip(self._dispersion, sums, weights, strict=True):
            if weighed > 0:
                pull = weighed / (1 + weighed)
                known.update(known.get() * (1 - pull) + pull * total / weighed)
        self.dispersion_of_class = np.array([known.get() for known in self._dispersion])

    def learn_clumping(self, seen: float) -> None:
        """Take the mean variance-to-mean ratio of short spans seen in one window."""
        self._clumping.update(seen)

    def learn_wander(self, seen: float) -> None:
        """Take the mean relative variance of block sums that just ended."""
        self._wander.update(seen)

    def learn_start(self, rates: list[float]) -> None:
        """Take the rates (votes per window) of polls that ended their first window."""
        for rate in sorted(rates):
            self._rate.update(rate)
            self._rate_square.update(rate * rate)

    def learn_tide(self, votes: float, expected: float) -> None:
        """Take what grown polls got together in one window, and what was expected of them."""
        self._tide_votes.update(votes)
        self._tide_expected.update(expected)

    def close_window(self) -> None:
        """Make what was learned in this window count from the next one on."""
        self._publish()

    def _all(self) -> list[_Known]:
        alone = [self._wander, self._clumping, self._rate, self._rate_square, self._tide_votes, self._tide_expected]
        return [*self._dispersion, *alone]

    def snapshot(self) -> list[float]:
        """Return the state as plain numbers."""
        return [known.get() for known in self._all()]

    def restore(self, state: list[float]) -> None:
        """Take over what `snapshot` returned."""
        for known, value in zip(self._all(), state, strict=True):
            known.set(value)
        self._publish()


def _class_of(age: Floats) -> Int64s:
    classes: Int64s = _CLASS_OF_AGE[np.minimum(age, _CLASS_STARTS[-1]).astype(np.int64)]
    return classes


class PollStatistics:
    """One River mean with fading memory for each poll row; its value stands in a column beside it. 160 bytes a row."""

    def __init__(self, pace: float) -> None:
        self._pace = pace
        self._means: dict[int, Any] = {}

    def begin(self, row: int, value: float) -> None:
        """Start a row at a value, in a new poll or from a snapshot."""
        mean = stats.EWMean(self._pace)
        mean.update(value)
        self._means[row] = mean

    def update(self, rows: list[int], values: list[float]) -> list[float]:
        """Take one value for each row; returns the means after it."""
        after = []
        for row, value in zip(rows, values, strict=True):
            mean = self._means[row]
            if math.isfinite(value):
                mean.update(value)
            after.append(mean.get())
        return after

    def leave(self, row: int) -> None:
        """Forget a row."""
        del self._means[row]
