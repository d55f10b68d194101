"""Tells a crowd from a script inside one poll, by who voted. The order of steps; each step is a file `crowd_*`.

Votes enter a log; each poll's votes are screened a chunk at a time; a poll with odd chunks is examined at whole steps of event
time; a group that is accused names its members, and every vote that comes later is weighed against it. What is common to a
shard's polls is learned between lessons only, so how calls are cut changes nothing. State: the log (25 MB at 250,000 votes), the
platform (8 MB at most), 300 bytes a poll, and some kilobytes for each accused group.
"""

from __future__ import annotations

import heapq
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from detectors.columns import Floats, Int64s
from detectors.crowd_examine import Found, best_group, refitted
from detectors.crowd_group import Group, group_of
from detectors.crowd_lessons import Lessons
from detectors.crowd_log import VoteLog
from detectors.crowd_params import CrowdParams
from detectors.crowd_platform import Platform
from detectors.crowd_say import sighting
from detectors.crowd_screen import Chunker, screen
from detectors.crowd_window import Votes, votes_at
from detectors.watcher import MOST_MEMBERS, Ballots, Sighting

_LESSON_MS = 60_000
_LONG_LESSON_MS = 300_000
_LEARNING_VOTES = 5_000
_RUN_CHUNKS = 8
_MOST_GROUPS = 3
_MOST_WINDOW = 20_000
_MOST_PAST = 3_000
_GROWTH = 1.25
_UNSET_MS = -(1 << 62)


@dataclass
class _Run:
    """A poll's odd chunks that follow on each other: examined again when a quarter more votes are there."""

    start_row: int
    last_chunk: int
    next_votes: int
    looks: int


