"""Copied replies: long texts of one skeleton, from accounts that copy and vote together in poll after poll.

Votes and replies of all polls are taken in steps of one to three minutes of event time; at the end of each the new texts are put into families
(`copies_texts`), remembered with their writers' votes (`copies_memory`), and judged (`copies_trial`). What is said depends
on whole steps only, so not on how calls are cut. Memory: see the two stores, 70 MB at most with the settings as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.columns import NO_OPTION, Int64s, runs
from detectors.copies.book import SwarmBook
from detectors.copies.findings import suspects
from detectors.copies.memory import ByAccount, Memory
from detectors.copies.params import CopiesParams
from detectors.copies.step import Written, long_replies, restored, together
from detectors.copies.texts import Texts
from detectors.copies.trial import SETTLED_MS, Copies, groups, judged
from detectors.erasure import Erasure
from detectors.watcher import NO_BALLOTS, Ballots, Sighting

STEP_MS = 60_000
"""How often new replies are compared with those before, if many came."""
_FEW, _LONGEST_MS = 256, 180_000
"""Fewer replies wait for others, but not longer: every step has its price, and a swarm is told by its second poll."""
RESEMBLANCE = 0.42
"""Two texts are copies from here on: of a million pairs of independent texts hardly one reaches it (docs/decisions/0010)."""
EXAMPLES = 16_384
_NEVER_MS = 1 << 62
_NEWS = 1 / 16
_LEAST_NEWS = 8
_NUMBERS = ("_closed_ms", "_since_ms", "_settled_ms", "_copies", "_judged_copies", "_arrived_ms")


class CopiedReplies:
    """A watcher that finds swarms: accounts that reply with the same few texts wherever they vote."""

    def __init__(self, params: CopiesParams) -> None:
        self._params = params
        self._texts = Texts(RESEMBLANCE, EXAMPLES)
        self._memory = Memory(params.keep_replies)
        self._book = SwarmBook()
        self._waiting: list[Written] = []
        self._closed_ms = -_NEVER_MS
        self._since_ms = 0
        self._settled_ms = _NEVER_MS
        self._copies = 0
        self._judged_copies = 0
        self._arrived_ms = 0

    def observe(self, ballots: Ballots, until_ms: int) -> list[Sighting]:
        """Take all rows before `until_ms`; return what was seen at the ends of steps."""
        said: list[Sighting] = []
        begins = ballots.effective_ms // STEP_MS * STEP_MS
        for first, last in runs(begins):
            said += self._close(int(begins[first]))
            self._take(ballots, first, last)
        return said + self._close(until_ms // STEP_MS * STEP_MS)

    def skip(self, _from_ms: int, until_ms: int) -> list[Sighting]:
        """Let time pass. Of a vote and the reply that goes with it both are missing, or the reply: nobody is accused for that."""
        return self.observe(NO_BALLOTS, until_ms)

    def _take(self, ballots: Ballots, first: int, last: int) -> None:
        """Take rows of the open step: votes at once, long replies are kept until it closes."""
        rows = slice(first, last)
        option = ballots.option[rows]
        votes = option != NO_OPTION
        self._memory.vote(
            ballots.account[rows][votes],
            ballots.poll[rows][votes],
            option[votes],
            ballots.effective_ms[rows][votes],
            ballots.first[rows][votes],
        )
        written = long_replies(ballots, first + np.flatnonzero(~votes))
        if len(written):
            if not self._waiting:
                self._since_ms = int(written.at_ms[0]) // STEP_MS * STEP_MS
            self._waiting.append(written)

    def _close(self, until_ms: int) -> list[Sighting]:
        """Close steps up to `until_ms`; those in which nothing happens and nothing is due are passed over."""
        said: list[Sighting] = []
        while self._closed_ms < until_ms:
            end_ms = self._closed_ms + STEP_MS
            if not self._waiting:
                end_ms = min(max(self._due_ms, end_ms), until_ms)
            self._closed_ms = end_ms
            if not self._waiting or self._is_time(end_ms):
                said += self._close_step(end_ms)
        return said

    def _is_time(self, end_ms: int) -> bool:
        """Tell whether the replies that wait are enough, or waited long enough."""
        waited_ms = end_ms - self._since_ms
        return waited_ms >= _LONGEST_MS or end_ms >= self._due_ms or sum(map(len, self._waiting)) >= _FEW

    @property
    def _due_ms(self) -> int:
        """When to judge next even if nothing happens: the votes with the last copies have settled, or a swarm is over."""
        return -(-min(self._settled_ms, self._book.due_ms) // STEP_MS) * STEP_MS

    def _close_step(self, end_ms: int) -> list[Sighting]:
        # the votes that go with replies came before the first of them
        self._memory.forget_votes((self._since_ms if self._waiting else end_ms) - SETTLED_MS)
        if self._waiting:
            self._remember(end_ms)
        news = self._copies - self._judged_copies
        is_time = news >= max(_LEAST_NEWS, _NEWS * self._copies) or end_ms >= self._due_ms
        said = self._judge(end_ms) if is_time else []
        if self._memory.is_full:
            families = self._texts.families(self._memory.replies.settle()["text"])
            self._memory.make_room(~self._texts.is_copied(families))
        return said

    def _remember(self, end_ms: int) -> None:
        """Put the waiting replies into families and remember them with their writers."""
        written = together(self._waiting)
        self._waiting = []
        before = self._texts.next_serial
        text = self._texts.add(written.sketch)
        copies = len(text) - (self._texts.next_serial - before)
        self._memory.write(written.account, written.ids, written.poll, text, written.at_ms)
        self._arrived_ms = max(self._arrived_ms, int(written.arrived_ms.max()))
        if copies:
            self._copies += copies
            self._settled_ms = end_ms + SETTLED_MS

    def _judge(self, now_ms: int) -> list[Sighting]:
        memory, params = self._memory, self._params
        self._judged_copies = self._copies
        if now_ms >= self._settled_ms:
            self._settled_ms = _NEVER_MS
        columns = memory.replies.settle()
        families = self._texts.families(columns["text"])
        replies = Copies(columns["account"], columns["poll"], families, columns["at_ms"])
        found = []
        if linked := groups(replies, params):
            written, votes = ByAccount(columns), ByAccount(memory.last_votes())
            for group in linked:
                accounts = np.unique(group.account)
                voted = votes.of(accounts)
                swarm = judged(group, written.count(accounts), voted, memory.voters, now_ms, params)
                found.append((swarm, suspects(swarm, voted)))
        return self._book.take(found, memory, now_ms, self._arrived_ms)

    def forget(self, polls: Int64s) -> None:
        """Forget these polls' numbers with all that was written and voted there."""
        self._memory.forget(polls)
        self._book.forget_polls(polls.tolist())
        left = [written.take(~np.isin(written.poll, polls)) for written in self._waiting]
        self._waiting = [written for written in left if len(written)]

    def erase(self, erasure: Erasure) -> None:
        """Forget an account with all that it wrote and voted; what its texts were like is nobody's and stays."""
        self._memory.erase(erasure)
        self._book.erase(erasure)
        left = [written.take(~erasure.of(written.account)) for written in self._waiting]
        self._waiting = [written for written in left if len(written)]

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "texts": self._texts.snapshot(),
            "memory": self._memory.snapshot(),
            "book": self._book.snapshot(),
            "waiting": together(self._waiting).snapshot() if self._waiting else None,
            "numbers": {name: getattr(self, name) for name in _NUMBERS},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self._texts.restore(state["texts"])
        self._memory.restore(state["memory"])
        self._book.restore(state["book"])
        self._waiting = [restored(state["waiting"])] if state["waiting"] else []
        for name in _NUMBERS:
            setattr(self, name, state["numbers"][name])
