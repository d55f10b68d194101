"""One group that meets again and again: its bursts, and for each account how sure it is that it belongs.

Bounds: 128 bursts, the latest; of each the accounts of at most `MOST_IN_BURST` votes, 12 bytes each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from detectors.columns import Bools, Floats, Hashes, Int32s, Int64s
from detectors.lockstep.accounts import among
from detectors.lockstep.chance import WIDE_MS, WIDTHS_MS
from detectors.lockstep.judge import Weighed
from detectors.lockstep.log import VoteLog
from detectors.lockstep.meetings import Burst, Meeting

MOST_BURSTS = 128
MOST_IN_BURST = 20_000
NAMED = 0.5

_EDGE_MS = 2_000
_SURE = 0.8
_PURE = 0.1
_UNNAMED = 0.4
_LONGEST_MS = WIDTHS_MS[-1] * 3 // 2


@dataclass(frozen=True, slots=True)
class Attended:
    """Who voted in a burst (accounts sorted, with their options), and how many would have come anyway.

    `alike` is how many would have come anyway and answered like each account. Only when it is `settled` is it known how many came after it.
    """

    burst: Burst
    account: Hashes
    option: Int32s
    bystanders: float
    alike: Floats
    settled: bool

    @property
    def by_chance(self) -> float:
        """The probability that one of its accounts came anyway."""
        return min(1.0, self.bystanders / max(len(self.account), 1))


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
        self.settles_ms = 0
        self.has_grown = True
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
        """Tell whether a meeting says nothing new: all who met are known to have been in both bursts."""
        known = [self._find(meeting.here), self._find(meeting.there)]
        return all(at >= 0 and among(meeting.accounts, self.attended[at].account).all() for at in known)

    def holds(self, burst: Burst) -> bool:
        """Tell whether a burst is known."""
        return self._find(burst) >= 0

    def polls_of(self, accounts: Hashes) -> Int64s:
        """Return in how many polls' bursts each account was."""
        standing = self.standing
        at = np.minimum(np.searchsorted(standing.account, accounts), len(standing.account) - 1)
        return np.where(standing.account[at] == accounts, standing.polls[at], 0)

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
            old = self.attended.pop(known).burst
            burst = Burst(burst.poll, min(burst.start_ms, old.start_ms), max(burst.end_ms, old.end_ms))
        self.attended.append(_attended(log, burst, at_ms))
        self.attended.sort(key=lambda one: (one.burst.start_ms, one.burst.poll))
        self.attended = self.attended[-MOST_BURSTS:]
        self._standing = None

    def refresh(self, log: VoteLog, at_ms: int) -> None:
        """Look again at bursts that were not settled: rows came late, and what came after them was not known."""
        fresh = [one.settled or one.burst.poll < 0 for one in self.attended]
        self.attended = [
            one if done else _attended(log, one.burst, at_ms)
            for one, done in zip(self.attended, fresh, strict=True)
        ]
        self._standing = None

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
        self._standing = None

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

    def _find(self, burst: Burst) -> int:
        """Return the known burst that this one overlaps or continues, or -1."""
        for number, one in enumerate(self.attended):
            known = one.burst
            start_ms, end_ms = min(known.start_ms, burst.start_ms), max(known.end_ms, burst.end_ms)
            touch = known.start_ms <= burst.end_ms + _EDGE_MS and burst.start_ms <= known.end_ms + _EDGE_MS
            if known.poll == burst.poll >= 0 and touch and end_ms - start_ms <= _LONGEST_MS:
                return number
        return -1


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


def _standing(attended: list[Attended]) -> Standing:
    """Weigh each account: it is named unless it may well have been in all of its bursts by chance.

    Who was in one burst only is named where many more of its kind were (one burst, the same answer) than come anyway.
    """
    account = np.concatenate([one.account for one in attended])
    order = np.argsort(account, kind="stable")
    starts = np.flatnonzero(np.append(True, account[order][1:] != account[order][:-1]))
    polls = np.diff(np.append(starts, len(account)))
    known = account[order][starts]
    chance = np.concatenate([np.full(len(one.account), one.by_chance) for one in attended])
    score = 1 - np.multiply.reduceat(chance[order], starts)
    once = _once(attended, [among(one.account, known[polls == 1]) for one in attended])
    score = np.where(polls >= 2, score, once[order][starts])
    return Standing(known, polls, np.round(score, 2).astype(np.float64))


def _once(attended: list[Attended], is_once: list[Bools]) -> Floats:
    """Return how sure it is of each account of each burst, if it was in no other, that it belongs.

    In a pool that rotates many come once, and answer as the others do; in other groups those who come once are
    bystanders, and nobody is named for it.
    """
    like = [_like_the_others(one, once) for one, once in zip(attended, is_once, strict=True)]
    come = sum(int(np.count_nonzero(alike)) for alike in like)
    anyway = sum(float(one.alike[alike].max(initial=0)) for one, alike in zip(attended, like, strict=True))
    pool = 1 - (anyway + np.sqrt(anyway) + 1) / max(come, 1)
    parts = []
    for one, alike in zip(attended, like, strict=True):
        sure = np.minimum(pool, 1 - one.alike / max(int(np.count_nonzero(alike)), 1))
        parts.append(np.where(alike & (sure >= _SURE), sure, _UNNAMED))
    return np.concatenate(parts)


def _like_the_others(one: Attended, once: Bools) -> Bools:
    """Tell which accounts of a burst with few bystanders, seen once, gave the answer of most that were seen again."""
    if not one.settled or one.by_chance > _PURE or once.all():
        return np.zeros(len(once), np.bool_)
    alike: Bools = once & (one.option == np.argmax(np.bincount(one.option[~once])))
    return alike
