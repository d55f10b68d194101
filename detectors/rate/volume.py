"""Surges in volumes: whole windows of minutes or hours against the rhythm of a poll's days. It must not know of options.

An advance gathers votes by poll and window. Each window that is over is held against what is usual (rate/rhythm.py), alone and
with those before it (rate/sums.py), spoken of if it may be (rate/restraint.py, rate/episode.py), and learned. Polls have nothing in
common here. State: 4.5 KB a poll with windows of five minutes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.columns import NO_OPTION, Floats, Int64s, VoteCells
from detectors.rate.episode import Episodes
from detectors.rate.findings import RateFinding, RateStep, WindowScores, joined
from detectors.rate.params import DAY_MS, RateParams
from detectors.rate.restraint import Restraint
from detectors.rate.rhythm import Rhythm
from detectors.rate.rows import RowTable
from detectors.rate.sums import SUMS, Judged, Sums

_UNKNOWN_AFTER_MS = 7 * DAY_MS
"""A poll without a vote for so long is forgotten: its rhythm is no longer known."""
_VOTES, _ARRIVED_MS, _BIRTH, _LAST = range(4)


class VolumeRate:
    """Watches the polls of one shard. A pure function of its cells: how they are cut into steps changes nothing."""

    def __init__(self, params: RateParams, *, keep_scores: bool = False) -> None:
        self._params = params
        self._keep_scores = keep_scores
        self._rows = RowTable()
        self._columns = np.zeros((4, 0), np.int64)
        self._rhythm, self._sums = Rhythm(params), Sums(params)
        self._restraint = Restraint(params)
        self._episodes = Episodes(params.window_ms, params.calm_windows)
        self._until_ms = -1

    def __len__(self) -> int:
        """Return how many polls are in memory."""
        return len(self._rows)

    def advance(self, cells: VoteCells, until_ms: int) -> RateStep:
        """As `RateDetector.advance`."""
        self._check(cells, until_ms)
        findings: list[RateFinding] = []
        scores: list[WindowScores] = []
        quiet: list[int] = []
        window_ms, low = self._params.window_ms, 0
        while self._until_ms < until_ms:
            if not len(self._rows):
                self._until_ms = max(self._until_ms, int(cells.tick_ms[low]) if low < len(cells) else until_ms)
            end_ms = min((self._until_ms // window_ms + 1) * window_ms, until_ms)
            high = int(cells.tick_ms.searchsorted(end_ms))
            self._count(cells, slice(low, high))
            if end_ms % window_ms == 0 and len(self._rows):
                self._close(end_ms // window_ms - 1, findings, scores)
                quiet += self._sweep(end_ms, findings)
            low, self._until_ms = high, end_ms
        return RateStep(findings, joined(scores) if self._keep_scores else None, sorted(set(quiet)))

    def _check(self, cells: VoteCells, until_ms: int) -> None:
        if until_ms % self._params.tick_ms or until_ms < self._until_ms:
            raise ValueError(f"until_ms must be a multiple of {self._params.tick_ms} and not go back, not {until_ms}")
        if self._until_ms < 0:
            self._until_ms = int(cells.tick_ms[0]) if len(cells) else until_ms
        if len(cells) and not self._until_ms <= cells.tick_ms[0] <= cells.tick_ms[-1] < until_ms:
            raise ValueError(f"cells must lie in [{self._until_ms}, {until_ms}), not from {cells.tick_ms[0]}")

    def _count(self, cells: VoteCells, part: slice) -> None:
        rows, new = self._rows.enter_polls(cells.poll[part])
        self._make_room()
        for row, place in new.items():
            self._columns[:, row] = (0, 0, int(cells.tick_ms[part][place]) // self._params.window_ms, 0)
            self._rhythm.begin(row)
            self._sums.begin(row)
        np.add.at(self._columns[_VOTES], rows, cells.votes[part])
        np.maximum.at(self._columns[_ARRIVED_MS], rows, cells.arrived_ms[part])

    def _make_room(self) -> None:
        missing = self._rows.used - self._columns.shape[1]
        if missing > 0:
            more = max(missing, self._columns.shape[1], 16)
            self._columns = np.concatenate([self._columns, np.zeros((4, more), np.int64)], axis=1)
        self._rhythm.make_room(self._rows.used)
        self._sums.make_room(self._rows.used)

    def _close(self, window: int, findings: list[RateFinding], scores: list[WindowScores]) -> None:
        """Judge a window of all polls, speak, and learn it."""
        columns = self._columns[:, : self._rows.used]
        votes, age = columns[_VOTES].astype(np.float64), window - columns[_BIRTH]
        columns[_LAST] = np.where(columns[_VOTES] > 0, window, columns[_LAST])
        usual = self._rhythm.usual(len(votes), window)
        cut, at_minute = self._sums.cut(usual, votes)
        sums = self._sums.add(window, usual, votes)
        judged = self._sums.judge(window, sums, age, usual)
        best = judged.score.argmax(axis=0)
        score = judged.score.max(axis=0)
        said = self._speak(window, judged, best, score)
        findings += said
        if self._keep_scores:
            opened = {found.poll for found in said if found.phase == "opened"}
            scores.append(self._scores(window, usual.votes, score, opened))
        self._sums.learn(window, sums, judged, age, usual, cut)
        self._rhythm.learn(window, age, usual, cut, at_minute)
        columns[_VOTES] = columns[_ARRIVED_MS] = 0

    def _speak(self, window: int, judged: Judged, best: Int64s, score: Floats) -> list[RateFinding]:
        alive = self._rows.poll[: len(score)] >= 0
        rows = sorted({*(alive & (score > 1)).nonzero()[0].tolist(), *self._episodes.rows()})
        said: list[RateFinding] = []
        for row in rows:
            found = self._finding(row, window, judged, int(best[row]))
            if row in self._episodes:
                self._restraint.saw(row, found.score)
                said += self._episodes.close_window(row, found.score, lambda found=found: found)  # type: ignore[misc]
            elif self._restraint.allows(row, window, found.score):
                self._restraint.spoke(row, window, found.score)
                self._episodes.open(row, found)
                said.append(found)
        return sorted(said, key=lambda found: found.poll)

    def _finding(self, row: int, window: int, judged: Judged, number: int) -> RateFinding:
        end_ms = (window + 1) * self._params.window_ms
        return RateFinding(
            poll=int(self._rows.poll[row]),
            option=NO_OPTION,
            kind="vote_spike",
            phase="update" if row in self._episodes else "opened",
            at_ms=end_ms,
            start_ms=end_ms - SUMS[number] * self._params.window_ms,
            end_ms=end_ms,
            observed=float(judged.votes[number, row]),
            expected=float(judged.expected[number, row]),
            p_value=float(judged.p_value[number, row]),
            score=float(judged.score[number, row]),
            arrived_ms=int(self._columns[_ARRIVED_MS, row]),
        )

    def _scores(self, window: int, usual: Floats, score: Floats, opened: set[int]) -> WindowScores:
        rows = self._rows.polls()
        rows = rows[np.argsort(self._rows.poll[rows])]
        poll = self._rows.poll[rows]
        return WindowScores(
            poll=poll,
            start_ms=np.full(len(rows), window * self._params.window_ms),
            votes=self._columns[_VOTES, rows],
            expected=usual[rows],
            score=score[rows],
            alarm=np.isin(poll, list(opened)),
        )

    def _sweep(self, at_ms: int, findings: list[RateFinding]) -> list[int]:
        """Give back the state of polls that were long without a vote; returns their numbers."""
        rows = self._rows.polls()
        last_end_ms = (self._columns[_LAST, rows] + 1) * self._params.window_ms
        gone = rows[last_end_ms + max(self._params.quiet_ms, _UNKNOWN_AFTER_MS) <= at_ms].tolist()
        polls = [int(self._rows.poll[row]) for row in gone]
        for row in gone:
            findings += self._episodes.end(row, at_ms)
            self._drop(row)
        return polls

    def _drop(self, row: int) -> None:
        self._episodes.drop(row)
        self._restraint.forget(row)
        self._rows.leave(row)
        self._columns[:, row] = 0

    def suspected(self) -> Int64s:
        """Return the polls that are in an episode."""
        return self._rows.poll[self._episodes.rows()].astype(np.int64)

    def scores_of(self, polls: Int64s) -> Floats:
        """Return the score of each poll's episode; 0 where there is none."""
        return np.array([self._episodes.score(row) for row in self._rows.rows_of(polls).tolist()], np.float64)

    def expected_per_s(self, polls: Int64s) -> Floats:
        """Return NaN: what is usual is asked of whole windows, when they are over."""
        return np.full(len(polls), np.nan)

    def forget(self, polls: Int64s) -> None:
        """Forget all about these polls."""
        for poll in polls.tolist():
            row = self._rows.row_of(poll)
            if row >= 0:
                self._drop(row)
            self._rows.forget(poll)

    def snapshot(self) -> list[Any]:
        """Return the state as plain data."""
        used = self._rows.used
        parts = [self._rows.snapshot(), self._columns[:, :used].tobytes(), self._rhythm.snapshot(used)]
        return [self._until_ms, *parts, self._sums.snapshot(used), self._restraint.snapshot(), self._episodes.snapshot()]

    def restore(self, snapshot: list[Any]) -> None:
        """Take over what `snapshot` returned."""
        self._until_ms, rows, columns, rhythm, sums, restraint, episodes = snapshot
        self._rows.restore(rows)
        used = self._rows.used
        self._make_room()
        self._columns[:, :used] = np.frombuffer(columns, np.int64).reshape(4, used)
        self._rhythm.restore(rhythm, used)
        self._sums.restore(sums, used)
        self._restraint.restore(restraint)
        self._episodes.restore(episodes)
