"""One group that meets again and again: its bursts, and for each account how sure it is that it belongs.

Bounds: 128 bursts, the latest; of each the accounts of at most `MOST_IN_BURST` votes, 12 bytes each.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detectors.columns import Hashes, Int64s
from detectors.erasure import Erasure
from detectors.lockstep.accounts import among
from detectors.lockstep.chance import WIDE_MS, WIDTHS_MS
from detectors.lockstep.judge import Weighed, is_over
from detectors.lockstep.log import VoteLog
from detectors.lockstep.meetings import Burst, Meeting
from detectors.lockstep.standing import NAMED, Attended, Roll, Standing, roll_of, standing_of
from detectors.lockstep.told import NOBODY

MOST_BURSTS = 128
MOST_IN_BURST = 20_000
_EDGE_MS = 2_000
_LONGEST_MS = WIDTHS_MS[-1] * 3 // 2


class Group:
    """Accounts that meet in burst after burst; `clearest` is the meeting that chance explains least."""

    def __init__(self, first: Weighed) -> None:
        here, there = first.meeting.here, first.meeting.there
        self.cluster = f"{there.start_ms:x}.{there.poll}-{here.start_ms:x}.{here.poll}"
        self.clearest = first
        self.score = 0.0
        self.last_ms = 0
        self.settles_ms = 0
        self.has_grown = True
        self.attended: list[Attended] = []
        self.told = NOBODY
        self.opened = False
        self._roll: Roll | None = None
        self._standing: Standing | None = None

    @property
    def roll(self) -> Roll:
        """Who was in the bursts."""
        if self._roll is None:
            self._roll = roll_of(self.attended)
        return self._roll

    @property
    def standing(self) -> Standing:
        """The accounts as they stand now."""
        if self._standing is None:
            self._standing = standing_of(self.attended)
        return self._standing

    @property
    def again(self) -> Hashes:
        """The named accounts that were in bursts of two polls."""
        standing = self.standing
        return standing.account[(standing.polls >= 2) & (standing.score >= NAMED)]

    def knows(self, meeting: Meeting) -> bool:
        """Tell whether a meeting says nothing new: all who met are known to have been in both bursts."""
        known = [self._find(meeting.here), self._find(meeting.there)]
        return all(at >= 0 and among(meeting.accounts, self.attended[at].account).all() for at in known)

    def holds(self, burst: Burst) -> bool:
        """Tell whether a burst is known."""
        return self._find(burst) >= 0

    def grow(self, log: VoteLog, bursts: list[Burst], at_ms: int) -> None:
        """Take in bursts that were seen to be this group's."""
        for burst in bursts:
            self._add(log, burst, at_ms)
        self.last_ms = at_ms
        self.has_grown = True

    def weigh(self, meeting: Weighed, score: float) -> None:
        """Remember the clearest meeting."""
        if score > self.score:
            self.score, self.clearest = score, meeting

    def _add(self, log: VoteLog, burst: Burst, at_ms: int) -> None:
        """Take in a burst, together with known ones that it overlaps."""
        while (known := self._find(burst)) >= 0:
            old = self.attended[known].burst
            if old.start_ms <= burst.start_ms and burst.end_ms <= old.end_ms:
                return  # who came since is seen by `refresh`
            self.attended.pop(known)
            burst = Burst(burst.poll, min(burst.start_ms, old.start_ms), max(burst.end_ms, old.end_ms))
        self.attended.append(_attended(log, burst, at_ms))
        self.attended.sort(key=lambda one: (one.burst.start_ms, one.burst.poll))
        self.attended = self.attended[-MOST_BURSTS:]
        self._roll = self._standing = None

    def refresh(self, log: VoteLog, at_ms: int) -> None:
        """Look again at bursts that were not settled: rows came late, and what came after them was not known."""
        for number, one in enumerate(self.attended):
            if not (one.settled or one.cut_off) and one.burst.poll >= 0:
                self.attended[number] = _attended(log, one.burst, at_ms)
                self._roll = self._standing = None

    def cut_off(self, at_ms: int) -> None:
        """Leave the bursts as they are whose crowd had not come by then: the rest of it will never be seen."""
        self.attended = [replace(one, cut_off=one.cut_off or not is_over(one.burst, at_ms)) for one in self.attended]

    def join(self, other: Group) -> None:
        """Take over all that another group holds."""
        self.attended = sorted(
            self.attended + other.attended, key=lambda one: (one.burst.start_ms, one.burst.poll)
        )
        self.attended = self.attended[-MOST_BURSTS:]
        self.last_ms = max(self.last_ms, other.last_ms)
        self.has_grown = True
        if other.score > self.score:
            self.score, self.clearest = other.score, other.clearest
        self._roll = self._standing = None

    def bursts_beside(self, poll: int) -> list[Burst]:
        """Return the bursts in other polls that are still in memory."""
        return [one.burst for one in self.attended if one.burst.poll not in (-1, poll)]

    def forget(self, polls: Int64s) -> None:
        """Strike polls that left memory: their bursts still count, but have no number."""
        gone = set(polls.tolist())
        self.attended = [
            replace(one, burst=replace(one.burst, poll=-1)) if one.burst.poll in gone else one
            for one in self.attended
        ]

    def erase(self, erasure: Erasure, number: int) -> None:
        """Forget an account: in each burst there was a stranger in its place; `number` tells this group from others."""
        places = -1 - number * MOST_BURSTS - np.arange(len(self.attended))
        self.attended = [
            one.with_stranger(erasure, stranger)
            for one, stranger in zip(self.attended, erasure.strangers(places), strict=True)
        ]
        self.clearest = replace(self.clearest, meeting=self.clearest.meeting.without(erasure))
        self.told = self.told.erased(erasure)
        self._roll = self._standing = None

    def _find(self, burst: Burst) -> int:
        """Return the known burst that this one overlaps or continues, or -1."""
        if burst.poll < 0:
            return -1
        for number, one in enumerate(self.attended):
            if one.burst.poll == burst.poll and _are_one(one.burst, burst):
                return number
        return -1


def _are_one(known: Burst, burst: Burst) -> bool:
    touch = known.start_ms <= burst.end_ms + _EDGE_MS and burst.start_ms <= known.end_ms + _EDGE_MS
    length_ms = max(known.end_ms, burst.end_ms) - min(known.start_ms, burst.start_ms)
    return touch and length_ms <= _LONGEST_MS


def _attended(log: VoteLog, burst: Burst, at_ms: int) -> Attended:
    wide = log.between(burst.poll, burst.start_ms - WIDE_MS, burst.end_ms + WIDE_MS)
    rows = log.narrowed(wide, burst.start_ms - _EDGE_MS, burst.end_ms + _EDGE_MS)[:MOST_IN_BURST]
    account, at = np.unique(log.account[rows], return_index=True)
    option = log.option[rows][at]
    length_ms = burst.end_ms - burst.start_ms + 2 * _EDGE_MS
    before = log.narrowed(wide, burst.start_ms - length_ms - _EDGE_MS, burst.start_ms - _EDGE_MS)
    after = log.narrowed(wide, burst.end_ms + _EDGE_MS, burst.end_ms + _EDGE_MS + length_ms)
    around = wide[~among(wide, rows)]
    bystanders = max((len(before) + len(after)) / 2, len(around) * length_ms / (2 * WIDE_MS))
    others = np.bincount(log.option[around], minlength=int(option.max(initial=0)) + 1) + 1
    alike = bystanders * others[option] / others.sum()
    return Attended(burst, account, option, bystanders, alike, at_ms >= burst.end_ms + WIDE_MS)
