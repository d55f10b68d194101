"""What the polls of a shard have in common: how fast they begin, how far counts stray at each age, how they rise together.

River keeps every one of these means. A poll too young to know these things of itself borrows them.
"""

from __future__ import annotations

import math

import numpy as np
from river import stats

from detectors.columns import Floats, Int64s

_CLASS_STARTS = (0, 1, 2, 4, 8, 16, 32)
_BEFORE_DISPERSION = (4.0, 1.0, 0.5, 0.3, 0.2, 0.1, 0.05)
_BEFORE_WANDER = 0.05
_LEAST_SHARE = 0.1
"""What is left at least of the dispersion assumed before anything was seen: the calmest polls promise nothing for others."""
_BEFORE_BUNCHING = (0.1, 0.1, 0.1)
_CLASS_OF_AGE = np.searchsorted(_CLASS_STARTS, np.arange(_CLASS_STARTS[-1] + 1), "right") - 1

_PACE = 0.1
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

    def mix(self, values: Floats, weight: Floats) -> None:
        """Take the weighted mean of some values, drawn to what is known where they weigh little together."""
        total = math.fsum(weight.tolist())
        if total > 0:
            seen = math.fsum((values * weight).tolist()) / total
            self.update((self.get() + total * seen) / (1 + total))

    def get(self) -> float:
        return float(self._mean.get())


class ShardPrior:
    """The common numbers of a shard's polls. State: 17 floats."""

    def __init__(self) -> None:
        self._dispersion = [_Known(_PACE, before) for before in _BEFORE_DISPERSION]
        self._wander = _Known(_PACE, _BEFORE_WANDER)
        self._bunching = [_Known(_PACE, before) for before in _BEFORE_BUNCHING]
        self._tail = _Known(_PACE, 1.0)
        self._rate = _Known(0.1, 1.0)
        self._rate_square = _Known(0.1, 10.0)
        self._tide_votes = _Known(_TIDE_PACE, 0.0)
        self._tide_expected = _Known(_TIDE_PACE, 0.0)
        self.publish()

    def dispersion(self, age: Floats) -> Floats:
        """Return the usual dispersion of polls of these ages (windows)."""
        values: Floats = self.dispersion_of_class[_class_of(age)]
        return values

    def learn_dispersion(self, age: Floats, seen: Floats, weight: Floats) -> None:
        """Take the dispersions seen in a lesson's windows, of polls of these ages."""
        of = _class_of(age)
        for number, known in enumerate(self._dispersion):
            known.mix(seen[of == number], weight[of == number])

    def learn_bunching(self, number: int, seen: Floats, weight: Floats) -> None:
        """Take the relative variances that spans (the shortest is number 0) had within a lesson's windows."""
        self._bunching[number].mix(seen, weight)

    def learn_tail(self, seen: Floats, weight: Floats) -> None:
        """Take how far, in nats, windows of a lesson went beyond the threshold of surprise."""
        self._tail.mix(seen, weight)

    def learn_wander(self, seen: Floats, weight: Floats) -> None:
        """Take the relative variances of block sums that just ended."""
        self._wander.mix(seen, weight)

    def learn_start(self, rates: list[float]) -> None:
        """Take the rates (votes per window) of polls in their first window."""
        for rate in sorted(rates):
            self._rate.update(rate)
            self._rate_square.update(rate * rate)

    def learn_tide(self, votes: Floats, expected: float) -> None:
        """Take what grown polls got together in each window of a lesson, and what was expected of them in one."""
        for window_votes in votes.tolist():
            self._tide_votes.update(window_votes)
            self._tide_expected.update(expected)

    def publish(self) -> None:
        """Make what was learned count from now on: called between lessons only."""
        learned = np.array([known.get() for known in self._dispersion])
        self.dispersion_of_class = np.maximum(learned, _LEAST_SHARE * np.array(_BEFORE_DISPERSION))
        self.wander = max(self._wander.get(), _LEAST_SHARE * _BEFORE_WANDER)
        self.tail = max(self._tail.get(), 1.0)
        self.bunching = [known.get() for known in self._bunching]
        self.rate = max(self._rate.get(), 1e-6)
        variance = max(self._rate_square.get() - self.rate**2, 1e-12)
        self.shape = min(max(self.rate**2 / variance, _LEAST_SHAPE), _MOST_SHAPE)
        votes, expected = self._tide_votes.get(), self._tide_expected.get()
        self.tide = max(1.0, (votes + _TIDE_DOUBT_VOTES) / (expected + _TIDE_DOUBT_VOTES))

    def _all(self) -> list[_Known]:
        alone = [self._wander, self._tail, self._rate, self._rate_square, self._tide_votes, self._tide_expected]
        return [*self._dispersion, *self._bunching, *alone]

    def snapshot(self) -> list[float]:
        """Return the state as plain numbers."""
        return [known.get() for known in self._all()]

    def restore(self, state: list[float]) -> None:
        """Take over what `snapshot` returned."""
        for known, value in zip(self._all(), state, strict=True):
            known.set(value)
        self.publish()


def _class_of(age: Floats) -> Int64s:
    classes: Int64s = _CLASS_OF_AGE[np.clip(age, 0, _CLASS_STARTS[-1]).astype(np.int64)]
    return classes
