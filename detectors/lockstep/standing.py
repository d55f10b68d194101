"""How sure it is of each account of a group that it belongs: numbers in, numbers out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from detectors.columns import Bools, Floats, Hashes, Int32s, Int64s, begins, run_starts
from detectors.erasure import Erasure
from detectors.lockstep.meetings import Burst

NAMED = 0.5

_SURE = 0.8
_PURE = 0.1
_UNNAMED = 0.4


@dataclass(frozen=True, slots=True)
class Attended:
    """Who voted in a burst (accounts sorted, with their options), and how many would have come anyway.

    `alike` is how many would have come anyway and answered like each account. Only when it is `settled` is it known how many
    came after it; where it is `cut_off`, that will never be known.
    """

    burst: Burst
    account: Hashes
    option: Int32s
    bystanders: float
    alike: Floats
    settled: bool
    cut_off: bool = False

    def with_stranger(self, erasure: Erasure, stranger: np.uint64) -> Attended:
        """Return the same with a stranger in the place of an account."""
        account = np.where(erasure.of(self.account), stranger, self.account)
        order = account.argsort()
        return replace(self, account=account[order], option=self.option[order], alike=self.alike[order])

    @property
    def by_chance(self) -> float:
        """The probability that one of its accounts came anyway."""
        return min(1.0, self.bystanders / max(len(self.account), 1))


@dataclass(frozen=True, slots=True)
class Roll:
    """Who was in the bursts of a group: accounts (sorted), and in how many bursts each was."""

    account: Hashes
    polls: Int64s

    def polls_of(self, accounts: Hashes) -> Int64s:
        """Return in how many bursts each of these accounts was."""
        at = self.account.searchsorted(accounts)
        found = self.account.take(at, mode="clip") == accounts
        return np.where(found, self.polls.take(at, mode="clip"), 0)


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


@dataclass(frozen=True, slots=True)
class _Row:
    """All accounts of all bursts: of which burst each is, and whether it was in no other."""

    burst: Int64s
    option: Int32s
    alike: Floats
    once: Bools


def roll_of(attended: list[Attended]) -> Roll:
    """Return who was in these bursts."""
    ordered = np.sort(np.concatenate([one.account for one in attended]))
    starts = run_starts(ordered)
    return Roll(ordered[starts], np.diff(starts, append=len(ordered)))


def standing_of(attended: list[Attended]) -> Standing:
    """Weigh each account: it is named unless it may well have been in all of its bursts by chance.

    Who was in one burst only is named where many more of its kind were (one burst, the same answer) than come anyway.
    """
    account = np.concatenate([one.account for one in attended])
    order = account.argsort(kind="stable")
    is_first = begins(account[order])
    starts = is_first.nonzero()[0]
    polls = np.diff(starts, append=len(account))
    once = np.empty(len(account), np.bool_)
    once[order] = (polls == 1)[is_first.cumsum() - 1]
    burst = np.repeat(np.arange(len(attended)), [len(one.account) for one in attended])
    chance = np.array([one.by_chance for one in attended])
    score = 1 - np.multiply.reduceat(chance[burst[order]], starts)
    option, alike = (np.concatenate([getattr(one, name) for one in attended]) for name in ("option", "alike"))
    single = _once(attended, chance, _Row(burst, option, alike, once))
    score = np.where(polls >= 2, score, single[order][starts])
    return Standing(account[order][starts], polls, np.round(score, 2))


def _once(attended: list[Attended], chance: Floats, row: _Row) -> Floats:
    """Return how sure it is of each account of each burst, if it was in no other, that it belongs.

    In a pool that rotates many come once, and answer as the others do; in other groups those who come once are
    bystanders, and nobody is named for it.
    """
    like = _like_the_others(np.array([one.settled for one in attended]) & (chance <= _PURE), row)
    come = np.bincount(row.burst[like], minlength=len(attended))
    anyway = np.zeros(len(attended))
    anyway[row.burst[like]] = row.alike[like]
    pool = 1 - (anyway.sum() + np.sqrt(anyway.sum()) + 1) / max(int(come.sum()), 1)
    sure = np.minimum(pool, 1 - row.alike / np.maximum(come, 1)[row.burst])
    return np.where(like & (sure >= _SURE), sure, _UNNAMED)


def _like_the_others(pure: Bools, row: _Row) -> Bools:
    """Tell which accounts of pure bursts (few bystanders), seen once, gave the answer of most that were seen again."""
    options = int(row.option.max(initial=0)) + 1
    again = ~row.once
    answers = np.bincount(row.burst[again] * options + row.option[again], minlength=len(pure) * options)
    answers = answers.reshape(-1, options)
    told = pure & answers.any(axis=1)
    like: Bools = row.once & told[row.burst] & (row.option == answers.argmax(axis=1)[row.burst])
    return like
