"""Votes gathered by series and window, and the closing of the windows that are over."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from detectors import rate_columns as of
from detectors.columns import Floats, Int64s
from detectors.rate_baseline import outlook
from detectors.rate_drip import height_at
from detectors.rate_params import RateParams
from detectors.rate_recent import Run
from detectors.rate_series import SeriesStates, WindowCounts
from detectors.rate_spikes import Levels, levels_of

_WINDOW_SHIFT = 36


@dataclass(frozen=True, slots=True)
class Groups:
    """Entries of a run by (row, window), ascending: `of_entry` tells the group of each entry, `first` where it begins."""

    key: Int64s
    row: Int64s
    window: Int64s
    first: Int64s
    of_entry: Int64s
    votes: Int64s
    clumped: Floats
    began: Floats

    @staticmethod
    def of(run: Run, params: RateParams) -> Groups:
        """Gather the entries of a run."""
        row, start_ms = run.row, run.tick * params.tick_ms
        window = start_ms // params.window_ms
        key = (row << _WINDOW_SHIFT) | window
        edge = np.diff(key, prepend=-1) != 0
        first = np.flatnonzero(edge)
        votes = np.diff(np.append(run.until[first], run.until[-1]))
        clumped = _clumped(run, start_ms, first, votes, params)
        began = start_ms[first] / params.window_ms - window[first]
        return Groups(key[first], row[first], window[first], first, np.cumsum(edge) - 1, votes, clumped, began)

    def counts(self, window: int, at: Int64s) -> WindowCounts:
        """Return the groups `at` these places, all of one window."""
        return WindowCounts(
            window, self.row[at], self.votes[at].astype(np.float64), self.clumped[at], self.began[at]
        )


def _clumped(run: Run, start_ms: Int64s, first: Int64s, votes: Int64s, params: RateParams) -> Floats:
    """Return variance over mean of the votes in the shortest spans of each group, about, 1 where they are even.

    Of x votes spread evenly over n spans, x (x - 1) / n ordered pairs share one; pairs beyond that, for each vote, are
    what the variance has beyond the mean.
    """
    short_ms = params.spans_ms[0]
    spans = params.window_ms / short_ms
    if spans == 1 or not len(first):
        return np.full(len(first), np.nan)
    edge = np.flatnonzero((np.diff(start_ms // short_ms, prepend=-1) != 0) | np.isin(np.arange(len(start_ms)), first))
    together = np.diff(np.append(run.until[edge], run.until[-1]))
    pairs = np.zeros(len(edge) + 1)
    np.cumsum(together * (together - 1.0), out=pairs[1:])
    of_group = np.searchsorted(edge, first)
    shared = pairs[np.append(of_group[1:], len(edge))] - pairs[of_group]
    return np.where(votes > 1, 1.0 + shared / votes - (votes - 1.0) / spans, np.nan)


@dataclass(frozen=True, slots=True)
class Standing:
    """How series stood in windows, arrays of one length.

    votes: in the window. expected: of the window when it began. level: votes a window of the slow baseline. height and
    limit: of the CUSUM at the window's end. run, run_votes: windows and votes since the CUSUM was last at 0. group: the
    place of the window among the groups, -1 where it had no vote.
    """

    votes: Int64s
    expected: Floats
    level: Floats
    height: Floats
    limit: Floats
    run: Floats
    run_votes: Floats
    group: Int64s


class ClosedWindows:
    """What closing the windows of one step left behind."""

    def __init__(self, states: SeriesStates, groups: Groups, open_window: int) -> None:
        """Close, in order, the windows before `open_window` that have votes; take the levels of the open one."""
        self._states = states
        self.groups = groups
        self._order: list[Int64s] = []
        self._before: list[Floats] = []
        self.dripping: list[Int64s] = []
        levels = np.empty((3, len(groups.row)))
        order = np.argsort(groups.window, kind="stable")
        windows, starts = np.unique(groups.window[order], return_index=True)
        for window, at in zip(windows.tolist(), np.split(order, starts)[1:], strict=True):
            counts = groups.counts(window, at)
            if window < open_window:
                levels[:, at] = self._close(counts, at)
            else:
                states.begin(counts)
                levels[:, at] = levels_of(states.outlook(counts.row, window))
        self.levels = Levels(levels[0], levels[1], levels[2], states.rows.option[groups.row])

    def _close(self, counts: WindowCounts, at: Int64s) -> Floats:
        before, seen = self._states.close(counts)
        self._order.append(at)
        self._before.append(before)
        height = self._states.columns[of.CUSUM, counts.row]
        if height.max() > 0:
            self.dripping.append(at[height > self._states.limit(counts.row)])
        return levels_of(seen)

    def standing(self, row: Int64s, window: Int64s) -> Standing:
        """Return how these rows stood in these closed windows."""
        groups, states = self.groups, self._states
        key = (row << _WINDOW_SHIFT) | window
        at = np.searchsorted(groups.key, key)
        inside = np.zeros(len(key), np.bool_)
        within = at < len(groups.key)
        inside[within] = groups.key[at[within]] == key[within]
        before, after = self._state(row, at), self._state(row, at + inside)
        votes = np.zeros(len(key), np.int64)
        votes[inside] = groups.votes[at[inside]]
        exposed = np.where(window == before[of.BIRTH], before[of.EXPOSED], 1.0)
        expected = outlook(before, before[: of.COMMON], window.astype(np.float64), states.prior).mean * exposed
        level = (after[of.SLOW_VOTES] + after[of.PRIOR_VOTES]) / (after[of.SLOW_WEIGHT] + after[of.PRIOR_WEIGHT])
        height = height_at(after, window.astype(np.float64))
        run = after[of.RUN] + window - after[of.LAST]
        group = np.where(inside, at, -1)
        return Standing(votes, expected, level, height, states.limit(row), run, after[of.RUN_VOTES], group)

    def _state(self, row: Int64s, at: Int64s) -> Floats:
        """Return the columns before group `at` where that is of this row, else as they are now."""
        state = self._states.columns[:, row]
        known = np.flatnonzero(at < len(self._place))
        known = known[(self.groups.row[at[known]] == row[known]) & (self._place[at[known]] >= 0)]
        state[:, known] = self._joined[:, self._place[at[known]]]
        return state

    @cached_property
    def _joined(self) -> Floats:
        return np.concatenate([np.zeros((of.COLUMNS, 0)), *self._before], axis=1)

    @cached_property
    def _place(self) -> Int64s:
        place = np.full(len(self.groups.row), -1, np.int64)
        closed = np.concatenate([np.zeros(0, np.int64), *self._order])
        place[closed] = np.arange(len(closed))
        return place
