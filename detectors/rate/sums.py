"""Whole windows, and sums of the last three and twelve, against the past of their poll. It must not know who speaks.

A surge passes three tests, and its score is the lowest. By the hour: a sum is negative binomial around what is usual then,
with a relative variance that each poll's own past tells for each length of sum, surges cut; its chance is held against
the budget of false alarms. By the poll: it lies deviations above the mean of all sums the poll ever had, surges and all, for some polls
burst by nature and what is large at night may be nothing by day. By the days: it lies above what is the highest of most
days (rate_highs). The shorter a sum the higher its bars: what lasts an hour is news, what lasts a window only if extreme.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.columns import Floats, Int64s
from detectors.rate.highs import Highs
from detectors.rate.params import RateParams
from detectors.rate.rhythm import Usual
from detectors.rate.tails import at_least

SUMS = (1, 3, 12)
"""Windows that are added up."""
_LONGEST = SUMS[-1]
_ODD_DEVIATIONS, _ODD_VOTES, _MINUTE_DEVIATIONS = 3.0, 2.0, 8.0
_FIRST_DISPERSION, _LEAST_DISPERSION = 0.3, 0.003
_MEMORY_WINDOWS, _FIRST_WINDOWS = 2000.0, 20.0
_WARM_WINDOWS = 36
_POLL_MEMORY_WINDOWS = 8000.0
_SUMS_ARE_ALIKE = np.array([[0.85], [0.85], [0.78]])
"""Parts of the budget's nats at which false alarms on steady rhythms meet the budget: sums overlap, and alarms rest."""
_ABOVE_THE_POLL, _ABOVE_THE_DAYS = np.array([[6.5], [4.75], [3.5]]), np.array([[1.6], [1.3], [1.0]])
"""Deviations that alarm, for each length of sum: above the mean of all sums, and above the highest of the days."""
_BELOW_THE_FLOOR, _LEAST_VARIANCE = 0.69, 1.0
_VOTES, _ASKED, _USUAL, _CUT = range(4)


@dataclass(frozen=True, slots=True)
class Judged:
    """Sums that end with one window, sums x rows."""

    votes: Floats
    expected: Floats
    p_value: Floats
    score: Floats


