"""The state of all series of a shard, and what they learn when a lesson ends. It must not know of ticks or episodes."""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.columns import Floats, Int64s
from detectors.rate import columns as of
from detectors.rate import drip as rate_drip
from detectors.rate import lesson as rate_lesson
from detectors.rate.drip import Drip
from detectors.rate.lesson import Lesson
from detectors.rate.params import LESSON_WINDOWS, RateParams
from detectors.rate.prior import ShardPrior
from detectors.rate.rows import RowTable
from detectors.rate.straying import CommonStatistics
from detectors.rate.tails import drip_height, share_of_series

_MOST_TAIL = 4.0
_OLD_WINDOWS = 64
"""A poll that comes back after its state was given back is taken for so old, and so long without a vote."""


class SeriesStates:
    """Rows, their columns between lessons, and the votes of the lesson that is going on. 320 bytes a series."""

    def __init__(self, params: RateParams) -> None:
        self._params = params
        self.rows = RowTable()
        self.prior = ShardPrior()
        self.columns = np.zeros((of.COLUMNS, 0))
        self._votes = np.zeros((0, LESSON_WINDOWS))
        self._pairs = np.zeros((0, of.COMMON - of.BUNCHING, 2))
        self._common = CommonStatistics(self.prior)
        self._height = drip_height(params)

    def begin(self, rows: list[int], first_ms: list[int]) -> None:
        """Give their first state to new rows, whose first votes came at these times."""
        self._make_room()
        for row, time_ms in zip(rows, first_ms, strict=True):
            self._begin(row, time_ms)

    def _make_room(self) -> None:
        missing = self.rows.used - self.columns.shape[1]
        if missing > 0:
            room = max(missing, self.columns.shape[1], 64)
            self.columns = np.concatenate([self.columns, np.zeros((of.COLUMNS, room))], axis=1)
            self._votes = np.concatenate([self._votes, np.zeros((room, LESSON_WINDOWS))])
            self._pairs = np.concatenate([self._pairs, np.zeros((room, *self._pairs.shape[1:]))])

    def _begin(self, row: int, first_ms: int) -> None:
        column, parent = self.columns[:, row], int(self.rows.parent[row])
        window, began_ms = divmod(first_ms, self._params.window_ms)
        column[:] = 0.0
        column[of.LAST] = column[of.ENTERED] = window
        column[of.PRIOR_VOTES], column[of.PRIOR_WEIGHT] = self.prior.shape, self.prior.shape / self.prior.rate
        if row != parent:
            column[of.BIRTH], column[of.EXPOSED] = self.columns[[of.BIRTH, of.EXPOSED], parent]
        else:
            returned = self.rows.returned(row)
            column[of.BIRTH] = window - (_OLD_WINDOWS if returned else 0)
            column[of.EXPOSED] = 1.0 - began_ms / self._params.window_ms
            self._common.begin(row, column)
        age = np.array([window // LESSON_WINDOWS * LESSON_WINDOWS - column[of.BIRTH]])
        if age[0] > 0:
            column[of.WEIGHT] = rate_lesson.memory(age)[0]
            column[of.SLOW_WEIGHT] = rate_drip.memory(age, self._params)[0]

    def count(self, row: Int64s, window: Int64s, votes: Int64s, pairs: Floats) -> None:
        """Take the votes of closed windows of the lesson that is going on, and their pairs (windows x shorter spans)."""
        self._votes[row, window % LESSON_WINDOWS] = votes
        np.maximum.at(self.columns[of.LAST], row, window)
        spans = np.array(self._params.spans_ms[:-1])
        by_chance = (votes * (votes - 1.0))[:, None] * (spans / self._params.window_ms)
        for number in range(len(spans)):
            np.add.at(self._pairs[:, number, 0], row, pairs[:, number])
            np.add.at(self._pairs[:, number, 1], row, by_chance[:, number])

    def tail(self, rows: Int64s) -> Floats:
        """Return how heavy the tails of the series' polls are, from 1 to a most that no series of floods can raise."""
        tail: Floats = np.clip(self.columns[of.TAIL, self.rows.parent[rows]], 1.0, _MOST_TAIL)
        return tail

    def bunching(self, rows: Int64s) -> Floats:
        """Return the relative variance that each span has beyond the window's (series x spans)."""
        spans = len(self._params.spans_ms)
        bunching = np.zeros((len(rows), spans))
        bunching[:, :-1] = self.columns[of.BUNCHING : of.BUNCHING + spans - 1, self.rows.parent[rows]].T
        return np.maximum(bunching, 0.0)

    def judged(self, rows: Int64s, start: int, closed: int) -> Lesson:
        """Judge the first `closed` windows of the lesson that began with window `start`."""
        state = self.columns.take(rows, axis=1)
        return rate_lesson.lesson(state, self._of_polls(rows), self._votes[rows, :closed], start, self.prior)

    def _of_polls(self, rows: Int64s) -> Floats:
        return self.columns[: of.COMMON].take(self.rows.parent[rows], axis=1)

    def drip(self, rows: Int64s, given: Lesson) -> Drip:
        """Return slow level and CUSUM of the lesson's closed windows."""
        return rate_drip.drip(self.columns.take(rows, axis=1), self._of_polls(rows), given, self._params, self.prior)

    def limit(self, rows: Int64s) -> Floats:
        """Return the height at which the CUSUM of these rows speaks."""
        limit: Floats = self._height + np.log(share_of_series(self.rows.option[rows]))
        return limit

    def end_lesson(self, rows: Int64s, number: int, given: Lesson, seen: Drip) -> None:
        """Learn a whole lesson, `given` and `seen` for all rows there are, and begin the next."""
        state = self.columns.take(rows, axis=1)
        self._common.learn(self.columns, rows[self.rows.parent[rows] == rows], rows, number, given, seen, self._pairs)
        state[: of.COMMON] = self.columns[: of.COMMON, rows]
        self._common.add_block(state, number, given)
        rate_lesson.end(state, given, self._params.hold_windows)
        rate_drip.end(state, given, seen, self.limit(rows), self._params)
        self.columns[:, rows] = state
        self._votes[rows] = 0.0
        self._pairs[rows] = 0.0

    def leave(self, row: int) -> list[int]:
        """Give back a poll's row and those of its options; returns them."""
        self._common.leave(row)
        rows = self.rows.leave(row)
        self._votes[rows] = 0.0
        self._pairs[rows] = 0.0
        return rows

    def snapshot(self) -> list[Any]:
        """Return the state as plain data."""
        taken = self.rows.taken()
        parts = (self.columns[:, taken], self._votes[taken], self._pairs[taken])
        return [self.rows.snapshot(), self.prior.snapshot(), *(part.tobytes() for part in parts)]

    def restore(self, state: list[Any]) -> None:
        """Take over what `snapshot` returned."""
        self.rows.restore(state[0])
        self.prior.restore(state[1])
        taken = self.rows.taken()
        self._make_room()
        self.columns[:, taken] = np.frombuffer(state[2]).reshape(of.COLUMNS, -1)
        self._votes[taken] = np.frombuffer(state[3]).reshape(-1, LESSON_WINDOWS)
        self._pairs[taken] = np.frombuffer(state[4]).reshape(-1, *self._pairs.shape[1:])
        for row in self.rows.polls().tolist():
            self._common.resume(row, self.columns[:, row])
