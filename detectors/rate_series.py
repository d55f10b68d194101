"""The state of all series of a shard, and how a closed window changes it. It must not know of ticks or episodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors import rate_columns as of
from detectors import rate_drip
from detectors.columns import Bools, Floats, Int64s
from detectors.rate_baseline import Judged, Outlook, judge, learn, memory, outlook
from detectors.rate_params import RateParams
from detectors.rate_prior import PollStatistics, ShardPrior
from detectors.rate_rows import RowTable
from detectors.rate_tails import drip_height, share_of_series

_PACE = 1 / 32
_WANDER_PACE = 1 / 8
_GROWN_WINDOWS = 64
_TIDE_MOST_VOTES = 10.0


@dataclass(frozen=True, slots=True)
class WindowCounts:
    """Votes of the series that had any in one window.

    `clumped` is the variance of the counts in short spans over their mean, NaN where it can't be told; `began` the
    part of the window before the first vote (0 to 1).
    """

    window: int
    row: Int64s
    votes: Floats
    clumped: Floats
    began: Floats


class SeriesStates:
    """Rows, their columns, the statistics of each poll and those of the shard. 160 bytes a series, 550 more a poll."""

    def __init__(self, params: RateParams) -> None:
        self._params = params
        self.rows = RowTable()
        self.prior = ShardPrior()
        self.columns = np.zeros((of.COLUMNS, 0))
        self._statistics = {
            of.DISPERSION: PollStatistics(_PACE),
            of.CLUMPING: PollStatistics(_PACE),
            of.WANDER: PollStatistics(_WANDER_PACE),
        }
        self._height = drip_height(params)
        self._unborn: list[int] = []

    def expect(self, rows: list[int]) -> None:
        """Make room for new rows; they begin when their first window is worked on."""
        self._unborn += rows
        missing = self.rows.used - self.columns.shape[1]
        if missing > 0:
            room = max(missing, self.columns.shape[1], 64)
            self.columns = np.concatenate([self.columns, np.zeros((of.COLUMNS, room))], axis=1)

    def outlook(self, rows: Int64s, window: int) -> Outlook:
        """Return what `window` should bring these rows, as known when it begins."""
        state, common = self._gather(rows)
        return outlook(state, common, window, self.prior)

    def _gather(self, rows: Int64s) -> tuple[Floats, Floats]:
        parents = self.rows.parent[rows]
        return self.columns.take(rows, axis=1), self.columns[: of.COMMON].take(parents, axis=1)

    def limit(self, rows: Int64s) -> Floats:
        """Return the height at which the CUSUM of these rows speaks."""
        limit: Floats = self._height + np.log(share_of_series(self.rows.option[rows]))
        return limit

    def begin(self, counts: WindowCounts) -> None:
        """Give their first state to the rows that are new in this window."""
        if not self._unborn:
            return
        began = dict(zip(counts.row.tolist(), counts.began.tolist(), strict=True))
        born = [row for row in self._unborn if row in began]
        for row in born:
            self._begin(row, counts.window, began[row])
        self._unborn = [row for row in self._unborn if row not in began]

    def _begin(self, row: int, window: int, began: float) -> None:
        column, parent = self.columns[:, row], int(self.rows.parent[row])
        column[:] = 0.0
        column[of.LAST], column[of.ENTERED], column[of.EXPOSED] = window - 1, window, 1.0
        column[of.PRIOR_VOTES], column[of.PRIOR_WEIGHT] = self.prior.shape, self.prior.shape / self.prior.rate
        if row != parent:
            column[of.BIRTH] = self.columns[of.BIRTH, parent]
        else:
            returned = self.rows.returned(row)
            column[of.BIRTH] = window - (_GROWN_WINDOWS if returned else 0)
            column[of.EXPOSED] = 1.0 if returned else 1.0 - began
            self._begin_statistics(row)
        age = np.array([window - column[of.BIRTH]])
        if age[0] > 0:
            column[of.WEIGHT] = memory(age)[0]
            column[of.SLOW_WEIGHT] = rate_drip.memory(age, self._params)[0]

    def _begin_statistics(self, row: int) -> None:
        starts = {
            of.DISPERSION: float(self.prior.dispersion(np.array([float(_GROWN_WINDOWS)]))[0]),
            of.CLUMPING: self.prior.clumping,
            of.WANDER: self.prior.wander,
        }
        for column, start in starts.items():
            self._statistics[column].begin(row, start)
            self.columns[column, row] = start

    def close(self, counts: WindowCounts) -> tuple[Floats, Outlook]:
        """Learn a window; returns the columns as they were before it, and the outlook."""
        self.begin(counts)
        before, common = self._gather(counts.row)
        state = before.copy()
        seen = outlook(state, common, counts.window, self.prior)
        judged = judge(seen, counts.votes, state[of.EXPOSED])
        drip = rate_drip.drip_outlook(state, common, seen.age, self._params.block_windows, self.prior)
        first_odd = judged.odd & (state[of.HELD] == 0)
        self._learn_common(counts, state, seen, judged, drip, first_odd)
        learn(state, seen, judged, counts.votes, state[of.EXPOSED], self._params.hold_windows)
        rate_drip.step(state, seen, drip, judged, self.limit(counts.row), self._params)
        state[of.LAST], state[of.EXPOSED] = counts.window, 1.0
        self.columns[of.COMMON :, counts.row] = state[of.COMMON :]
        self.prior.close_window()
        return before, seen

    def _learn_common(
        self, counts: WindowCounts, state: Floats, seen: Outlook, judged: Judged, drip: rate_drip.DripOutlook, first_odd: Bools
    ) -> None:
        polls = np.flatnonzero(self.rows.parent[counts.row] == counts.row)
        row, age = counts.row[polls], seen.age[polls]
        self._learn_dispersion(row, age, state, seen, judged, first_odd, polls)
        self._learn_clumping(row, counts, judged, polls)
        self._learn_wander(row, counts.window, state, age, judged, drip, polls)
        self._learn_tide(age, judged, drip, polls)
        young = np.flatnonzero(age == 0)
        if len(young):
            at = polls[young]
            self.prior.learn_start((counts.votes[at] / np.maximum(state[of.EXPOSED, at], 0.01)).tolist())

    def _learn_dispersion(
        self, row: Int64s, age: Floats, state: Floats, seen: Outlook, judged: Judged, first_odd: Bools, polls: Int64s
    ) -> None:
        expected, usual = judged.expected[polls], judged.usual[polls]
        square = expected * expected
        strayed = ((usual - expected) ** 2 - seen.clumping[polls] * expected) / square - seen.doubt[polls]
        believed = ((age > 0) & (~judged.odd[polls] | first_odd[polls])).astype(np.float64)
        weight = believed * (square / (3.0 + square))
        self.prior.learn_dispersion(age, strayed, weight)
        self._update(of.DISPERSION, row, strayed, weight)

    def _learn_clumping(self, row: Int64s, counts: WindowCounts, judged: Judged, polls: Int64s) -> None:
        clumped, votes = counts.clumped[polls], counts.votes[polls]
        told = np.flatnonzero(np.isfinite(clumped) & ~judged.odd[polls])
        if not len(told):
            return
        weight = votes[told] / (20.0 + votes[told])
        self._update(of.CLUMPING, row[told], clumped[told], weight)
        pull = float(weight.sum())
        mean = float((weight * clumped[told]).sum()) / pull
        self.prior.learn_clumping(self.prior.clumping + (mean - self.prior.clumping) * pull / (1 + pull))

    def _learn_wander(
        self, row: Int64s, window: int, state: Floats, age: Floats, judged: Judged, drip: rate_drip.DripOutlook, polls: Int64s
    ) -> None:
        block = window // self._params.block_windows
        ended = state[of.BLOCK] != block
        if ended.any():
            self._end_blocks(row, state, age, drip, polls[ended[polls]], ended[polls])
        state[of.BLOCK_VOTES] = np.where(ended, 0.0, state[of.BLOCK_VOTES]) + judged.usual
        state[of.BLOCK] = block

    def _end_blocks(self, row: Int64s, state: Floats, age: Floats, drip: rate_drip.DripOutlook, at: Int64s, ended: Bools) -> None:
        grown = age[ended] >= 3 * self._params.block_windows
        at, row = at[grown], row[ended][grown]
        if not len(at):
            return
        expected = drip.level[at] * (self._params.block_windows * self.prior.tide)
        square = expected * expected
        doubt = 1.0 / (state[of.SLOW_VOTES, at] + 1.0)
        strayed = np.minimum(((state[of.BLOCK_VOTES, at] - expected) ** 2 - expected) / square - doubt, 1.0)
        weight = square / (10.0 + square)
        self._update(of.WANDER, row, strayed, weight)
        pull = float(weight.sum())
        mean = float((weight * strayed).sum()) / max(pull, 1e-9)
        self.prior.learn_wander(self.prior.wander + (mean - self.prior.wander) * pull / (1 + pull))

    def _learn_tide(self, age: Floats, judged: Judged, drip: rate_drip.DripOutlook, polls: Int64s) -> None:
        grown = polls[age >= _GROWN_WINDOWS]
        if not len(grown):
            return
        level = drip.level[grown]
        given_a_vote = level / -np.expm1(-level)
        share = _TIDE_MOST_VOTES / (_TIDE_MOST_VOTES + level)
        self.prior.learn_tide(float((judged.usual[grown] * share).sum()), float((given_a_vote * share).sum()))

    def _update(self, column: int, rows: Int64s, seen: Floats, weight: Floats) -> None:
        now = self.columns[column, rows]
        after = self._statistics[column].update(rows.tolist(), (now + weight * (seen - now)).tolist())
        self.columns[column, rows] = after

    def leave(self, row: int) -> None:
        """Give back a poll's row and those of its options."""
        for column in self._statistics.values():
            column.leave(row)
        self.rows.leave(row)

    def snapshot(self) -> list[Any]:
        """Return the state as plain data, between windows."""
        rows = self.rows
        return [rows.snapshot(), self.prior.snapshot(), self.columns[:, : rows.used].tobytes(), list(self._unborn)]

    def restore(self, state: list[Any]) -> None:
        """Take over what `snapshot` returned."""
        self.rows.restore(state[0])
        self.prior.restore(state[1])
        self.columns = np.frombuffer(state[2]).reshape(of.COLUMNS, -1).copy()
        self._unborn = list(state[3])
        for row in self.rows.polls().tolist():
            for column, statistics in self._statistics.items():
                statistics.begin(row, float(self.columns[column, row]))
