"""What one step's votes amount to: tests, levels and CUSUMs turned into findings and scores. It decides nothing."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from detectors.columns import NO_OPTION, Int64s
from detectors.rate_findings import RateFinding, RatePhase, WindowScores
from detectors.rate_params import RateParams
from detectors.rate_recent import Run
from detectors.rate_rows import RowTable
from detectors.rate_spikes import Spans, SpikeTests
from detectors.rate_windows import ClosedWindows, Standing


class Reading:
    """The findings that one step allows; made for the step and thrown away after it."""

    def __init__(
        self, params: RateParams, rows: RowTable, windows: ClosedWindows, runs: list[Run], asked: Run, fresh: Int64s
    ) -> None:
        """Read `asked`, the entries of the step's windows; `runs` hold all recent votes, `fresh` is what is new."""
        self._params = params
        self._rows = rows
        self._windows = windows
        self._runs = runs
        self._asked = asked
        self._fresh = fresh
        self._tests = SpikeTests(params)

    def openings(self) -> dict[int, list[RateFinding]]:
        """Return what could open an episode, by poll row and in order of time."""
        found = [*self._spikes(), *self._drips()]
        by_row: dict[int, list[RateFinding]] = {}
        for row, finding in sorted(found, key=lambda pair: (pair[1].at_ms, -pair[1].score, pair[1].option)):
            by_row.setdefault(row, []).append(finding)
        return by_row

    def _spikes(self) -> list[tuple[int, RateFinding]]:
        groups = self._windows.groups
        group = groups.of_entry[self._fresh]
        spans = self._tests.alarming(self._runs, self._asked.take(self._fresh), group, self._windows.levels)
        found = []
        for i, place in enumerate(self._fresh[spans.entry].tolist()):
            row = int(groups.row[groups.of_entry[place]])
            end_ms = (int(self._asked.tick[place]) + 1) * self._params.tick_ms
            found.append((int(self._rows.parent[row]), self._spike(row, spans, i, end_ms, "opened", end_ms, place)))
        return found

    def _spike(self, row: int, spans: Spans, i: int, end_ms: int, phase: RatePhase, at_ms: int, place: int) -> RateFinding:
        return RateFinding(
            poll=int(self._rows.poll[row]),
            option=int(self._rows.option[row]),
            kind="vote_spike",
            phase=phase,
            at_ms=at_ms,
            start_ms=end_ms - int(spans.span_ms[i]),
            end_ms=end_ms,
            observed=float(spans.votes[i]),
            expected=float(spans.expected[i]),
            p_value=float(spans.p_value[i]),
            score=float(spans.score[i]),
            arrived_ms=int(self._asked.arrived_ms[place]),
        )

    def _drips(self) -> list[tuple[int, RateFinding]]:
        found = []
        groups = self._windows.groups
        for at in self._windows.dripping:
            row, window = groups.row[at], groups.window[at]
            standing = self._windows.standing(row, window)
            for i in range(len(row)):
                finding = self._drip(int(row[i]), int(window[i]), standing, i, "opened")
                found.append((int(self._rows.parent[row[i]]), finding))
        return found

    def _drip(self, row: int, window: int, standing: Standing, i: int, phase: RatePhase) -> RateFinding:
        end_ms = (window + 1) * self._params.window_ms
        run = max(float(standing.run[i]), 1.0)
        group = int(standing.group[i])
        return RateFinding(
            poll=int(self._rows.poll[row]),
            option=int(self._rows.option[row]),
            kind="slow_drip",
            phase=phase,
            at_ms=end_ms,
            start_ms=end_ms - int(run) * self._params.window_ms,
            end_ms=end_ms,
            observed=float(standing.run_votes[i]),
            expected=float(standing.level[i]) * run,
            p_value=math.exp(-float(standing.height[i])),
            score=float(standing.height[i] / standing.limit[i]),
            arrived_ms=self._arrived_ms(group),
        )

    def _arrived_ms(self, group: int) -> int:
        """Return when the last votes of a group came; 0 where there were none."""
        if group < 0:
            return 0
        groups = self._windows.groups
        after = int(groups.first[group + 1]) if group + 1 < len(groups.first) else len(self._asked.key)
        return int(self._asked.arrived_ms[after - 1])

    @cached_property
    def _highest(self) -> Spans:
        return self._tests.highest(self._runs, self._asked, self._windows.groups.first, self._windows.levels)

    def at_end(self, row: int, window: int) -> RateFinding:
        """Return the poll's highest scoring finding at the end of a closed window."""
        family = np.array(self._rows.family(row), dtype=np.int64)
        standing = self._windows.standing(family, np.full(len(family), window))
        with_votes = np.flatnonzero(standing.group >= 0)
        spike = np.zeros(len(family))
        spike[with_votes] = self._highest.score[standing.group[with_votes]] if len(with_votes) else 0.0
        drip = standing.height / standing.limit
        best = int(np.argmax(np.maximum(spike, drip)))
        if drip[best] >= spike[best]:
            return self._drip(int(family[best]), window, standing, best, "update")
        group = int(standing.group[best])
        place = int(self._highest.entry[group])
        end_ms = (int(self._asked.tick[place]) + 1) * self._params.tick_ms
        at_ms = (window + 1) * self._params.window_ms
        return self._spike(int(family[best]), self._highest, group, end_ms, "update", at_ms, place)

    def scores(self, entered: Int64s, closed: range, alarms: set[tuple[int, int]]) -> WindowScores:
        """Return a row for each poll in memory and each closed window since it entered memory.

        `entered` is the window of each row's first vote, `alarms` are (poll, window) in which an episode opened.
        """
        row = np.flatnonzero(self._rows.poll[: self._rows.used] >= 0)
        window, row = (grid.ravel() for grid in np.meshgrid(np.arange(closed.start, closed.stop), row, indexing="ij"))
        lived = np.flatnonzero(entered[row] <= window)
        window, row = window[lived], row[lived]
        standing = self._windows.standing(row, window)
        score = standing.height / standing.limit
        with_votes = np.flatnonzero(standing.group >= 0)
        if len(with_votes):
            spike = self._highest.score[standing.group[with_votes]]
            score[with_votes] = np.maximum(score[with_votes], spike)
        whole = np.flatnonzero(self._rows.option[row] == NO_OPTION)
        place = np.zeros((closed.stop - closed.start, self._rows.used), np.int64)
        place[window[whole] - closed.start, row[whole]] = whole
        highest = np.zeros(len(row))
        np.maximum.at(highest, place[window - closed.start, self._rows.parent[row]], score)
        polls = self._rows.poll[row[whole]]
        order = np.lexsort((polls, window[whole]))
        whole, polls = whole[order], polls[order]
        spoke = [pair in alarms for pair in zip(polls.tolist(), window[whole].tolist(), strict=True)]
        return WindowScores(
            poll=polls,
            start_ms=window[whole] * self._params.window_ms,
            votes=standing.votes[whole],
            expected=standing.expected[whole],
            score=highest[whole],
            alarm=np.array(spoke, dtype=np.bool_),
        )
