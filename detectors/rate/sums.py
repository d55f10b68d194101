"""Whole windows, and sums of the last three, twelve and 36, against the past of their poll. It must not know who speaks.

A surge passes two tests, and its score is the lower. By the hour: it is more than the rhythm lets expect and what the two hours before it
let expect on top (rate/wander.py); how unlikely it is is held against the budget of false alarms, all of it where a poll's traffic is
steady (rate/odd_days.py). By the days: it lies
above what is the highest of most days (rate/highs.py), for some polls burst by nature, and what is large at night may be nothing
by day. The shorter a sum the higher its bars: what lasts an hour is news, what lasts a window only if extreme.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.columns import Floats, Int64s
from detectors.rate.highs import Highs
from detectors.rate.odd_days import ODD_CHANCE, OddDays
from detectors.rate.params import RateParams
from detectors.rate.rhythm import Usual
from detectors.rate.wander import Wander, nats_above

SUMS = (1, 3, 12, 36)
"""Windows that are added up."""
_LONGEST = SUMS[-1]
_ODD_DEVIATIONS, _ODD_VOTES, _MINUTE_DEVIATIONS = 3.0, 2.0, 8.0
_FIRST_DISPERSION, _LEAST_DISPERSION = 0.3, 0.003
_MEMORY_WINDOWS, _FIRST_WINDOWS = 2000.0, 20.0
_WARM_WINDOWS, _FIRST_DAY_IS_ASKED = 36, 1.5
_SUMS_ARE_ALIKE = np.array([[0.815], [0.70], [0.59], [0.56]])
"""Parts of the budget's nats at which false alarms on steady rhythms meet the budget: sums overlap, wander stays, both tests
must agree, and alarms rest."""
_ABOVE_THE_DAYS = np.array([[1.3], [1.15], [1.0], [0.9]])
"""Deviations above the highest of the days that alarm, for each length of sum."""
_BELOW_THE_FLOOR = 0.69
_VOTES, _ASKED, _USUAL = range(3)


@dataclass(frozen=True, slots=True)
class Judged:
    """Sums that end with one window, sums x rows. p_value: never below what it is (a bound)."""

    votes: Floats
    expected: Floats
    p_value: Floats
    score: Floats


class Sums:
    """The last 36 windows of each row, and how far its sums stray. 1.4 KB a row."""

    def __init__(self, params: RateParams) -> None:
        self._floor, self._day = params.min_excess_votes, params.windows_per_day
        self._allowed = -_SUMS_ARE_ALIKE * math.log(params.false_alarms_per_poll_day / params.windows_per_day / len(SUMS))
        self._ring = np.zeros((_LONGEST, 3, 0))
        self._dispersion = np.zeros(0)
        self._wander = Wander(SUMS)
        self._highs = Highs(params, len(SUMS))
        self._odd_days = OddDays(params)

    def make_room(self, rows: int) -> None:
        """Have at least so many rows."""
        missing = rows - len(self._dispersion)
        if missing > 0:
            more = max(missing, len(self._dispersion), 16)
            self._ring = np.concatenate([self._ring, np.zeros((_LONGEST, 3, more))], axis=2)
            self._dispersion = np.concatenate([self._dispersion, np.zeros(more)])
            self._wander.make_room(more)
            self._highs.make_room(more)
            self._odd_days.make_room(more)

    def begin(self, row: int) -> None:
        """Begin a row that knows nothing."""
        self._ring[:, :, row] = 0.0
        self._dispersion[row] = _FIRST_DISPERSION
        self._wander.begin(row)
        self._highs.begin(row)
        self._odd_days.begin(row)

    def cut(self, usual: Usual, votes: Floats) -> tuple[Floats, Floats]:
        """Return the votes as far as they may be learned: for all that is usual, and for what comes at a fixed minute."""
        dispersion, expected = self._dispersion[: len(votes)], usual.votes
        deviation = np.sqrt(usual.asked * (1.0 + (dispersion + usual.doubt) * usual.asked))
        most = usual.asked + _ODD_DEVIATIONS * deviation + _ODD_VOTES
        at_minute = expected + _MINUTE_DEVIATIONS * np.sqrt(expected * (1.0 + dispersion * expected)) + _ODD_VOTES
        return np.minimum(votes, most), np.minimum(votes, at_minute)

    def add(self, window: int, usual: Usual, votes: Floats) -> Floats:
        """Take the next window; returns the sums that end with it (sums x what is added up x rows)."""
        rows = len(votes)
        self._ring[window % _LONGEST, :, :rows] = (votes, usual.asked, usual.votes)
        last = [(window - back) % _LONGEST for back in range(_LONGEST)]
        return np.stack([self._ring[last[:length], :, :rows].sum(axis=0) for length in SUMS])

    def judge(self, window: int, sums: Floats, age: Int64s, usual: Usual) -> Judged:
        """Judge sums; a row younger than 36 windows has no score, one in its first day is asked for more."""
        rows = len(age)
        counts = sums[:, _VOTES]
        expected = sums[:, _ASKED] * self._wander.factor(window, rows)
        nats = nats_above(counts, expected, self._wander.variance[:, :rows] + usual.doubt)
        by_days = self._highs.above(window, counts, age) / _ABOVE_THE_DAYS
        asked = self._odd_days.asked(rows) * np.where(age < self._day, _FIRST_DAY_IS_ASKED, 1.0)
        by_hour = nats / (self._allowed * asked)
        score = np.clip(np.minimum(by_hour, by_days), 0.0, None)
        score = np.where(counts - sums[:, _ASKED] < self._floor, np.minimum(score, _BELOW_THE_FLOOR), score)
        return Judged(counts, expected, np.exp(-nats), np.where(age >= _WARM_WINDOWS, score, 0.0))

    def learn(self, window: int, sums: Floats, judged: Judged, age: Int64s, usual: Usual, cut: Floats) -> None:
        """Learn what sums that end with a window tell; `cut` are that window's votes as far as they may be learned."""
        self._wander.learn(window, sums[:, _VOTES], sums[:, _USUAL], self._wander.factor(window, len(age)), age)
        self._highs.learn(window, judged.votes, age)
        self._odd_days.learn(window, (judged.p_value[0] < ODD_CHANCE) & (age >= _WARM_WINDOWS))
        self._learn_dispersion(usual.votes, cut, age)

    def _learn_dispersion(self, usual: Floats, cut: Floats, age: Int64s) -> None:
        """Learn by how much single windows exceed the usual: what may be learned of one depends on it."""
        square = np.maximum(usual * usual, 1e-9)
        strayed = np.maximum(2.0 * np.maximum(cut - usual, 0.0) ** 2 / square - 1.0 / np.maximum(usual, 1e-9), -1.0)
        now = self._dispersion[: len(age)]
        now += square / (3.0 + square) / np.minimum(_MEMORY_WINDOWS, _FIRST_WINDOWS + age) * (strayed - now)
        np.maximum(now, _LEAST_DISPERSION, out=now)

    def snapshot(self, rows: int) -> list[Any]:
        """Return the state of the first `rows` rows as plain data."""
        own = [self._ring[..., :rows].tobytes(), self._dispersion[:rows].tobytes()]
        return [*own, self._wander.snapshot(rows), self._highs.snapshot(rows), self._odd_days.snapshot(rows)]

    def restore(self, state: list[Any], rows: int) -> None:
        """Take over what `snapshot` returned."""
        self.make_room(rows)
        self._ring[..., :rows] = np.frombuffer(state[0]).reshape(_LONGEST, 3, rows)
        self._dispersion[:rows] = np.frombuffer(state[1])
        self._wander.restore(state[2], rows)
        self._highs.restore(state[3], rows)
        self._odd_days.restore(state[4], rows)