class Sums:
    """The last twelve windows of each row, and how far its sums stray. 530 bytes a row."""

    def __init__(self, params: RateParams) -> None:
        self._floor = params.min_excess_votes
        self._allowed = -_SUMS_ARE_ALIKE * math.log(params.false_alarms_per_poll_day / params.windows_per_day / len(SUMS))
        self._ring = np.zeros((_LONGEST, 4, 0))
        self._dispersion = np.zeros((len(SUMS), 0))
        self._poll = np.zeros((2, len(SUMS), 0))
        self._highs = Highs(params, len(SUMS))

    def make_room(self, rows: int) -> None:
        """Have at least so many rows."""
        missing = rows - self._ring.shape[2]
        if missing > 0:
            more = max(missing, self._ring.shape[2], 16)
            self._ring = np.concatenate([self._ring, np.zeros((_LONGEST, 4, more))], axis=2)
            self._dispersion = np.concatenate([self._dispersion, np.zeros((len(SUMS), more))], axis=1)
            self._poll = np.concatenate([self._poll, np.zeros((2, len(SUMS), more))], axis=2)
            self._highs.make_room(more)

    def begin(self, row: int) -> None:
        """Begin a row that knows nothing."""
        self._ring[:, :, row] = 0.0
        self._dispersion[:, row] = _FIRST_DISPERSION
        self._poll[:, :, row] = 0.0
        self._highs.begin(row)

    def cut(self, usual: Usual, votes: Floats) -> tuple[Floats, Floats]:
        """Return the votes as far as they may be learned: for all that is usual, and for what comes at a fixed minute."""
        dispersion, expected = self._dispersion[0, : len(votes)], usual.votes
        deviation = np.sqrt(usual.asked * (1.0 + (dispersion + usual.doubt) * usual.asked))
        most = usual.asked + _ODD_DEVIATIONS * deviation + _ODD_VOTES
        at_minute = expected + _MINUTE_DEVIATIONS * np.sqrt(expected * (1.0 + dispersion * expected)) + _ODD_VOTES
        return np.minimum(votes, most), np.minimum(votes, at_minute)

    def add(self, window: int, usual: Usual, votes: Floats, cut: Floats) -> Floats:
        """Take the next window; returns the sums that end with it (sums x what is added up x rows)."""
        rows = len(votes)
        self._ring[window % _LONGEST, :, :rows] = (votes, usual.asked, usual.votes, cut)
        last = [(window - back) % _LONGEST for back in range(_LONGEST)]
        return np.stack([self._ring[last[:length], :, :rows].sum(axis=0) for length in SUMS])

    def judge(self, window: int, sums: Floats, age: Int64s, usual: Usual) -> Judged:
        """Judge sums; a row younger than 36 windows has no score."""
        rows = len(age)
        counts, expected = sums[:, _VOTES], sums[:, _ASKED]
        spread = self._dispersion[:, :rows] + usual.doubt
        p_value = np.ones_like(counts)
        above = (counts > expected).nonzero()
        mean = expected[above]
        p_value[above] = at_least(counts[above], mean, mean * (1.0 + spread[above] * mean))
        mean, variance = self._poll[:, :, :rows]
        by_poll = (counts - mean) / np.sqrt(variance + _LEAST_VARIANCE) / _ABOVE_THE_POLL
        by_days = self._highs.above(window, counts, age) / _ABOVE_THE_DAYS
        score = np.clip(np.minimum(np.minimum(-np.log(p_value) / self._allowed, by_poll), by_days), 0.0, None)
        score = np.where(counts - expected < self._floor, np.minimum(score, _BELOW_THE_FLOOR), score)
        return Judged(counts, expected, p_value, np.where(age >= _WARM_WINDOWS, score, 0.0))

    def learn(self, window: int, sums: Floats, age: Int64s) -> None:
        """Learn how far sums stray, those that end with a window whose number their length divides."""
        self._learn_poll(sums[:, _VOTES], age)
        self._highs.learn(window, sums[:, _VOTES], age)
        memory = np.minimum(_MEMORY_WINDOWS, _FIRST_WINDOWS + age)
        for number, length in enumerate(SUMS):
            if window % length:
                continue
            usual, far = sums[number, _USUAL], np.maximum(sums[number, _CUT] - sums[number, _USUAL], 0.0)
            square = np.maximum(usual * usual, 1e-9)
            strayed = np.maximum(2.0 * far * far / square - 1.0 / np.maximum(usual, 1e-9), -1.0)
            pace = length * square / (3.0 + square) / np.maximum(memory, length)
            now = self._dispersion[number, : len(age)]
            now += pace * (strayed - now)
            np.maximum(now, _LEAST_DISPERSION, out=now)

    def _learn_poll(self, counts: Floats, age: Int64s) -> None:
        """Learn mean and variance of all sums (West 1979, Communications of the ACM 22, with a memory)."""
        mean, variance = self._poll[:, :, : len(age)]
        pace = 1.0 / np.minimum(_POLL_MEMORY_WINDOWS, age + 1.0)
        far = counts - mean
        mean += pace * far
        variance += pace * (far * far * (1.0 - pace) - variance)

    def snapshot(self, rows: int) -> list[bytes]:
        """Return the state of the first `rows` rows as plain data."""
        own = [column[..., :rows].tobytes() for column in (self._ring, self._dispersion, self._poll)]
        return [*own, self._highs.snapshot(rows)]

    def restore(self, state: list[Any], rows: int) -> None:
        """Take over what `snapshot` returned."""
        self.make_room(rows)
        self._ring[..., :rows] = np.frombuffer(state[0]).reshape(_LONGEST, 4, rows)
        self._dispersion[..., :rows] = np.frombuffer(state[1]).reshape(len(SUMS), rows)
        self._poll[..., :rows] = np.frombuffer(state[2]).reshape(2, len(SUMS), rows)
        self._highs.restore(state[3], rows)
