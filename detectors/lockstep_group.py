"""One group that meets again and again: its bursts, and for each account how sure it is that it belongs.

Bounds: 128 bursts, the latest; of each the accounts of at most `MOST_IN_BURST` votes, 12 bytes each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Floats, Hashes, Int32s, Int64s
from detectors.lockstep_chance import WIDE_MS, WIDTHS_MS
from detectors.lockstep_judge import Weighed
from detectors.lockstep_log import VoteLog
from detectors.lockstep_meetings import Burst, Meeting

MOST_BURSTS = 128
MOST_IN_BURST = 20_000
NAMED = 0.5

_EDGE_MS = 2_000
_LONGEST_MS = WIDTHS_MS[-1] * 3 // 2


@dataclass(frozen=True, slots=True)
class Attended:
    """Who voted in a burst (accounts sorted, with their options), and how many would have come anyway."""

    burst: Burst
    account: Hashes
    option: Int32s
    bystanders: float


@dataclass(frozen=True, slots=True)
class Standing:
    """The accounts of a group (sorted): in how many polls each was in a burst, and how sure it is that it belongs."""

    account: Hashes
    polls: Int64s
    score: Floats

    @property
    def named(self) -> Hashes:
        """The accounts that are named."""
        return self.account[self.score >= NAMED]


class Group:
    """Accounts that meet in burst after burst; `clearest` is the meeting that chance explains least."""

    def __init__(self, first: Weighed) -> None:
        here, there = first.meeting.here, first.meeting.there
        self.cluster = f"{there.start_ms:x}.{there.poll}-{here.start_ms:x}.{here.poll}"
        self.clearest = first
        self.score = 0.0
        self.last_ms = 0
        self.attended: list[Attended] = []
        self.told: dict[int, float] = {}
        self.opened = False
        self._standing: Standing | None = None

    @property
    def standing(self) -> Standing:
        """The accounts as they stand now."""
        if self._standing is None:
            self._standing = _standing(self.attended)
        return self._standing

    def knows(self, meeting: Meeting) -> bool:
        """Tell whether a meeting says nothing new: both bursts are known and all who met stand in two polls."""
        if self._find(meeting.here) < 0 or self._find(meeting.there) < 0:
            return False
        return bool((self.polls_of(meeting.accounts) >= 2).all())

    def polls_of(self, accounts: Hashes) -> Int64s:
        """Return in how many polls' bursts each account was."""
        standing = self.standing
        at = np.minimum(np.searchsorted(standing.account, accounts), len(standing.account) - 1)
        return np.where(standing.account[at] == accounts, standing.polls[at], 0)

    def add(self, log: VoteLog, burst: Burst) -> None:
        """Take in a burst, together with known ones that it overlaps."""
        while (known := self._find(burst)) >= 0:
            old = self.attended.pop(known).burst
            burst = Burst(burst.poll, min(burst.start_ms, old.start_ms), max(burst.end_ms, old.end_ms))
        self.attended.append(_attended(log, burst))
        self.attended.sort(key=lambda one: (one.burst.start_ms, one.burst.poll))
        self.attended = self.attended[-MOST_BURSTS:]
        self._standing = None

    def refresh(self, log: VoteLog, since_ms: int) -> None:
        """Look again at who was in bursts since `since_ms`: some rows came late, and what came after them was unknown."""
        self.attended = [
            _attended(log, one.burst) if one.burst.end_ms >= since_ms else one for one in self.attended
        ]
        self._standing = None

    def join(self, other: Group) -> None:
        """Take over all that another group holds."""
        self.attended = sorted(
            self.attended + other.attended, key=lambda one: (one.burst.start_ms, one.burst.poll)
        )
        self.attended = self.attended[-MOST_BURSTS:]
        self.last_ms = max(self.last_ms, other.last_ms)
        if other.score > self.score:
            self.score, self.clearest = other.score, other.clearest
        self._standing = None

    def forget(self, polls: Int64s) -> None:
        """Strike polls that left memory: their bursts still count, but have no number."""
        gone = set(polls.tolist())
        self.attended = [
            Attended(Burst(-1, one.burst.start_ms, one.burst.end_ms), one.account, one.option, one.bystanders)
            if one.burst.poll in gone
            else one
            for one in self.attended
        ]

    def _find(self, burst: Burst) -> int:
        """Return the known burst that this one overlaps or continues, or -1."""
        for number, one in enumerate(self.attended):
            known = one.burst
            start_ms, end_ms = min(known.start_ms, burst.start_ms), max(known.end_ms, burst.end_ms)
            touch = known.start_ms <= burst.end_ms + _EDGE_MS and burst.start_ms <= known.end_ms + _EDGE_MS
            if known.poll == burst.poll >= 0 and touch and end_ms - start_ms <= _LONGEST_MS:
                return number
        return -1


def _attended(log: VoteLog, burst: Burst) -> Attended:
    rows = log.between(burst.poll, burst.start_ms - _EDGE_MS, burst.end_ms + _EDGE_MS)[:MOST_IN_BURST]
    account, at = np.unique(log.account[rows], return_index=True)
    length_ms = burst.end_ms - burst.start_ms + 2 * _EDGE_MS
    before = log.between(burst.poll, burst.start_ms - length_ms - _EDGE_MS, burst.start_ms - _EDGE_MS)
    after = log.between(burst.poll, burst.end_ms + _EDGE_MS, burst.end_ms + _EDGE_MS + length_ms)
    around = log.between(burst.poll, burst.start_ms - WIDE_MS, burst.end_ms + WIDE_MS)
    usual = (len(around) - len(rows)) * length_ms / (2 * WIDE_MS)
    return Attended(burst, account, log.option[rows][at], max(len(before), len(after), usual))


def _standing(attended: list[Attended]) -> Standing:
    """Weigh each account: it is named unless it may well have been in all of its bursts by chance."""
    chance = [
        np.full(len(one.account), min(1.0, one.bystanders / max(len(one.account), 1))) for one in attended
    ]
    account = np.concatenate([one.account for one in attended])
    order = np.argsort(account, kind="stable")
    starts = np.flatnonzero(np.append(True, account[order][1:] != account[order][:-1]))
    polls = np.diff(np.append(starts, len(account)))
    by_chance = np.multiply.reduceat(np.concatenate(chance)[order], starts)
    score = np.where(polls >= 2, 1 - by_chance, np.minimum(0.4, 1 - by_chance))
    return Standing(account[order][starts], polls, np.round(score, 3).astype(np.float64))
