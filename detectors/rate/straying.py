"""How a poll's counts stray: dispersion, bunching and wander, kept by River for each poll and for the shard."""

from __future__ import annotations

from typing import Any

import numpy as np
from river import stats

from detectors.columns import Bools, Floats, Int64s
from detectors.rate import columns as of
from detectors.rate.drip import Drip
from detectors.rate.lesson import Lesson
from detectors.rate.params import BLOCK_LESSONS, BLOCK_WINDOWS, LESSON_WINDOWS
from detectors.rate.prior import ShardPrior
from detectors.rate.tails import TAIL_FROM_NATS, at_least

_PACE, _WANDER_PACE, _TAIL_PACE = 1 / 32, 1 / 24, 1 / 8
_GROWN_WINDOWS = 64.0
_TIDE_MOST_VOTES = 10.0
_LEAST_STRAYED = -1.0
_SURPRISING_DEVIATIONS, _MOST_BEYOND_NATS = 2.0, 12.0
_WORTH_AN_UPDATE = 0.05
"""Weight below which what a lesson tells of a poll is lost in noise: quiet polls cost next to nothing so."""


class _PollMeans:
    """One River mean with fading memory for each poll row; its value stands in a column of the state. 160 bytes a row.

    `pace` is what one observation of weight 1 counts. A lesson brings up to ten of them at once: River's factor is that of
    ten, and a lighter lesson's value is drawn to the mean so that it counts what it should.
    """

    def __init__(self, pace: float) -> None:
        self._keep = 1.0 - pace
        self._factor = 1.0 - self._keep**LESSON_WINDOWS
        self._means: dict[int, Any] = {}

    def begin(self, row: int, value: float) -> None:
        """Start a row at a value: after one update a mean is the value it was given."""
        mean = stats.EWMean(self._factor)
        mean.update(value)
        self._means[row] = mean

    def update(self, values: Floats, rows: Int64s, seen: Floats, weight: Floats) -> None:
        """Take one lesson's value for each row; `values`, by row, are what the means were and become what they are."""
        told = np.flatnonzero(weight > _WORTH_AN_UPDATE)
        rows = rows[told]
        now = values[rows]
        pull = (1.0 - self._keep ** np.minimum(weight[told], LESSON_WINDOWS)) / self._factor
        drawn = now + pull * (seen[told] - now)
        after = []
        for row, value in zip(rows.tolist(), drawn.tolist(), strict=True):
            mean = self._means[row]
            mean.update(value)
            after.append(mean.get())
        values[rows] = after

    def leave(self, row: int) -> None:
        """Forget a row."""
        del self._means[row]


