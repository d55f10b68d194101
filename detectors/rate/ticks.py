"""Surges within seconds, and drips over hours: the vote rate by ticks. It must not know of rhythms of days.

An advance goes: votes become entries of rows (rate_rows, rate_recent) and are gathered by window (rate_windows); windows
are judged by those before them (rate_lesson, rate_drip), every tick by its trailing spans (rate_spikes, rate_tails); a
reading of both (rate_reading) lets episodes say what is new (rate_episode). A step that ends no window is read only if a
span in it reaches its bar (rate_bars). Every ten windows a lesson ends: then series learn (rate_series), polls and shard
too (rate_common, rate_prior), and quiet polls leave. State: about 3 KB a poll with two options (measured; River's means
are half of it), and 32 bytes for each recent vote cell of a series.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from detectors.columns import Floats, Int64s, VoteCells, distinct
from detectors.rate import columns as of
from detectors.rate.bars import Bars
from detectors.rate.episode import Episodes
from detectors.rate.findings import RateFinding, RateStep, WindowScores, joined
from detectors.rate.params import LESSON_WINDOWS, RateParams
from detectors.rate.reading import Reading, Votes
from detectors.rate.recent import RecentVotes, Run, run_of, trailing
from detectors.rate.series import SeriesStates
from detectors.rate.spikes import SpikeTests
from detectors.rate.windows import Groups


@dataclass
class _Gathered:
    """What the parts of one step brought."""

    findings: list[RateFinding] = field(default_factory=list)
    scores: list[WindowScores] = field(default_factory=list)
    quiet: list[int] = field(default_factory=list)


class TickRate:
    """Watches the polls of one shard. A pure function of its cells: how they are cut into steps changes nothing."""

    def __init__(self, params: RateParams, *, keep_scores: bool = False) -> None:
        self.params = params
        self._keep_scores = keep_scores
        self._tests = SpikeTests(params)
        self._states = SeriesStates(params)
        self._bars = Bars(self._tests, self._states)
        self._recent = RecentVotes()
        self._episodes = Episodes(params.window_ms, params.calm_windows)
        self._alarms: set[tuple[int, int]] = set()
        self._until_ms = -1

    def __len__(self) -> int:
        """Return how many series are in memory."""
        return len(self._states.rows)

    def advance(self, cells: VoteCells, until_ms: int) -> RateStep:
        """Work through the votes in [previous until_ms, until_ms), which is a multiple of tick_ms.

        Cells of a poll may begin at any time. Raises ValueError when time goes back or a cell lies outside the step.
        """
        self._check(cells, until_ms)
        step = _Gathered()
        for part, end_ms in self._by_lesson(cells, until_ms):
            self._work(part, end_ms, step)
        step.findings.sort(key=lambda found: (found.at_ms, found.poll))
        scores = joined(step.scores) if self._keep_scores else None
        return RateStep(step.findings, scores, sorted(set(step.quiet)))

    def _check(self, cells: VoteCells, until_ms: int) -> None:
        if until_ms % self.params.tick_ms or until_ms < self._until_ms:
            raise ValueError(f"until_ms must be a multiple of {self.params.tick_ms} and not go back, not {until_ms}")
        if self._until_ms < 0:
            self._until_ms = int(cells.tick_ms[0]) if len(cells) else until_ms
        if len(cells) and not self._until_ms <= cells.tick_ms[0] <= cells.tick_ms[-1] < until_ms:
            raise ValueError(f"cells must lie in [{self._until_ms}, {until_ms}), not from {cells.tick_ms[0]}")

    def _by_lesson(self, cells: VoteCells, until_ms: int) -> Iterator[tuple[VoteCells, int]]:
        """Cut a step where lessons end; time in which nothing is in memory is skipped at once."""
        low, lesson_ms = 0, self.params.lesson_ms
        while self._until_ms < until_ms:
            if not len(self._states.rows):
                self._until_ms = max(self._until_ms, int(cells.tick_ms[low]) if low < len(cells) else until_ms)
            end_ms = min((self._until_ms // lesson_ms + 1) * lesson_ms, until_ms)
            high = int(cells.tick_ms.searchsorted(end_ms))
            if end_ms > self._until_ms:
                yield _cut(cells, low, high), end_ms
            low = high

    def _work(self, cells: VoteCells, until_ms: int, step: _Gathered) -> None:
        window_ms = self.params.window_ms
        from_ms, self._until_ms = self._until_ms, until_ms
        closed = range(from_ms // window_ms, until_ms // window_ms)
        if not len(closed) and not len(cells):
            return
        new = self._enter(cells)
        if len(closed) or self._may_speak(new, closed.stop):
            reading = self._read(new, closed)
            step.findings += self._speak(reading, from_ms, closed)
            if self._keep_scores:
                step.scores += self._scores(reading, step.findings, closed)
            if until_ms % self.params.lesson_ms == 0:
                reading.end_lesson()
                self._sweep(until_ms, step)

    def _may_speak(self, new: Run, window: int) -> bool:
        """Keep votes of a step in which no window ends; tell whether any span has enough of them to be looked at."""
        self._recent.add(new)
        votes = trailing(self._recent.runs, new.key, self.params.window_ms // self.params.tick_ms)
        able = (votes >= self.params.min_excess_votes).nonzero()[0]
        if not len(able):
            return False
        key, least = new.key[able], self._bars.of(new.row[able], window)
        return len(self._tests.far(self._recent.runs, key, least, votes[able]).entry) > 0

    def _read(self, new: Run, closed: range) -> Reading:
        """Put new votes beside recent ones and hold the windows that are over, and new ticks, against the outlook."""
        window_ms, tick_ms = self.params.window_ms, self.params.tick_ms
        runs, asked = self._recent.runs, new
        if len(closed):
            self._recent.add(new)
            merged = self._recent.merged()
            runs = [merged]
            asked = merged.take(merged.tick * tick_ms >= closed.start * window_ms)
            self._recent.keep_from((closed.stop - 1) * window_ms // tick_ms)
        groups = Groups.of(asked, self.params)
        over = np.flatnonzero(groups.window < closed.stop)
        self._states.count(groups.row[over], groups.window[over], groups.votes[over], groups.pairs[over])
        rows = self._rows_to_read(groups.row, closed)
        return Reading(self._tests, self._states, rows, closed, Votes(runs, asked, groups))

    def _rows_to_read(self, with_votes: Int64s, closed: range) -> Int64s:
        ends = closed.stop % LESSON_WINDOWS == 0 and len(closed)
        if ends or (self._keep_scores and len(closed)):
            return self._states.rows.taken()
        if not len(closed):
            rows: Int64s = distinct(with_votes)
            return rows
        return self._states.rows.families(np.concatenate([with_votes, np.array(self._episodes.rows(), np.int64)]))

    def _speak(self, reading: Reading, from_ms: int, closed: range) -> list[RateFinding]:
        rows = {*reading.opening_rows(), *(self._episodes.rows() if len(closed) else [])}
        findings: list[RateFinding] = []
        if len(closed) and (rows or self._keep_scores):
            reading.speak_of(None if self._keep_scores else sorted(rows))
        for row in sorted(rows):
            opening, at_end = partial(reading.next_opening, row), partial(reading.at_end, row)
            score_at_end = partial(reading.score_at_end, row)
            findings += self._episodes.play(row, from_ms, closed, opening, score_at_end, at_end)
        return findings

    def _scores(self, reading: Reading, findings: list[RateFinding], closed: range) -> list[WindowScores]:
        opened = (found for found in findings if found.phase == "opened")
        self._alarms |= {(found.poll, (found.at_ms - 1) // self.params.window_ms) for found in opened}
        told = {(poll, window) for poll, window in self._alarms if window < closed.stop}
        self._alarms -= told
        return [reading.scores(told)] if len(closed) else []

    def _enter(self, cells: VoteCells) -> Run:
        """Give every cell its rows: one for the poll, one for the option if it is watched."""
        rows = self._states.rows
        poll_rows, polls = rows.enter_polls(cells.poll)
        self._states.begin(list(polls), cells.tick_ms[list(polls.values())].tolist())
        option_rows, options = rows.enter_options(poll_rows, cells.option)
        self._states.begin(list(options), cells.tick_ms[list(options.values())].tolist())
        self._bars.drop([*polls, *options])
        watched = np.flatnonzero(option_rows >= 0)
        tick = cells.tick_ms // self.params.tick_ms
        return run_of(
            np.concatenate([poll_rows, option_rows[watched]]).astype(np.int64),
            np.concatenate([tick, tick[watched]]),
            np.concatenate([cells.votes, cells.votes[watched]]),
            np.concatenate([cells.arrived_ms, cells.arrived_ms[watched]]),
        )

    def _sweep(self, at_ms: int, step: _Gathered) -> None:
        """Give back the state of polls without a vote for `quiet_ms`."""
        polls = self._states.rows.polls()
        last_end_ms = (self._states.columns[of.LAST, polls] + 1) * self.params.window_ms
        for row in polls[last_end_ms + self.params.quiet_ms <= at_ms].tolist():
            step.findings += self._episodes.end(row, at_ms)
            step.quiet.append(int(self._states.rows.poll[row]))
            self._drop(row)

    def _drop(self, row: int) -> None:
        self._recent.forget_rows(np.array(self._states.rows.family(row)))
        self._episodes.drop(row)
        self._states.leave(row)

    def suspected(self) -> Int64s:
        """Return the polls that are in an episode."""
        return self._states.rows.poll[self._episodes.rows()].astype(np.int64)

    def scores_of(self, polls: Int64s) -> Floats:
        """Return the score of each poll's episode; 0 where there is none."""
        return np.array([self._episodes.score(row) for row in self._states.rows.rows_of(polls).tolist()], np.float64)

    def expected_per_s(self, polls: Int64s) -> Floats:
        """Return the votes a second expected of each poll in the open window; NaN in its first one."""
        rows = self._states.rows.rows_of(polls)
        known = (rows >= 0).nonzero()[0]
        mean = self._bars.mean_of(rows[known], self._until_ms // self.params.window_ms)
        expected = np.full(len(polls), np.nan)
        expected[known] = np.where(np.isfinite(mean), mean, np.nan) / (self.params.window_ms / 1000)
        return expected

    def forget(self, polls: Int64s) -> None:
        """Forget all about these polls: their numbers may stand for other polls from now on."""
        for poll in polls.tolist():
            row = self._states.rows.row_of(poll)
            if row >= 0:
                self._drop(row)
            self._states.rows.forget(poll)

    def snapshot(self) -> list[Any]:
        """Return the state as plain data; a detector of the same parameters that restores it continues identically."""
        parts = (self._states, self._recent, self._episodes)
        return [self._until_ms, sorted(self._alarms), *(part.snapshot() for part in parts)]

    def restore(self, snapshot: list[Any]) -> None:
        """Take over what `snapshot` returned."""
        self._until_ms, alarms, states, recent, episodes = snapshot
        self._alarms = {(poll, window) for poll, window in alarms}
        self._states.restore(states)
        self._bars = Bars(self._tests, self._states)
        self._recent.restore(recent)
        self._episodes.restore(episodes)


def _cut(cells: VoteCells, low: int, high: int) -> VoteCells:
    part = slice(low, high)
    return VoteCells(
        cells.tick_ms[part], cells.poll[part], cells.option[part], cells.votes[part], cells.arrived_ms[part]
    )
