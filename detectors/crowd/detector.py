"""Tells a crowd from a script inside one poll, by who voted. The order of steps; each step is a file `crowd_*`.

Votes enter a log; each poll's votes are screened a chunk at a time; a poll with odd chunks is examined at whole steps of event
time; a group that is accused names its members, and every vote that comes later is weighed against it. Of a surge that
nobody is accused of it is told who came. What is common to a shard's polls is learned between lessons only, so how calls are
cut changes nothing. State: the log (15 MB at 150,000 votes), the platform (10 MB at most), 900 bytes a poll, and some kilobytes
for each accused group.
"""

from __future__ import annotations

import heapq
from dataclasses import asdict, astuple, dataclass
from typing import Any

import numpy as np

from detectors.columns import Int64s
from detectors.crowd.accused import Accused
from detectors.crowd.group import Group
from detectors.crowd.lessons import Lessons
from detectors.crowd.log import VoteLog
from detectors.crowd.params import CrowdParams
from detectors.crowd.platform import Platform
from detectors.crowd.screen import Chunker, Chunks, screen
from detectors.crowd.surges import Surge
from detectors.crowd.views import Views
from detectors.crowd.window import votes_at
from detectors.erasure import Erasure
from detectors.watcher import NO_BALLOTS, Ballots, Sighting

_LESSON_MS = 60_000
_LESSONS = (500, _LESSON_MS), (1_500, 120_000), (4_000, 300_000), (10_000, 900_000)
_LAST_LESSON_MS = 1_800_000
_RUN_CHUNKS = 8
_MOST_WINDOW = 20_000
_MOST_PAST = 3_000
_GROWTH, _SLOW_GROWTH = 1.25, 1.6
_MANY_LOOKS = 5
_CLOSE = 0.3
_SUSPICION_MS = 600_000
_UNSET_MS = -(1 << 62)
_WEIGH, _EXAMINE, _LOOK = range(3)


@dataclass
class _Run:
    """A poll's odd chunks that follow on each other: examined again when a quarter more votes are there, later on more.

    `first_vote` counts votes of the poll that came before `start_row`: so many at least.
    """

    start_row: int
    first_vote: int
    last_chunk: int
    at_ms: int = 0
    next_votes: int = 0
    looks: int = 0
    score: float = 0.0


