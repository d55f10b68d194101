"""What one step's votes amount to: tests, levels and CUSUMs turned into findings and scores. It decides nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from detectors.columns import NO_OPTION, Bools, Floats, Int32s, Int64s, begins
from detectors.rate import columns as of
from detectors.rate.drip import Drip
from detectors.rate.findings import RateFinding, RatePhase, WindowScores
from detectors.rate.lesson import Outlook
from detectors.rate.params import LESSON_WINDOWS
from detectors.rate.recent import Run
from detectors.rate.series import SeriesStates
from detectors.rate.spikes import Levels, Spans, SpikeTests, Suspects, together
from detectors.rate.windows import Groups


@dataclass(frozen=True, slots=True)
class Votes:
    """All recent votes in runs; `asked` those of the step's windows, gathered in `groups`."""

    runs: list[Run]
    asked: Run
    groups: Groups

_TRIED_AT_ONCE = 256
"""Suspects of a poll whose exact tails are computed together, until one of them is alarming."""


class Reading:
    """The findings that one step allows; made for the step and thrown away after it."""

    def __init__(
        self, tests: SpikeTests, states: SeriesStates, rows: Int64s, closed: range, votes: Votes
    ) -> None:
        """Judge these rows (ascending), the step's closed windows and the one still open, all of one lesson."""
        self._states, self._rows, self._closed, self._votes = states, rows, closed, votes
        self._tests, self._params = tests, tests.params
        self._start = (closed.stop - (1 if len(closed) else 0)) // LESSON_WINDOWS * LESSON_WINDOWS
        self._given = states.judged(rows, self._start, closed.stop - self._start)
        self._scores: dict[int, list[float]] = {}

    @cached_property
    def _drip(self) -> Drip:
        return self._states.drip(self._rows, self._given)

    @cached_property
    def _levels(self) -> Levels:
        groups = self._votes.groups
        at, when = np.searchsorted(self._rows, groups.row), groups.window - self._start
        return levels_of(self._states, self._given.outlook, groups.row, at, when)

    @cached_property
    def _suspects(self) -> _Suspects:
        """Return the spans that may be alarming, by poll row and time."""
        votes, groups = self._votes, self._votes.groups
        found = self._tests.suspects(votes.runs, votes.asked, groups, self._levels)
        poll_row = self._states.rows.parent[groups.row[groups.of_entry[found.entry]]]
        end_ms = (votes.asked.tick[found.entry] + 1) * self._params.tick_ms
        order = np.lexsort((end_ms, poll_row))
        return _Suspects(poll_row[order], end_ms[order], found.take(order))

    @cached_property
    def _drip_score(self) -> Floats:
        """Return the score of the CUSUM for each row and closed window of the lesson."""
        return self._drip.height / self._states.limit(self._rows)[:, None]

    def opening_rows(self) -> set[int]:
        """Return the poll rows that could open an episode."""
        rows = set(np.unique(self._suspects.poll_row).tolist())
        if len(self._closed):
            dripping = self._rows[(self._drip_score > 1).any(axis=1)]
            rows.update(self._states.rows.parent[dripping].tolist())
        return rows

    def next_opening(self, poll_row: int, after_ms: int) -> RateFinding | None:
        """Return what first could open an episode of this poll after a time."""
        found = [self._next_spike(poll_row, after_ms), self._next_drip(poll_row, after_ms)]
        return min((one for one in found if one is not None), key=lambda one: one.at_ms, default=None)

    def _next_spike(self, poll_row: int, after_ms: int) -> RateFinding | None:
        suspects = self._suspects
        low, high = np.searchsorted(suspects.poll_row, [poll_row, poll_row + 1]).tolist()
        at = low + int(suspects.end_ms[low:high].searchsorted(after_ms, "right"))
        while at < high:
            last_ms = suspects.end_ms[min(at + _TRIED_AT_ONCE, high) - 1]
            next_at = low + int(suspects.end_ms[low:high].searchsorted(last_ms, "right"))
            found = self._first_alarm(np.arange(at, next_at))
            if found is not None:
                return found
            at = next_at
        return None

    def _first_alarm(self, chosen: Int64s) -> RateFinding | None:
        suspects = self._suspects
        spans = self._judged(suspects.spans.take(chosen))
        alarming = np.flatnonzero(spans.score > 1)
        if not len(alarming):
            return None
        end_ms = suspects.end_ms[chosen[alarming]]
        of_first = alarming[end_ms == end_ms[0]]
        return self._spike(spans, int(of_first[spans.score[of_first].argmax()]), "opened", int(end_ms[0]))

    def _next_drip(self, poll_row: int, after_ms: int) -> RateFinding | None:
        windows = [window for window in self._closed if (window + 1) * self._params.window_ms > after_ms]
        if not windows:
            return None
        family = np.searchsorted(self._rows, self._states.rows.family(poll_row))
        score = self._drip_score[family][:, windows[0] - self._start : windows[-1] + 1 - self._start]
        above = np.flatnonzero((score > 1).any(axis=0))
        if not len(above):
            return None
        at = int(family[score[:, above[0]].argmax()])
        return self._dripping(at, windows[int(above[0])], "opened")

    def _spike(self, spans: Spans, i: int, phase: RatePhase, at_ms: int) -> RateFinding:
        """Return the finding of a span that ends with one of the votes asked about."""
        asked, groups, rows = self._votes.asked, self._votes.groups, self._states.rows
        place = int(spans.entry[i])
        row = int(groups.row[groups.of_entry[place]])
        end_ms = (int(asked.tick[place]) + 1) * self._params.tick_ms
        return RateFinding(
            poll=int(rows.poll[row]),
            option=int(rows.option[row]),
            kind="vote_spike",
            phase=phase,
            at_ms=at_ms,
            start_ms=end_ms - int(spans.span_ms[i]),
            end_ms=end_ms,
            observed=float(spans.votes[i]),
            expected=float(spans.expected[i]),
            p_value=float(spans.p_value[i]),
            score=float(spans.score[i]),
            arrived_ms=int(asked.arrived_ms[place]),
        )

    def _dripping(self, at: int, window: int, phase: RatePhase) -> RateFinding:
        """Return the finding of the CUSUM of one of the rows read, at the end of a closed window."""
        rows, row, when = self._states.rows, int(self._rows[at]), window - self._start
        end_ms = (window + 1) * self._params.window_ms
        risen = next((n for n, height in enumerate(self._drip.height[at, when::-1].tolist()) if not height), when + 1)
        run, observed = risen, float(self._given.usual[at, when + 1 - risen : when + 1].sum())
        if risen == when + 1:
            run += int(self._states.columns[of.RUN, row])
            observed += float(self._states.columns[of.RUN_VOTES, row])
        return RateFinding(
            poll=int(rows.poll[row]),
            option=int(rows.option[row]),
            kind="slow_drip",
            phase=phase,
            at_ms=end_ms,
            start_ms=end_ms - max(run, 1) * self._params.window_ms,
            end_ms=end_ms,
            observed=observed if run else float(self._given.votes[at, when]),
            expected=float(self._drip.level[at]) * max(run, 1),
            p_value=math.exp(-float(self._drip.height[at, when])),
            score=float(self._drip_score[at, when]),
            arrived_ms=self._arrived_ms(row, window),
        )

    def _arrived_ms(self, row: int, window: int) -> int:
        """Return when the last votes of a row in a window came; 0 where there were none."""
        first, group = self._votes.groups.first, self._votes.groups.find(row, window)
        if group < 0:
            return 0
        after = int(first[group + 1]) if group + 1 < len(first) else len(self._votes.asked.key)
        return int(self._votes.asked.arrived_ms[after - 1])

    def speak_of(self, poll_rows: list[int] | None) -> None:
        """Look at these polls (None: all) window by window, for `at_end` and `scores`."""
        groups, parent = self._votes.groups, self._states.rows.parent
        over = groups.window < self._closed.stop
        if poll_rows is not None:
            over &= np.isin(parent[groups.row], poll_rows)
        self._spike_score = np.zeros(self._drip_score.shape)
        self._spike_at = np.zeros(self._drip_score.shape, np.int64)
        if over.any():
            group, self._highest = self._highest_of(over)
            at = (np.searchsorted(self._rows, groups.row[group]), groups.window[group] - self._start)
            self._spike_score[at], self._spike_at[at] = self._highest.score, np.arange(len(group))

    def _highest_of(self, over: Bools) -> tuple[Int64s, Spans]:
        """Return the chosen groups, and the highest scoring of the suspects and the whole window of each."""
        groups, spans = self._votes.groups, self._suspects.spans
        chosen = over.nonzero()[0]
        last = np.append(groups.first[1:], len(groups.of_entry))[chosen] - 1
        whole = np.full(len(chosen), len(self._params.spans_ms) - 1)
        suspects = spans.take(over[groups.of_entry[spans.entry]].nonzero()[0])
        spans = together([suspects, Suspects(last, whole, groups.votes[chosen])])
        group = groups.of_entry[spans.entry]
        order = np.lexsort((spans.votes, spans.number, group))
        spans = spans.take(order[ends(group[order] * 16 + spans.number[order])])
        group, judged = groups.of_entry[spans.entry], self._judged(spans)
        order = np.lexsort((judged.score, group))
        return chosen, judged.take(order[ends(group[order])])

    def _judged(self, spans: Suspects) -> Spans:
        return self._tests.judged(spans, self._levels.take(self._votes.groups.of_entry[spans.entry]))

    def score_at_end(self, poll_row: int, window: int) -> float:
        """Return the score of a poll that is spoken of at the end of a closed window."""
        if poll_row not in self._scores:
            family = np.searchsorted(self._rows, self._states.rows.family(poll_row))
            scores = np.maximum(self._spike_score[family], self._drip_score[family])
            self._scores[poll_row] = scores.max(axis=0).tolist()
        return self._scores[poll_row][window - self._start]

    def at_end(self, poll_row: int, window: int) -> RateFinding:
        """Return the highest scoring finding of a poll that is spoken of at the end of a closed window."""
        family = np.searchsorted(self._rows, self._states.rows.family(poll_row))
        when = window - self._start
        spike, drip = self._spike_score[family, when], self._drip_score[family, when]
        best = int(np.maximum(spike, drip).argmax())
        at = int(family[best])
        if drip[best] >= spike[best]:
            return self._dripping(at, window, "update")
        end_ms = (window + 1) * self._params.window_ms
        return self._spike(self._highest, int(self._spike_at[at, when]), "update", end_ms)

    def scores(self, alarms: set[tuple[int, int]]) -> WindowScores:
        """Return a row for each poll read and each of the step's windows since it entered memory.

        `alarms` are the (poll, window) in which an episode opened.
        """
        table, rows, first = self._states.rows, self._rows, self._closed.start - self._start
        score = np.maximum(self._spike_score, self._drip_score)[:, first:]
        whole = np.flatnonzero(table.option[rows] == NO_OPTION)
        highest = np.zeros_like(score)
        np.maximum.at(highest, np.searchsorted(rows, table.parent[rows]), score)
        window = np.arange(self._closed.start, self._closed.stop)
        lived = self._states.columns[of.ENTERED, rows[whole]][:, None] <= window
        polls = table.poll[rows[whole]]
        order = np.argsort(polls)
        when, which = np.nonzero(lived[order].T)
        at, poll = whole[order][which], polls[order][which]
        spoke = [pair in alarms for pair in zip(poll.tolist(), window[when].tolist(), strict=True)]
        return WindowScores(
            poll=poll,
            start_ms=window[when] * self._params.window_ms,
            votes=self._given.votes[at, when + first].astype(np.int64),
            expected=self._given.expected[at, when + first],
            score=highest[at, when],
            alarm=np.array(spoke, dtype=np.bool_),
        )

    def end_lesson(self) -> None:
        """Let the series learn the lesson; all rows there are must have been read."""
        self._states.end_lesson(self._rows, self._start // LESSON_WINDOWS, self._given, self._drip)


def levels_of(states: SeriesStates, outlook: Outlook, rows: Int64s, at: Int64s, when: Int64s | int) -> Levels:
    """Return what is expected of these rows, each in a window: its places in the outlook are `at` and `when`."""
    mean = np.where(outlook.age[at, when] > 0, outlook.mean[at, when], np.inf)
    spread = outlook.dispersion[at, when] + outlook.doubt[at, when]
    return Levels(mean, spread, states.bunching(rows), states.tail(rows), states.rows.option[rows])


def ends(values: Int64s) -> Int64s:
    """Return the places of the last of each run of equal values.

    >>> ends(np.array([3, 3, 5])).tolist()
    [1, 2]
    """
    return np.append(begins(values)[1:], True).nonzero()[0]


@dataclass(frozen=True, slots=True)
class _Suspects:
    """Spans by poll row and end, one entry each; `spans.entry` is their place among the votes asked about."""

    poll_row: Int32s
    end_ms: Int64s
    spans: Suspects