class CommonStatistics:
    """The statistics of every poll, and their shares in the shard's prior."""

    def __init__(self, prior: ShardPrior) -> None:
        self._prior = prior
        paces = {of.DISPERSION: _PACE, of.WANDER: _WANDER_PACE, of.TAIL: _TAIL_PACE}
        self._means = {column: _PollMeans(pace) for column, pace in paces.items()}
        self._means.update({column: _PollMeans(_PACE) for column in range(of.BUNCHING, of.COMMON)})

    def begin(self, row: int, column: Floats) -> None:
        """Start a new poll with what is usual in the shard."""
        column[of.DISPERSION] = self._prior.dispersion(np.array([_GROWN_WINDOWS]))[0]
        column[of.WANDER], column[of.TAIL] = self._prior.wander, self._prior.tail
        column[of.BUNCHING : of.COMMON] = self._prior.bunching
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
        self, columns: Floats, polls: Int64s, rows: Int64s, number: int, given: Lesson, seen: Drip, pairs: Floats
    ) -> None:
        """Learn from a lesson's windows; `given` and `seen` are of `rows`, of which `polls` are whole polls."""
        at = np.searchsorted(rows, polls)
        self._learn_dispersion(columns, polls, at, given)
        self._learn_tail(columns, polls, at, given)
        self._learn_bunching(columns, polls, at, given, pairs[polls])
        if (number + 1) % BLOCK_LESSONS == 0:
            self._learn_wander(columns, polls, at, given, seen)
        self._learn_tide(at, given, seen)
        self._learn_start(columns, polls, at, given)
        self._prior.publish()

    def _learn_dispersion(self, columns: Floats, polls: Int64s, at: Int64s, given: Lesson) -> None:
        outlook, expected, odd = given.outlook, given.expected[at], given.odd[at]
        age = outlook.age[at, :-1]
        square = expected * expected
        far = _upwards(given.usual[at], expected) - expected
        strayed = np.maximum(far / np.maximum(square, 1e-12) - 0.5 * outlook.doubt[at, :-1], _LEAST_STRAYED)
        weight = square / (3.0 + square) * ((age > 0) & (~odd | _first(odd, columns[of.HELD, polls])))
        self._prior.learn_dispersion(age, strayed, weight)
        total = weight.sum(axis=1)
        mean = (weight * strayed).sum(axis=1) / np.maximum(total, 1e-12)
        self._means[of.DISPERSION].update(columns[of.DISPERSION], polls, mean, total)

    def _learn_tail(self, columns: Floats, polls: Int64s, at: Int64s, given: Lesson) -> None:
        """Learn how far surprising windows go; a flood counts once, however long, and not for more than it can be."""
        outlook, votes, expected, odd = given.outlook, given.votes[at], given.expected[at], given.odd[at]
        variance = expected * (1.0 + (outlook.dispersion[at, :-1] + outlook.doubt[at, :-1]) * expected)
        new = (outlook.age[at, :-1] > 0) & (~odd | _first(odd, columns[of.HELD, polls]))
        which, when = (new & (votes > expected + _SURPRISING_DEVIATIONS * np.sqrt(variance) + 1.0)).nonzero()
        if not len(which):
            return
        told = (at[which], when)
        beyond = -np.log(at_least(given.votes[told], given.expected[told], variance[which, when])) - TAIL_FROM_NATS
        which, beyond = which[beyond > 0], np.minimum(beyond[beyond > 0], _MOST_BEYOND_NATS)
        total = np.bincount(which, minlength=len(polls)).astype(np.float64)
        mean = np.bincount(which, beyond, len(polls)) / np.maximum(total, 1.0)
        self._prior.learn_tail(mean, total)
        self._means[of.TAIL].update(columns[of.TAIL], polls, mean, total)

    def _learn_bunching(self, columns: Floats, polls: Int64s, at: Int64s, given: Lesson, pairs: Floats) -> None:
        """Learn how many pairs share a span beyond chance: their ratio is 1 + the relative variance of the spans."""
        calm = ~given.odd[at].any(axis=1)
        for number, column in enumerate(range(of.BUNCHING, of.COMMON)):
            shared, by_chance = pairs[calm, number].T
            beyond = shared / np.maximum(by_chance, 1e-12) - 1.0
            self._prior.learn_bunching(number, beyond, by_chance)
            self._means[column].update(columns[column], polls[calm], beyond, by_chance)

    def _learn_wander(self, columns: Floats, polls: Int64s, at: Int64s, given: Lesson, seen: Drip) -> None:
        old = np.flatnonzero(given.outlook.age[at, 0] >= 2 * BLOCK_WINDOWS)
        at, polls = at[old], polls[old]
        expected = seen.level[at] * (BLOCK_WINDOWS * self._prior.tide)
        square = expected * expected
        block = columns[of.BLOCK_VOTES, polls] + given.usual[at].sum(axis=1)
        doubt = 1.0 / (columns[of.SLOW_VOTES, polls] + 1.0)
        strayed = np.clip((_upwards(block, expected) - expected) / square - doubt, _LEAST_STRAYED, 1.0)
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


def _upwards(votes: Floats, expected: Floats) -> Floats:
    """Return twice the squares of what is above expectation, on average those of all deviations where these are even.

    A poll that fades, or a platform that stands still, strays far below: that says nothing of how far it strays above.
    """
    square: Floats = 2.0 * np.maximum(votes - expected, 0.0) ** 2
    return square


def _first(odd: Bools, held: Floats) -> Bools:
    """Return where a run of odd windows begins: one event, however long, tells the dispersion once."""
    before = np.concatenate([(held > 0)[:, None], odd[:, :-1]], axis=1)
    first: Bools = odd & ~before
    return first