class Crowd:
    """The composition detector of one shard: a `detectors.watcher.Watcher`."""

    def __init__(self, params: CrowdParams) -> None:
        self._params = params
        self._log = VoteLog(params.log_votes)
        self._chunker = Chunker(params.chunk_votes, params.log_votes)
        self._platform = Platform()
        self._lessons = Lessons()
        self._accused = Accused(params, self._log, self._platform)
        self._views = Views(self._log, self._platform)
        self._now_ms = _UNSET_MS
        self._lesson_ms = _UNSET_MS
        self._runs: dict[int, _Run] = {}
        self._due: list[tuple[int, int, int, tuple[Any, ...]]] = []

    def observe(self, ballots: Ballots, until_ms: int) -> list[Sighting]:
        """See `detectors.watcher.Watcher.observe`."""
        # an account is one voter, however often it changes its mind
        votes = ballots.first.nonzero()[0]
        times_ms = ballots.effective_ms[votes]
        if self._now_ms == _UNSET_MS:
            if not len(votes):
                return []
            self._now_ms = int(times_ms[0]) // _LESSON_MS * _LESSON_MS
            self._lesson_ms = self._now_ms + _LESSON_MS
        said: list[Sighting] = []
        taken = 0
        while self._now_ms < until_ms:
            next_vote_ms = int(times_ms[taken]) if taken < len(votes) else until_ms
            self._pass_silence(min(next_vote_ms, until_ms))
            stop_ms = min(self._lesson_ms, until_ms)
            due = int(times_ms.searchsorted(stop_ms))
            if due > taken:
                self._take(ballots, votes[taken:due])
                taken = due
            said += self._work(stop_ms)
            self._now_ms = stop_ms
            if stop_ms == self._lesson_ms:
                self._learn()
        return said

    def skip(self, from_ms: int, until_ms: int) -> list[Sighting]:
        """See `detectors.watcher.Watcher.skip`: who votes is compared, not how many came when, but for the pace of a surge."""
        said = self.observe(NO_BALLOTS, until_ms)
        self._views.surges.skip(from_ms, until_ms)
        return said

    def _take(self, ballots: Ballots, votes: Int64s) -> None:
        first = self._log.end
        self._log.append(ballots, votes)
        poll = ballots.poll[votes]
        chunks = self._chunker.add(poll, first)
        if len(chunks):
            screened = screen(chunks, self._log, self._platform)
            self._lessons.add(chunks, screened)
            odd = chunks.take(screened.odd)
            self._log.put("odd", odd.rows.ravel(), 1)
            self._plan_examinations(odd)
            self._plan_looks(chunks)
        for number in self._accused.polls():
            groups = [group for group in self._accused.of(number) if not group.waiting]
            rows = (poll == number).nonzero()[0] if groups else poll[:0]
            if len(rows):
                self._wake(groups, first + int(rows[0]))

    def _plan_examinations(self, odd: Chunks) -> None:
        columns = odd.poll.tolist(), odd.number.tolist(), odd.rows[:, -1].tolist(), odd.before.tolist()
        for poll, number, last, before in zip(*columns, strict=True):
            first_vote = max(number - 1, 0) * self._params.chunk_votes
            heapq.heappush(self._due, (self._step_after(last), _EXAMINE, poll, (number, before, first_vote)))

    def _plan_looks(self, chunks: Chunks) -> None:
        first_row, last_row = chunks.rows[:, 0], chunks.rows[:, -1]
        from_ms, to_ms = (self._log.get("time_ms", rows) for rows in (first_row, last_row))
        for at, surge in self._views.surges.add(chunks.poll, first_row, from_ms, to_ms, self._params.chunk_votes):
            step_ms = self._step_after(int(last_row[at]))
            told = (int(chunks.number[at]), *astuple(surge))
            heapq.heappush(self._due, (step_ms, _LOOK, int(chunks.poll[at]), told))

    def _step_after(self, row: int) -> int:
        at_ms = int(self._log.get("time_ms", np.array([row]))[0])
        return (at_ms // self._params.step_ms + 1) * self._params.step_ms

    def _wake(self, groups: list[Group], row: int) -> None:
        """See to it that groups weigh a vote when they may speak next."""
        for group in groups:
            if not group.waiting:
                self._plan_to_weigh(group, self._step_after(row))

    def _plan_to_weigh(self, group: Group, at_ms: int) -> None:
        group.waiting = True
        may_speak_ms = -(-group.next_say_ms // self._params.step_ms) * self._params.step_ms
        heapq.heappush(self._due, (max(at_ms, may_speak_ms), _WEIGH, group.poll, (group.number,)))

    def _work(self, until_ms: int) -> list[Sighting]:
        said: list[Sighting] = []
        while self._due and self._due[0][0] <= until_ms:
            at_ms, what, poll, told = heapq.heappop(self._due)
            if what == _WEIGH:
                for group in self._accused.of(poll):
                    said += self._weigh(group, at_ms) if (group.number,) == told else []
            elif what == _EXAMINE:
                said += self._examine(at_ms, poll, *told)
            else:
                said += self._look(at_ms, poll, told[0], Surge(*told[1:]))
        self._log.trim()
        return said

    def _look(self, at_ms: int, poll: int, chunk: int, surge: Surge) -> list[Sighting]:
        said: list[Sighting] = []
        rows = self._views.rows_of(at_ms, poll, surge)
        # the screen reads no handles, so one client's share of a crowd may be all that it sees of a script
        if not self._accused.of(poll) and self._views.named_alike(rows):
            said = self._examine(at_ms, poll, chunk, surge.start_row, 0)
        for group in self._accused.of(poll):
            self._accused.catch_up(group, at_ms)
        return said + self._views.look(at_ms, poll, surge, rows, self._suspicion(poll, at_ms))

    def _suspicion(self, poll: int, at_ms: int) -> float:
        run = self._runs.get(poll)
        return run.score if run and at_ms - run.at_ms < _SUSPICION_MS else 0.0

    def _weigh(self, group: Group, at_ms: int) -> list[Sighting]:
        group.waiting = False
        if at_ms < group.next_say_ms:
            self._plan_to_weigh(group, at_ms)
            return []
        spoken = self._accused.weigh(group, at_ms)
        self._wake_for_later(group)
        return spoken

    def _wake_for_later(self, group: Group) -> None:
        """Plan to say what is left to say, and to weigh votes that the log holds ahead of the time worked at."""
        if group.unsaid and not group.waiting:
            self._plan_to_weigh(group, group.next_say_ms)
        row = self._log.next_row_of(group.poll, group.scored_row)
        if row is not None:
            self._wake([group], row)

    def _examine(self, at_ms: int, poll: int, number: int, before: int, first_vote: int) -> list[Sighting]:
        run = self._runs.get(poll)
        if run is None or number - run.last_chunk > _RUN_CHUNKS:
            run = self._runs[poll] = _Run(before, first_vote, number, looks=run.looks if run else 0)
        run.last_chunk, run.at_ms = number, at_ms
        groups = self._accused.of(poll)
        if not groups and self._chunker.votes(poll) - run.first_vote < run.next_votes:
            return []
        end = self._log.row_at(at_ms)
        oldest = end - self._params.log_votes
        start = min([run.start_row, *(group.start_row for group in groups)])
        rows = self._log.rows_of(poll, max(start, oldest), end)[-_MOST_WINDOW:]
        if len(rows) < max(run.next_votes, self._params.min_members):
            return []
        early = run.looks < _MANY_LOOKS and not groups
        growth = _GROWTH if early or run.score > _CLOSE else _SLOW_GROWTH
        run.next_votes, run.looks = int(len(rows) * growth), run.looks + 1
        earlier = self._log.rows_of(poll, oldest, int(rows[0]))
        past_rows = earlier[self._log.get("odd", earlier) == 0][-_MOST_PAST:]
        votes, past = (votes_at(self._log, of) for of in (rows, past_rows))
        said, run.score = self._accused.search(at_ms, poll, votes, past, run.looks, end)
        if len(earlier) and self._accused.began_before(poll, int(rows[0])):
            run.start_row, run.first_vote, run.next_votes = int(earlier[-len(rows) :][0]), 0, 0
        for group in self._accused.of(poll):
            self._wake_for_later(group)
        return said

    def _pass_silence(self, until_ms: int) -> None:
        """Pass over lessons in which nothing came and nothing is due: there may be years of them, and they teach nothing."""
        quiet_until_ms = min(until_ms, self._due[0][0]) if self._due else until_ms
        if self._lessons.empty and quiet_until_ms > self._lesson_ms:
            length = self._lesson_length_ms()
            self._lesson_ms = max(self._lesson_ms, quiet_until_ms // length * length)

    def _learn(self) -> None:
        self._lessons.teach(self._platform, self._log)
        length = self._lesson_length_ms()
        self._lesson_ms = (self._lesson_ms // length + 1) * length

    def _lesson_length_ms(self) -> int:
        return next((length for votes, length in _LESSONS if self._platform.votes < votes), _LAST_LESSON_MS)

    def forget(self, polls: Int64s) -> None:
        """See `detectors.watcher.Watcher.forget`."""
        gone = set(polls.tolist())
        for part in (self._log, self._chunker, self._accused, self._views):
            part.forget(polls)
        self._runs = {poll: run for poll, run in self._runs.items() if poll not in gone}
        self._due = [due for due in self._due if due[2] not in gone]
        heapq.heapify(self._due)

    def erase(self, erasure: Erasure) -> None:
        """See `detectors.watcher.Watcher.erase`."""
        self._log.erase(erasure)

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data, columns as bytes."""
        return {
            "log": self._log.snapshot(),
            "chunker": self._chunker.snapshot(),
            "platform": self._platform.snapshot(),
            "lessons": self._lessons.snapshot(),
            "accused": self._accused.snapshot(),
            "views": self._views.snapshot(),
            "times": [self._now_ms, self._lesson_ms],
            "runs": [[poll, asdict(run)] for poll, run in self._runs.items()],
            "due": [[at_ms, what, poll, list(told)] for at_ms, what, poll, told in sorted(self._due)],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self._log.restore(state["log"])
        self._chunker.restore(state["chunker"])
        self._platform.restore(state["platform"])
        self._lessons.restore(state["lessons"])
        self._accused.restore(state["accused"])
        self._views.restore(state["views"])
        self._now_ms, self._lesson_ms = state["times"]
        self._runs = {poll: _Run(**run) for poll, run in state["runs"]}
        self._due = [(at_ms, what, poll, tuple(told)) for at_ms, what, poll, told in state["due"]]
