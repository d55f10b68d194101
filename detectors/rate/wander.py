"""What the hours just before let expect of a sum, and how far sums stray from that. It must not know of budgets or bars.

Traffic wanders: a busy hour follows a busy hour, and is no news. For each row and length of sum it is learned how much of
what votes strayed from the usual stays (a regression of the sum on the two hours before it), and how far sums stray from what is
then expected. Both are learned from the core: what lies beyond 1.5 deviations counts as 1.5 (Huber 1964, Annals of Mathematical
Statistics 35, his second proposal), so that a poll full of bursts is as sharply seen as a calm one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.columns import Floats, Int64s

_BEFORE_WINDOWS, _FEW_VOTES, _MOST_STRAYED = 24.0, 3.0, 1.5
_MOST_STAYS, _SLOPE_DOUBT, _MOST_ABOVE = 0.9, 1.0, 1.0
_CORE_DEVIATIONS, _CORE_SQUARE = 1.5, 0.7785
"""E[min(z^2, 1.5^2)] of a normal variable z is 0.7785."""
_FIRST_VARIANCE, _LEAST_VARIANCE = 0.3, 0.003
_MEMORY_WINDOWS, _FIRST_WINDOWS = 2000.0, 20.0
_NEWTON_STEPS = 5
_FADED_VOTES, _FADED_USUAL = range(2)


def nats_above(votes: Floats, expected: Floats, variance: Floats) -> Floats:
    """Return at most -log P(X >= votes), for X Poisson around expected times a log-Gaussian factor of mean 1; arrays of one shape.

    min over x of x^2 / (2 variance) + v log(v / m) - v + m, with m = expected e^(x - variance / 2): the likeliest way in which
    wander (x) and counting make so many votes (a Chernoff bound of each; Newton's method). 0 for votes that are expected.
    `variance` is that of the factor's logarithm.

    >>> nats_above(np.array([5.0, 40.0]), np.array([10.0, 10.0]), np.array([0.1, 0.1])).round(2).tolist()
    [0.0, 8.08]
    """
    median = np.maximum(expected * np.exp(-0.5 * variance), 1e-9)
    counted = np.maximum(votes, median)
    x = np.log(counted / median) * variance / (variance + 1.0 / np.maximum(counted, 1e-9))
    for _ in range(_NEWTON_STEPS):
        mean = median * np.exp(x)
        x -= (x / variance - counted + mean) / (1.0 / variance + mean)
    mean = median * np.exp(x)
    nats: Floats = x * x / (2.0 * variance) + np.maximum(counted * np.log(counted / mean) - counted + mean, 0.0)
    return np.where(votes > expected, nats, 0.0)


class Wander:
    """Slopes and variances by row, for sums of some lengths. 400 bytes a row for four lengths up to 36 windows."""

    def __init__(self, lengths: tuple[int, ...]) -> None:
        self._lengths = lengths
        self._faded = np.zeros((2, 0))
        self._before = np.zeros((lengths[-1], 0))
        self._slope = np.zeros((2, len(lengths), 0))
        self.variance = np.zeros((len(lengths), 0))

    def make_room(self, more: int) -> None:
        """Add so many rows."""
        for name in ("_faded", "_before", "_slope", "variance"):
            now = getattr(self, name)
            setattr(self, name, np.concatenate([now, np.zeros((*now.shape[:-1], more))], axis=-1))

    def begin(self, row: int) -> None:
        """Begin a row that knows nothing."""
        self._faded[:, row] = self._before[:, row] = self._slope[:, :, row] = 0.0
        self.variance[:, row] = _FIRST_VARIANCE

    def factor(self, window: int, rows: int) -> Floats:
        """Return by what the usual of sums that end with a window (sums x rows) is multiplied, for the hours before them."""
        together, alone = self._slope[:, :, :rows]
        stays = np.clip(together / (alone + _SLOPE_DOUBT), 0.0, _MOST_STAYS)
        factor: Floats = np.exp(stays * self._strayed_before(window, rows))
        return factor

    def _strayed_before(self, window: int, rows: int) -> Floats:
        return self._before[[(window - length) % len(self._before) for length in self._lengths], :rows]

    def learn(self, window: int, votes: Floats, usual: Floats, factor: Floats, age: Int64s) -> None:
        """Learn the sums (sums x rows) that end with a window, those whose length divides its number; the first is that window."""
        before = self._strayed_before(window, len(age))
        memory = np.minimum(_MEMORY_WINDOWS, _FIRST_WINDOWS + age)
        for number, length in enumerate(self._lengths):
            if window % length == 0:
                mean = np.maximum(usual[number], 1e-9)
                weight = length * mean * mean / (3.0 + mean * mean)
                self._learn_slope(number, np.clip(votes[number] / mean - 1.0, -1.0, _MOST_ABOVE), before[number], weight)
                self._learn_variance(number, votes[number], mean * factor[number], weight / np.maximum(memory, length))
        self._fade(window, votes[0], usual[0])

    def _learn_slope(self, number: int, strayed: Floats, before: Floats, weight: Floats) -> None:
        slope = self._slope[:, number, : len(before)]
        slope *= 1.0 - self._lengths[number] / _MEMORY_WINDOWS
        slope += (weight * before * strayed, weight * before * before)

    def _learn_variance(self, number: int, votes: Floats, expected: Floats, pace: Floats) -> None:
        now = self.variance[number, : len(votes)]
        counting = 1.0 / expected
        far = votes / expected - 1.0
        core = np.minimum(far * far, _CORE_DEVIATIONS**2 * (now + counting)) / _CORE_SQUARE
        now += pace * (core - counting - now)
        np.maximum(now, _LEAST_VARIANCE, out=now)

    def _fade(self, window: int, votes: Floats, usual: Floats) -> None:
        faded = self._faded[:, : len(votes)]
        faded *= 1.0 - 1.0 / _BEFORE_WINDOWS
        faded += (votes, usual)
        ratio = (faded[_FADED_VOTES] + _FEW_VOTES) / (faded[_FADED_USUAL] + _FEW_VOTES)
        self._before[window % len(self._before), : len(votes)] = np.clip(np.log(ratio), -_MOST_STRAYED, _MOST_STRAYED)

    def snapshot(self, rows: int) -> list[bytes]:
        """Return the state of the first `rows` rows as plain data."""
        return [column[..., :rows].tobytes() for column in (self._faded, self._before, self._slope, self.variance)]

    def restore(self, state: list[Any], rows: int) -> None:
        """Take over what `snapshot` returned."""
        columns = (self._faded, self._before, self._slope, self.variance)
        for column, kept in zip(columns, state, strict=True):
            column[..., :rows] = np.frombuffer(kept).reshape(*column.shape[:-1], rows)
