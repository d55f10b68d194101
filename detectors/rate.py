"""The vote rate of polls: which of them surge, beyond what their past and a budget of false alarms allow. Read this first.

An advance goes: votes become entries of rows (rate_rows, rate_recent); windows that are over are learned in order
(rate_windows, rate_series: baseline, drip, prior); spikes are looked for at every tick (rate_spikes); episodes say what is new
(rate_episode). State: about 900 bytes a poll with two options, given back when it was quiet, and 24 a recent entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from detectors import rate_columns as of
from detectors.columns import Int64s, VoteCells
from detectors.rate_episode import Episodes
from detectors.rate_findings import RateFinding, RateKind, RatePhase, RateStep, WindowScores
from detectors.rate_params import RateParams
from detectors.rate_reading import Reading
from detectors.rate_recent import RecentVotes, Run, run_of
from detectors.rate_series import SeriesStates
from detectors.rate_spikes import SpikeTests
from detectors.rate_windows import ClosedWindows, Groups

__all__ = ["RateDetector", "RateFinding", "RateKind", "RateParams", "RatePhase", "RateStep", "WindowScores"]

_SWEEPS_PER_QUIET = 4


class RateDetector:
    """Watches the polls of one shard. A pure function of its cells: how they are cut into steps changes nothing."""

    def __init__(self, params: RateParams, *, keep_scores: bool = False) -> None:
        self.params = params
        self._keep_scores = keep_scores
        self._states = SeriesStates(params)
        self._recent = RecentVotes()
        self._tests = SpikeTests(params)
        self._episodes = Episodes(params.window_ms, params.calm_windows)
        self._alarms: set[tuple[int, int]] = set()
        self._until_ms = -1
        self._sweep_ms = params.quiet_ms // _SWEEPS_PER_QUIET // params.window_ms * params.window_ms

    def __len__(self) -> int:
        """Return how many series are in memory."""
        return len(self._states.rows)

    def advance(self, cells: VoteCells, until_ms: int) -> RateStep:
        """Work through the votes in [previous until_ms, until_ms), which is a multiple of tick_ms.

        Cells of a poll may begin at any time. Raises ValueError when time goes back or a cell lies outside the step.
        """
        self._check(cells, until_ms)
        findings: list[RateFinding] = []
        quiet: list[int] = []
        scores: list[WindowScores] = []
        for part, end_ms in self._between_sweeps(cells, until_ms):
            findings += self._work(part, end_ms, scores)
            if end_ms % self._sweep_ms == 0:
                self._sweep(end_ms, findings, quiet)
        findings.sort(key=lambda found: (found.at_ms, found.poll))
        back = [poll for poll in quiet if self._states.rows.row_of(poll) < 0]
        return RateStep(findings, _joined(scores) if self._keep_scores else None, sorted(back))

    def _check(self, cells: VoteCells, until_ms: int) -> None:
        if until_ms % self.params.tick_ms or until_ms < self._until_ms:
            raise ValueError(f"until_ms must be a multiple of {self.params.tick_ms} and not go back, not {until_ms}")
        if self._until_ms < 0:
            self._until_ms = int(cells.tick_ms[0]) if len(cells) else until_ms
        if len(cells) and not self._until_ms <= cells.tick_ms[0] <= cells.tick_ms[-1] < until_ms:
            raise ValueError(f"cells must lie in [{self._until_ms}, {until_ms}), not from {cells.tick_ms[0]}")

    def _between_sweeps(self, cells: VoteCells, until_ms: int) -> Iterator[tuple[VoteCells, int]]:
        """Cut a step where memory is swept; time in which nothing is in memory is skipped at once."""
        low = 0
        while self._until_ms < until_ms:
            next_ms = int(cells.tick_ms[low]) if low < len(cells) else until_ms
            if not len(self._states.rows):
                self._until_ms = max(self._until_ms, next_ms)
            end_ms = min((self._until_ms // self._sweep_ms + 1) * self._sweep_ms, until_ms)
            high = int(cells.tick_ms.searchsorted(end_ms))
            if end_ms > self._until_ms:
                yield _cut(cells, low, high), end_ms
            low = high

    def _work(self, cells: VoteCells, until_ms: int, scores: list[WindowScores]) -> list[RateFinding]:
        window_ms = self.params.window_ms
        from_ms, self._until_ms = self._until_ms, until_ms
        closed = range(from_ms // window_ms, until_ms // window_ms)
        new = self._enter(cells)
        if not len(closed) and not len(new.key):
            return []
        reading = self._read(new, from_ms, closed)
        findings: list[RateFinding] = []
        openings = reading.openings()
        for row in sorted({*self._episodes.rows(), *openings}) if len(closed) else sorted(openings):
            findings += self._episodes.play(row, openings.get(row, []), closed, partial(reading.at_end, row))
        if self._keep_scores:
            scores += self._scores(reading, findings, closed)
        return findings

    def _scores(self, reading: Reading, findings: list[RateFinding], closed: range) -> list[WindowScores]:
        opened = (found for found in findings if found.phase == "opened")
        self._alarms |= {(found.poll, (found.at_ms - 1) // self.params.window_ms) for found in opened}
        if not len(closed):
            return []
        told = {(poll, window) for poll, window in self._alarms if window < closed.stop}
        self._alarms -= told
        return [reading.scores(self._states.columns[of.ENTERED].astype(np.int64), closed, told)]

    def _read(self, new: Run, from_ms: int, closed: range) -> Reading:
        """Put new votes beside recent ones, close the windows that are over and hold all against what was expected."""
        runs = [*self._recent.runs, new]
        self._recent.add(new)
        asked = new
        if len(closed):
            merged = self._recent.merged()
            runs = [merged]
            asked = merged.take(merged.tick * self.params.tick_ms >= closed.start * self.params.window_ms)
            self._recent.keep_from((closed.stop - 1) * self.params.window_ms // self.params.tick_ms)
        groups = Groups.of(asked, self.params)
        windows = ClosedWindows(self._states, groups, closed.stop)
        fresh = np.flatnonzero(asked.tick * self.params.tick_ms >= from_ms)
        return Reading(self.params, self._states.rows, windows, runs, asked, fresh)

    def _enter(self, cells: VoteCells) -> Run:
        """Give every cell its rows: one for the poll, one for the option if it is watched."""
        rows = self._states.rows
        poll_rows, new_polls = rows.enter_polls(cells.poll)
        option_rows, new_options = rows.enter_options(poll_rows, cells.option)
        self._states.expect([*new_polls, *new_options])
        watched = np.flatnonzero(option_rows >= 0)
        tick = cells.tick_ms // self.params.tick_ms
        return run_of(
            np.concatenate([poll_rows, option_rows[watched]]).astype(np.int64),
            np.concatenate([tick, tick[watched]]),
            np.concatenate([cells.votes, cells.votes[watched]]),
            np.concatenate([cells.arrived_ms, cells.arrived_ms[watched]]),
        )

    def _sweep(self, at_ms: int, findings: list[RateFinding], quiet: list[int]) -> None:
        """Give back the state of polls without a vote for `quiet_ms`."""
        polls = self._states.rows.polls()
        last_end_ms = (self._states.columns[of.LAST, polls] + 1) * self.params.window_ms
        for row in polls[last_end_ms + self.params.quiet_ms <= at_ms].tolist():
            findings += self._episodes.end(row, at_ms)
            quiet.append(int(self._states.rows.poll[row]))
            self._drop(row)

    def _drop(self, row: int) -> None:
        self._recent.forget_rows(np.array(self._states.rows.family(row)))
        self._episodes.drop(row)
        self._states.leave(row)

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
        self._recent.restore(recent)
        self._episodes.restore(episodes)


def _cut(cells: VoteCells, low: int, high: int) -> VoteCells:
    part = slice(low, high)
    return VoteCells(
        cells.tick_ms[part], cells.poll[part], cells.option[part], cells.votes[part], cells.arrived_ms[part]
    )


def _joined(parts: list[WindowScores]) -> WindowScores:
    if not parts:
        nothing = np.zeros(0, np.int64)
        return WindowScores(nothing.astype(np.int32), nothing, nothing, np.zeros(0), np.zeros(0), np.zeros(0, np.bool_))
    return WindowScores(*(np.concatenate([getattr(part, name) for part in parts]) for name in WindowScores.__slots__))
