"""How a poll's counts stray: dispersion, clumping and wander, kept by River, once a window, for each poll and the shard."""

from __future__ import annotations

from typing import Any

import numpy as np
from river import stats

from detectors import rate_columns as of
from detectors.columns import Bools, Floats, Int64s
from detectors.rate_drip import Drip
from detectors.rate_lesson import Lesson
from detectors.rate_params import BLOCK_LESSONS, BLOCK_WINDOWS
from detectors.rate_prior import ShardPrior

_PACE, _WANDER_PACE = 1 / 32, 1 / 8
_GROWN_WINDOWS = 64.0
_TIDE_MOST_VOTES = 10.0
_WORTH_AN_UPDATE = 0.05
"""Weight below which what a window tells of a poll is lost in noise; most windows of quiet polls cost nothing so."""


class _PollMeans:
    """One River mean with fading memory for each poll row; its value stands in a column of the state. 160 bytes a row."""

    def __init__(self, pace: float) -> None:
        self._pace = pace
        self._means: dict[int, Any] = {}

    def begin(self, row: int, value: float) -> None:
        """Start a row at a value: after one update a mean is the value it was given."""
        mean = stats.EWMean(self._pace)
        mean.update(value)
        self._means[row] = mean

    def update(self, values: Floats, rows: Int64s, seen: Floats, weight: Floats) -> None:
        """Take one window's value for each entry, drawn to the mean where it weighs less; `values` by row follow."""
        now_of: dict[int, float] = {}
        for row, value, share in zip(rows.tolist(), seen.tolist(), weight.tolist(), strict=True):
            mean = self._means[row]
            now = now_of.get(row)
            now = mean.get() if now is None else now
            mean.update(now + share * (value - now))
            now_of[row] = mean.get()
        values[list(now_of)] = list(now_of.values())

    def leave(self, row: int) -> None:
        """Forget a row."""
        del self._means[row]


class CommonStatistics:
    """The three statistics of every poll, and their shares in the shard's prior."""

    def __init__(self, prior: ShardPrior) -> None:
        self._prior = prior
        self._means = {of.DISPERSION: _PollMeans(_PACE), of.CLUMPING: _PollMeans(_PACE), of.WANDER: _PollMeans(_WANDER_PACE)}

    def begin(self, row: int, column: Floats) -> None:
        """Start a new poll with what is usual in the shard."""
        column[of.DISPERSION] = self._prior.dispersion(np.array([_GROWN_WINDOWS]))[0]
        column[of.CLUMPING], column[of.WANDER] = self._prior.clumping, self._prior.wander
        self.resume(row, column)

    def resume(self, row: int, column: Floats) -> None:
        """Start a poll with the values in its columns."""
        for place, means in self._means.items():
            means.begin(row, float(column[place]))

    def leave(self, row: int) -> None:
        """Forget a poll."""
        for means in self._means.values():
            means.leave(row)

    def learn(
        self, columns: Floats, polls: Int64s, rows: Int64s, number: int, given: Lesson, seen: Drip, clumped: Floats
    ) -> None:
        """Learn from a lesson's windows; `given` and `seen` are of `rows`, of which `polls` are whole polls."""
        at = np.searchsorted(rows, polls)
        self._learn_dispersion(columns, polls, at, given)
        self._learn_clumping(columns, polls, at, given, clumped[polls])
        if (number + 1) % BLOCK_LESSONS == 0:
            self._learn_wander(columns, polls, at, given, seen)
        self._learn_tide(at, given, seen)
        self._learn_start(columns, polls, at, given)
        self._prior.publish()

    def _learn_dispersion(self, columns: Floats, polls: Int64s, at: Int64s, given: Lesson) -> None:
        outlook, expected, odd = given.outlook, given.expected[at], given.odd[at]
        age = outlook.age[at, :-1]
        square = expected * expected
        far = (given.usual[at] - expected) ** 2 - outlook.clumping[at] * expected
        strayed = far / np.maximum(square, 1e-12) - outlook.doubt[at, :-1]
        weight = square / (3.0 + square) * ((age > 0) & (~odd | _first(odd, columns[of.HELD, polls])))
        which, when = np.nonzero(weight > _WORTH_AN_UPDATE)
        told = (which, when)
        self._prior.learn_dispersion(age[told], strayed[told], weight[told])
        self._means[of.DISPERSION].update(columns[of.DISPERSION], polls[which], strayed[told], weight[told])

    def _learn_clumping(self, columns: Floats, polls: Int64s, at: Int64s, given: Lesson, clumped: Floats) -> None:
        votes = given.votes[at]
        weight = np.where(np.isfinite(clumped) & ~given.odd[at], votes / (20.0 + votes), 0.0)
        which, when = np.nonzero(weight > _WORTH_AN_UPDATE)
        told = (which, when)
        self._prior.learn_clumping(clumped[told], weight[told])
        self._means[of.CLUMPING].update(columns[of.CLUMPING], polls[which], clumped[told], weight[told])

    def _learn_wander(self, columns: Floats, polls: Int64s, at: Int64s, given: Lesson, seen: Drip) -> None:
        old = np.flatnonzero(given.outlook.age[at, 0] >= 2 * BLOCK_WINDOWS)
        at, polls = at[old], polls[old]
        expected = seen.level[at] * (BLOCK_WINDOWS * self._prior.tide)
        square = expected * expected
        block = columns[of.BLOCK_VOTES, polls] + given.usual[at].sum(axis=1)
        doubt = 1.0 / (columns[of.SLOW_VOTES, polls] + 1.0)
        strayed = np.minimum(((block - expected) ** 2 - expected) / square - doubt, 1.0)
        weight = square / (10.0 + square)
        self._prior.learn_wander(strayed, weight)
        self._means[of.WANDER].update(columns[of.WANDER], polls, strayed, weight)

    def add_block(self, state: Floats, number: int, given: Lesson) -> None:
        """Add a lesson's votes to the block that is going on, or begin a new one."""
        ended = (number + 1) % BLOCK_LESSONS == 0
        state[of.BLOCK_VOTES] = 0.0 if ended else state[of.BLOCK_VOTES] + given.usual.sum(axis=1)

    def _learn_tide(self, at: Int64s, given: Lesson, seen: Drip) -> None:
        grown = at[given.outlook.age[at, 0] >= _GROWN_WINDOWS]
        share = _TIDE_MOST_VOTES / (_TIDE_MOST_VOTES + seen.level[grown])
        self._prior.learn_tide(share @ given.usual[grown], float(share @ seen.level[grown]))

    def _learn_start(self, columns: Floats, polls: Int64s, at: Int64s, given: Lesson) -> None:
        which, when = np.nonzero(given.outlook.age[at, :-1] == 0)
        exposed = np.maximum(columns[of.EXPOSED, polls[which]], 0.01)
        self._prior.learn_start((given.votes[at[which], when] / exposed).tolist())


def _first(odd: Bools, held: Floats) -> Bools:
    """Return where a run of odd windows begins: one event, however long, tells the dispersion once."""
    before = np.concatenate([(held > 0)[:, None], odd[:, :-1]], axis=1)
    first: Bools = odd & ~before
    return first
