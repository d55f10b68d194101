"""The polls of one shard: the order of steps from a block to a report. The file to read first in this folder.

A shard is a pure function of the blocks it was given: however they were cut and interleaved, and wherever it was
stopped and restored, the same rows give the same findings. State: what inbox, recent ids, poll book, tally and rate
detectors say of themselves, for at most `max_polls` polls.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan
from typing import Any

import numpy as np

from detectors.block import Block
from detectors.columns import (
    NO_OPTION,
    Bools,
    Int32s,
    Int64s,
    VoteCells,
    distinct,
    int32s,
    int64s,
    run_starts,
)
from detectors.counted import Counted, ScoredWindows
from detectors.erasure import Erasure
from detectors.findings import Finding, Rates, Report, Retired, Standings, rounded
from detectors.inbox import Inbox, InboxLimits, up_to_whole
from detectors.naming import finding_of_rate, finding_of_sighting
from detectors.no_rate import NoRate
from detectors.polls import MAX_OPTIONS, PollBook
from detectors.rate.detector import RateDetector, RateFinding, WindowScores
from detectors.recent_ids import RecentIds
from detectors.senders import SKETCH_WIDTH
from detectors.shard_params import SWEEP_MS, ShardParams
from detectors.tallies_at import TalliesAt
from detectors.tally import Tally, TallyChange
from detectors.waiting_rows import Sequence
from detectors.watcher import Ballots, Sighting, Watcher
from detectors.watermark import UNKNOWN_MS

_EVICT_MS = 1_000
_BEFORE_THE_EPOCH_MS = -1
_NO_CELLS = VoteCells(int64s(), int32s(), int32s(), int64s(), int64s())


class Shard:
    """One shard: blocks in with `accept`, a report out with `advance`.

    `watchers` look at who votes and what is replied. `sources` may be silent for `idle_after_ms`, and `max_behind_ms` behind
    each other (`detectors.inbox.InboxLimits`). A shard of *all* polls (`across`) sees what is visible only across
    them; how the votes stand is then left to the others.
    """

    def __init__(
        self,
        number: int,
        sources: list[str],
        params: ShardParams,
        rate: RateDetector | NoRate,
        watchers: Iterable[Watcher] = (),
        across: bool = False,
        idle_after_ms: int = 2_000,
        max_behind_ms: int = 60_000,
    ) -> None:
        self._number = number
        self.params = params
        limits = InboxLimits(idle_after_ms, max_behind_ms, params.max_waiting_rows, rate.params.tick_ms)
        self._inbox = Inbox(sources, SKETCH_WIDTH if across else 0, limits)
        self._watchers = list(watchers)
        self._across = across
        self._recent = RecentIds(params.duplicate_horizon_ms, params.max_recent_ids)
        self.book = PollBook()
        self._tally = Tally()
        self._rate = rate
        self._until_ms = UNKNOWN_MS
        self._tick_ms = rate.params.tick_ms
        self._sweep_ms = up_to_whole(SWEEP_MS, self._tick_ms)
        self._evict_ms = up_to_whole(_EVICT_MS, self._tick_ms)

    def accept(self, block: Block) -> None:
        """Take a block. Raises `detectors.inbox.Gap` when something of one of its sources is missing before it, and `UnknownSource`."""
        unseen = self._inbox.unseen(block)
        self._inbox.accept(unseen, self.book.names(unseen.rows))

    def advance(self) -> tuple[Report, Counted] | None:
        """Work through all whole ticks that every source has passed; None when there is none since the last call."""
        until_ms = self._inbox.frontier_ms() // self._tick_ms * self._tick_ms
        if until_ms <= max(self._until_ms, _BEFORE_THE_EPOCH_MS):
            return None
        if self.book.crowded:
            self.book.forget_names(self._inbox.waiting_names())
        start_ms, counted = self._until_ms, Counted()
        rows = self._inbox.release(until_ms)
        findings: list[Finding] = []
        changed: list[Int32s] = []
        retired: list[Retired] = []
        suspected = self._rate.suspected()
        while self._until_ms < until_ms:
            stop_ms = self._stop_ms(rows, until_ms)
            due = int(np.searchsorted(rows.effective_ms, stop_ms))
            findings += self._observe(rows.take(slice(0, due)), stop_ms, counted, changed)
            self._until_ms, rows = stop_ms, rows.take(slice(due, None))
            self._let_leave(rows.name, counted, retired)
        standings = self._standings([] if self._across else changed)
        retired = [] if self._across else retired
        ended = self._inbox.ended() and not len(self._inbox)
        shed = self._inbox.shed.within(start_ms, until_ms)
        self._inbox.shed.forget_before(until_ms)
        rates = Rates([], [], []) if self._across else self._rates(changed, suspected)
        report = Report(self._number, start_ms, until_ms, findings, standings, retired, ended, shed, rates=rates)
        counted = Counted() if self._across else counted
        counted.early, counted.ids_early = self._inbox.take_early(), self._recent.take_early()
        counted.left_behind = self._inbox.left_behind()
        return report, counted

    def _stop_ms(self, rows: Sequence, until_ms: int) -> int:
        """Return how far to go at once: polls leave only at a stop, and stops do not depend on how rows were released.

        What is shed begins and ends at stops as well.
        """
        first_ms = int(rows.effective_ms[0]) if len(rows) else until_ms
        oldest_ms = min(first_ms, self.book.oldest_ms())
        stops_ms = [until_ms, _next(max(oldest_ms + self.params.retain_ms, self._until_ms), self._sweep_ms)]
        if len(self.book) > self.params.max_polls:
            stops_ms.append(_next(self._until_ms, self._evict_ms))
        else:
            outgrown = self.book.outgrown_at(rows.name, self.params.max_polls)
            if outgrown is not None:
                stops_ms.append(_next(int(rows.effective_ms[outgrown]), self._evict_ms))
        edge_ms = self._inbox.shed.edge_after(self._until_ms)
        return min(stops_ms) if edge_ms is None else min(*stops_ms, edge_ms)

    def _observe(self, rows: Sequence, until_ms: int, counted: Counted, changed: list[Int32s]) -> list[Finding]:
        new = self._recent.first_seen(rows.event, rows.effective_ms)
        if not new.all():
            counted.duplicates += len(rows) - int(np.count_nonzero(new))
            rows = rows.take(new)
        before = len(self.book)
        poll, cell = self.book.enter(rows.name)
        counted.polls_entered += len(self.book) - before
        self.book.last_ms[poll] = rows.effective_ms  # rows come in order of time: the last one of a poll stays
        is_vote, all_polls, all_cells = cell >= 0, poll, cell
        votes, poll, cell = rows.without_senders().take(is_vote), poll[is_vote], cell[is_vote]
        change = self._tally.count(votes, cell, self.book.serial[poll])
        cells = _NO_CELLS if self._across else self._vote_cells(votes, poll, cell, ~votes.late)
        step = self._rate.advance(cells, until_ms)
        if self._inbox.shed.covers(self._until_ms):
            counted.unwatched += len(rows)
            seen = [said for watcher in self._watchers for said in watcher.skip(self._until_ms, until_ms)]
        else:
            first = np.zeros(len(rows), np.bool_)
            first[is_vote] = change.first
            seen = self._watch(self._ballots(rows, all_polls, all_cells, first), until_ms)
        findings = self._findings(step.findings, seen, change)
        self.book.changed_ms[self.book.cell_poll[change.cell]] = change.effective_ms
        changed.append(self.book.move_votes(change.cell, change.left))
        self._count(counted, rows, votes, change)
        if step.windows is not None:
            counted.scores.append(self._named(step.windows))
        return findings

    def _watch(self, ballots: Ballots, until_ms: int) -> list[Sighting]:
        return [seen for watcher in self._watchers for seen in watcher.observe(ballots, until_ms)]

    def _vote_cells(self, votes: Sequence, poll: Int32s, cell: Int32s, on_time: Bools) -> VoteCells:
        tick, cell, arrived = votes.effective_ms[on_time] // self._tick_ms, cell[on_time], votes.arrived_ms[on_time]
        if not len(tick):
            return _NO_CELLS
        place = (tick - tick[0]) * len(self.book.serial) + poll[on_time]
        place = place * MAX_OPTIONS + self.book.cell_option[cell]
        order = np.argsort(place)
        starts = run_starts(place[order])
        counts = np.diff(np.append(starts, len(tick)))
        latest = np.maximum.reduceat(arrived[order], starts)
        of, tick_ms = cell[order[starts]], tick[order[starts]] * self._tick_ms
        return VoteCells(tick_ms, self.book.cell_poll[of], self.book.cell_option[of], counts, latest)

    def _findings(self, found: list[RateFinding], seen: list[Sighting], change: TallyChange) -> list[Finding]:
        if not found and not seen:
            return []
        tallies = TalliesAt(self.book, change)
        return [finding_of_rate(one, self.book, tallies) for one in found] + [
            finding_of_sighting(one, self.book, tallies) for one in seen
        ]

    def _ballots(self, rows: Sequence, poll: Int32s, cell: Int32s, first: Bools) -> Ballots:
        option = np.full(len(rows), NO_OPTION, np.int32)
        option[cell >= 0] = self.book.cell_option[cell[cell >= 0]]
        return Ballots(
            poll, option, rows.effective_ms, rows.ts_ms, rows.account, first, rows.arrived_ms, rows.sender.whole()
        )

    def _named(self, windows: WindowScores) -> ScoredWindows:
        poll_ids = [self.book.poll_ids[number] for number in windows.poll.tolist()]
        return ScoredWindows(
            poll_ids, windows.start_ms, windows.votes, windows.expected, windows.score, windows.alarm
        )

    def _count(self, counted: Counted, rows: Sequence, votes: Sequence, change: TallyChange) -> None:
        counted.votes += len(votes)
        counted.replies += len(rows) - len(votes)
        counted.late += int(np.count_nonzero(rows.late))
        counted.revotes += change.revotes

    def _standings(self, changed: list[Int32s]) -> Standings:
        cells = distinct(np.concatenate([int32s(), *changed]))
        cells = cells[self.book.cell_poll[cells] >= 0]
        return Standings(
            [self.book.poll_ids[number] for number in self.book.cell_poll[cells].tolist()],
            [self.book.option_names[cell] for cell in cells.tolist()],
            self.book.votes[cells].tolist(),
            self.book.changed_ms[self.book.cell_poll[cells]].tolist(),
        )

    def _rates(self, changed: list[Int32s], suspected: Int64s) -> Rates:
        """Return how fast polls are expected to vote: those that changed, and those whose rate is or was suspected."""
        cells = np.concatenate([int32s(), *changed])
        polls = distinct(np.concatenate([self.book.cell_poll[cells], suspected, self._rate.suspected()]).astype(np.int64))
        polls = polls[polls >= 0]
        polls = polls[self.book.serial[polls] > 0]
        expected = [None if isnan(one) else rounded(one) for one in self._rate.expected_per_s(polls).tolist()]
        scores = [rounded(score) for score in self._rate.scores_of(polls).tolist()]
        return Rates([self.book.poll_ids[number] for number in polls.tolist()], expected, scores)

    def _let_leave(self, ahead: Int32s, counted: Counted, retired: list[Retired]) -> None:
        """Let polls leave that were quiet for long, or longest of too many; `ahead` are names of rows yet to observe."""
        if self._until_ms % self._sweep_ms == 0:
            quiet = self.book.quiet_since(self._until_ms - self.params.retain_ms)
            self._retire(quiet, ahead, counted, retired)
        if len(self.book) > self.params.max_polls and self._until_ms % self._evict_ms == 0:
            # to let a poll leave costs as much as all of them: more than necessary go at once
            leaving = len(self.book) - self.params.max_polls + self.params.max_polls // 16
            counted.polls_evicted += leaving
            self._retire(self.book.longest_quiet(leaving), ahead, counted, retired)

    def _retire(
        self, numbers: Int64s, ahead: Int32s, counted: Counted, retired: list[Retired]
    ) -> None:
        if len(numbers):
            retired += [Retired(self._until_ms, self.book.poll_ids[n], self.book.tally(n)) for n in numbers.tolist()]
            counted.polls_retired += len(numbers)
            self._rate.forget(numbers)
            for watcher in self._watchers:
                watcher.forget(numbers)
            self._tally.forget(self.book.serial[numbers])
            self.book.remove(numbers, np.union1d(ahead, self._inbox.waiting_names()))

    def erase(self, erasure: Erasure) -> tuple[Report, Counted] | None:
        """Forget an account; what was accepted before is worked through first, and its report returned as `advance` does.

        So the account is forgotten at one place in the sequence of blocks, wherever they were cut into runs.
        """
        advanced = self.advance()
        self._inbox.erase(erasure)
        self._tally.erase(erasure)
        for watcher in self._watchers:
            watcher.erase(erasure)
        return advanced

    def sizes(self) -> dict[str, int]:
        """Return how many entries each store holds."""
        return {
            "waiting_rows": len(self._inbox),
            "recent_ids": len(self._recent),
            "polls": len(self.book),
            "voters": len(self._tally),
        }

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data; restoring it in a shard of the same settings continues identically."""
        return {
            "until_ms": self._until_ms,
            "inbox": self._inbox.snapshot(),
            "recent": self._recent.snapshot(),
            "book": self.book.snapshot(),
            "tally": self._tally.snapshot(),
            "rate": self._rate.snapshot(),
            "watchers": [watcher.snapshot() for watcher in self._watchers],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self._until_ms = state["until_ms"]
        self._inbox.restore(state["inbox"])
        self._recent.restore(state["recent"])
        self.book.restore(state["book"])
        self._tally.restore(state["tally"])
        self._rate.restore(state["rate"])
        for watcher, its_state in zip(self._watchers, state["watchers"], strict=True):
            watcher.restore(its_state)


def _next(at_ms: int, step_ms: int) -> int:
    """Return the first whole multiple of `step_ms` after `at_ms`."""
    return (at_ms // step_ms + 1) * step_ms