class Crowd:
    """The composition detector of one shard: a `detectors.watcher.Watcher`."""

    def __init__(self, params: CrowdParams) -> None:
        self._params = params
        self._log = VoteLog()
        self._chunker = Chunker(params.chunk_votes)
        self._platform = Platform()
        self._now_ms = _UNSET_MS
        self._lesson_ms = _UNSET_MS
        self._lessons = Lessons()
        self._runs: dict[int, _Run] = {}
        self._groups: dict[int, list[Group]] = {}
        self._due: list[tuple[int, int, int, int]] = []

    def observe(self, ballots: Ballots, until_ms: int) -> list[Sighting]:
        """See `detectors.watcher.Watcher.observe`."""
        votes = ballots.take(ballots.option >= 0) if len(ballots) else ballots
        if self._now_ms == _UNSET_MS:
            if not len(votes):
                return []
            self._now_ms = int(votes.effective_ms[0]) // _LESSON_MS * _LESSON_MS
            self._lesson_ms = self._now_ms + _LESSON_MS
        said: list[Sighting] = []
        while self._now_ms < until_ms:
            stop_ms = min(self._lesson_ms, until_ms)
            due = int(np.searchsorted(votes.effective_ms, stop_ms)) if len(votes) else 0
            if due:
                self._take(votes.take(slice(0, due)))
                votes = votes.take(slice(due, None))
            said += self._work(stop_ms)
            self._now_ms = stop_ms
            if stop_ms == self._lesson_ms:
                self._learn()
        return said

    def _take(self, votes: Ballots) -> None:
        first = self._log.end
        self._log.append(votes)
        chunks = self._chunker.add(votes.poll.astype(np.int64), first)
        if len(chunks):
            screened = screen(chunks, self._log, self._platform)
            self._lessons.add(chunks, screened)
            odd = chunks.take(screened.odd)
            self._log.put("odd", odd.rows[odd.rows >= self._log.first], 1)
            for poll, number, last, before in zip(
                odd.poll.tolist(), odd.number.tolist(), odd.rows[:, -1].tolist(), odd.before.tolist(), strict=True
            ):
                heapq.heappush(self._due, (self._step_after(last), poll, number, before))
        for poll, groups in self._groups.items():
            rows = np.flatnonzero(votes.poll == poll)
            if len(rows):
                self._wake(groups, first + int(rows[0]))

    def _step_after(self, row: int) -> int:
        at_ms = int(self._log.get("time_ms", np.array([row]))[0])
        return (at_ms // self._params.step_ms + 1) * self._params.step_ms

    def _wake(self, groups: list[Group], row: int) -> None:
        """See to it that groups weigh a vote when they may speak next."""
        for group in groups:
            if not group.waiting:
                group.waiting = True
                at_ms = max(self._step_after(row), -(-group.next_say_ms // self._params.step_ms) * self._params.step_ms)
                heapq.heappush(self._due, (at_ms, group.poll, -group.number, 0))

    def _work(self, until_ms: int) -> list[Sighting]:
        said: list[Sighting] = []
        while self._due and self._due[0][0] <= until_ms:
            at_ms, poll, number, before = heapq.heappop(self._due)
            if number < 0:
                said += [self._weigh(group, at_ms) for group in self._groups.get(poll, []) if group.number == -number]
            else:
                said += self._examine(at_ms, poll, number, before)
        self._log.trim(self._log.end - self._params.log_votes)
        return said

    def _examine(self, at_ms: int, poll: int, number: int, before: int) -> list[Sighting]:
        run = self._runs.get(poll)
        if run is None or number - run.last_chunk > _RUN_CHUNKS:
            run = self._runs[poll] = _Run(before, number, 0, 0 if run is None else run.looks)
        run.last_chunk = number
        end = self._log.row_at(at_ms)
        start = min([run.start_row, *(group.start_row for group in self._groups.get(poll, []))])
        rows = self._log.rows_of(poll, max(start, end - self._params.log_votes), end)[-_MOST_WINDOW:]
        if len(rows) < max(run.next_votes, self._params.min_members):
            return []
        run.next_votes, run.looks = int(len(rows) * _GROWTH), run.looks + 1
        earlier = self._log.rows_of(poll, end - self._params.log_votes, int(rows[0]))
        past = votes_at(self._log, earlier[self._log.get("odd", earlier) == 0][-_MOST_PAST:])
        return self._search(at_ms, poll, votes_at(self._log, rows), past, run.looks, end)

    def _search(
        self, at_ms: int, poll: int, votes: Votes, past: Votes, looks: int, end: int
    ) -> list[Sighting]:
        """Look for one group after the other, each among the votes the ones before it left over."""
        said: list[Sighting] = []
        belongs = self._log.get("group", votes.rows)
        free = np.ones(len(votes), np.bool_)
        groups = self._groups.get(poll, [])
        for group in groups:
            mine = free & ((belongs == 0) | (belongs == group.number))
            if np.count_nonzero(mine & (belongs == group.number)) < self._params.min_members:
                continue
            weight = np.where(belongs == group.number, self._log.get("weight", votes.rows), 0.01)[mine]
            part = votes.take(mine)
            found = refitted(part, past, weight, self._platform, self._params.false_accusations, looks)
            said.append(self._accept(group, part, found, at_ms, end))
            free[np.flatnonzero(mine)[found.weight >= 0.5]] = False
        while len(self._groups.get(poll, [])) < _MOST_GROUPS and np.count_nonzero(free) >= self._params.min_members:
            part = votes.take(free)
            better = best_group(part, past, self._platform, self._params.false_accusations, looks)
            if better is None or better.judgement.score <= 1 or np.count_nonzero(better.weight >= 0.5) < self._params.min_members:
                break
            group = self._accuse(poll, part, better)
            said.append(self._accept(group, part, better, at_ms, end))
            free[np.flatnonzero(free)[better.weight >= 0.5]] = False
        return said

    def _accuse(self, poll: int, votes: Votes, found: Found) -> Group:
        groups = self._groups.setdefault(poll, [])
        first = int(np.flatnonzero(found.weight >= 0.5)[0])
        number = max((group.number for group in groups), default=0) + 1
        start_row, start_ms = int(votes.rows[first]), int(votes.time_ms[first])
        group = Group(poll, number, start_row, start_ms, found.profile, found.judgement, int(votes.rows[-1]) + 1)
        groups.append(group)
        return group

    def _accept(self, group: Group, votes: Votes, found: Found, at_ms: int, end: int) -> Sighting:
        """Give a group new tables, weigh its votes anew and speak."""
        group.profile, group.judgement, group.looks = found.profile, found.judgement, group.looks + 1
        self._set_weights(group, votes, found.weight)
        group.scored_row = end
        return self._speak(group, at_ms)

    def _set_weights(self, group: Group, votes: Votes, weight: Floats) -> None:
        mine = self._log.get("group", votes.rows) == group.number
        old = np.where(mine, self._log.get("weight", votes.rows), 0.0).astype(np.float64)
        new = np.where(weight >= 0.02, weight, 0.0).astype(np.float32).astype(np.float64)
        group.count(votes.option, old, new)
        touched = mine | (new > 0)
        self._log.put("weight", votes.rows[touched], new[touched])
        self._log.put("group", votes.rows[touched], group.number)

    def _weigh(self, group: Group, at_ms: int) -> Sighting:
        """Weigh the votes that came since against a group."""
        end = self._log.row_at(at_ms)
        rows = self._log.rows_of(group.poll, group.scored_row, end)
        rows = rows[self._log.get("group", rows) == 0]
        group.waiting, group.scored_row = False, end
        if len(rows):
            votes = votes_at(self._log, rows)
            self._set_weights(group, votes, group.profile.weights(votes))
        later = self._log.rows_of(group.poll, end, self._log.end)
        spoken = self._speak(group, at_ms)
        if len(later):
            self._wake([group], int(later[0]))
        return spoken

    def _speak(self, group: Group, at_ms: int) -> Sighting:
        rows = self._log.rows_of(group.poll, max(group.start_row, self._log.first), group.scored_row)
        rows = rows[self._log.get("group", rows) == group.number]
        weight, named = self._log.get("weight", rows), self._log.get("named", rows) == 1
        accused = group.judgement.score > 0.5
        new = rows[(weight >= 0.5) & ~named & accused][:MOST_MEMBERS]
        cleared = rows[named & ((weight < 0.5) | (not accused))][:MOST_MEMBERS]
        self._log.put("named", new, 1)
        self._log.put("named", cleared, 0)
        group.named += len(new) - len(cleared)
        group.say_again(at_ms)
        group.voices += 1
        return sighting(group, self._log, rows, new, cleared, at_ms)

    def _learn(self) -> None:
        self._lessons.teach(self._platform, self._log)
        length = _LESSON_MS if self._platform.aged_votes < _LEARNING_VOTES else _LONG_LESSON_MS
        self._lesson_ms = (self._lesson_ms // length + 1) * length

    def forget(self, polls: Int64s) -> None:
        """See `detectors.watcher.Watcher.forget`."""
        gone = set(polls.tolist())
        self._log.forget(polls)
        self._chunker.forget(polls)
        self._runs = {poll: run for poll, run in self._runs.items() if poll not in gone}
        self._groups = {poll: groups for poll, groups in self._groups.items() if poll not in gone}
        self._due = [due for due in self._due if due[1] not in gone]
        heapq.heapify(self._due)

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data, columns as bytes."""
        return {
            "log": self._log.snapshot(),
            "chunker": self._chunker.snapshot(),
            "platform": self._platform.snapshot(),
            "times": [self._now_ms, self._lesson_ms],
            "lessons": self._lessons.snapshot(),
            "runs": [[poll, asdict(run)] for poll, run in self._runs.items()],
            "groups": [[poll, [group.plain() for group in groups]] for poll, groups in self._groups.items()],
            "due": [list(due) for due in sorted(self._due)],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self._log.restore(state["log"])
        self._chunker.restore(state["chunker"])
        self._platform.restore(state["platform"])
        self._now_ms, self._lesson_ms = state["times"]
        self._lessons.restore(state["lessons"])
        self._runs = {poll: _Run(**run) for poll, run in state["runs"]}
        self._groups = {poll: [group_of(group) for group in groups] for poll, groups in state["groups"]}
        self._due = [tuple(due) for due in state["due"]]
