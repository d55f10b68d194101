"""Copied replies: long texts of one skeleton, from accounts that copy and vote together in poll after poll.

Votes and replies of all polls are taken in steps of event time; at the end of each the new texts are put into families
(`copies_texts`), remembered with their writers' votes (`copies_memory`), and judged (`copies_trial`). What is said depends
on whole steps only, so not on how calls are cut. Memory: see the two stores, 70 MB at most with the settings as they are.
"""

from __future__ import annotations

import numpy as np

from detectors.columns import NO_OPTION, Int64s, runs
from detectors.copies_book import SwarmBook
from detectors.copies_memory import Memory
from detectors.copies_params import CopiesParams
from detectors.copies_texts import Texts
from detectors.copies_trial import SETTLED_MS, Copies, groups, judged
from detectors.watcher import Ballots, Sighting

STEP_MS = 30_000
"""How often new replies are compared with those before."""
RESEMBLANCE = 0.35
"""Two texts are copies from here on: of a million pairs of independent texts one reaches it (docs/decisions/0010)."""
EXAMPLES = 16_384
_REMEMBER_VOTES_MS = 180_000
_NEVER_MS = -(1 << 62)


class CopiedReplies:
    """A watcher that finds swarms: accounts that reply with the same few texts wherever they vote."""

    def __init__(self, params: CopiesParams) -> None:
        self._params = params
        self._texts = Texts(RESEMBLANCE, EXAMPLES)
        self._memory = Memory(params.keep_replies)
        self._book = SwarmBook()
        self._waiting: list[Ballots] = []
        self._closed_ms = _NEVER_MS
        self._judge_until_ms = _NEVER_MS
        self._arrived_ms = 0

    def observe(self, ballots: Ballots, until_ms: int) -> list[Sighting]:
        """Take all rows before `until_ms`; return what was seen at the ends of steps."""
        said: list[Sighting] = []
        begins = ballots.effective_ms // STEP_MS * STEP_MS
        for first, last in runs(begins):
            said += self._close(int(begins[first]))
            self._take(ballots, first, last)
        return said + self._close(until_ms // STEP_MS * STEP_MS)

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
        replies = first + np.flatnonzero(~votes)
        long = replies[ballots.sender.sketch[replies].any(axis=1)]
        if len(long):
            self._waiting.append(ballots.take(long))

    def _close(self, until_ms: int) -> list[Sighting]:
        """Close steps up to `until_ms`; those in which nothing happens and nothing is due are passed over."""
        said: list[Sighting] = []
        while self._closed_ms < until_ms:
            end_ms = self._closed_ms + STEP_MS
            if not self._waiting and end_ms > self._judge_until_ms:
                due_ms = -(-self._book.due_ms // STEP_MS) * STEP_MS
                end_ms = min(max(due_ms, end_ms), until_ms)
            said += self._close_step(end_ms)
        return said

    def _close_step(self, end_ms: int) -> list[Sighting]:
        self._closed_ms = end_ms
        self._memory.forget_votes(end_ms - _REMEMBER_VOTES_MS)
        if self._waiting and self._remember():
            self._judge_until_ms = end_ms + SETTLED_MS + STEP_MS
        self._waiting = []
        is_due = end_ms >= self._book.due_ms
        said = self._judge(end_ms) if end_ms <= self._judge_until_ms or is_due else []
        if self._memory.is_full:
            families = self._texts.families(self._memory.replies.settle()["text"])
            self._memory.make_room(~self._texts.is_copied(families))
        return said

    def _remember(self) -> bool:
        """Put the waiting replies into families and remember them; tell whether there was a copy among them."""
        sketches = np.concatenate([replies.sender.sketch for replies in self._waiting])
        before = self._texts.next_serial
        text = self._texts.add(sketches)
        begin = 0
        for replies in self._waiting:
            end = begin + len(replies)
            self._memory.write(
                replies.account,
                replies.sender.account_ids,
                replies.poll,
                text[begin:end],
                replies.effective_ms,
            )
            self._arrived_ms = max(self._arrived_ms, int(replies.arrived_ms.max()))
            begin = end
        return self._texts.next_serial - before < len(text)

    def _judge(self, now_ms: int) -> list[Sighting]:
        memory, params = self._memory, self._params
        written = memory.replies.settle()
        families = self._texts.families(written["text"])
        replies = Copies(written["account"], written["poll"], families, written["at_ms"])
        found = [
            judged(group, replies, memory.last_votes(), memory.voters, now_ms, params)
            for group in groups(replies, params)
        ]
        return self._book.take(found, memory, now_ms, self._arrived_ms)

    def forget(self, polls: Int64s) -> None:
        """Forget these polls' numbers with all that was written and voted there."""
        self._memory.forget(polls)
        self._book.forget_polls(polls.tolist())
        self._waiting = [replies.take(~np.isin(replies.poll, polls)) for replies in self._waiting]
