"""Polls with background traffic, and crowds and scripts put into them, as ballots. Every account id tells its kind."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detectors.keyed_table import mix
from detectors.lockstep.detector import Lockstep
from detectors.senders import unknown_senders
from detectors.strings import strings
from detectors.watcher import Ballots, Sighting

BEGIN_MS = 1_700_000_040_000
HOUR_MS = 3_600_000
Times = NDArray[np.int64] | NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass
class Traffic:
    """Votes of `kind` accounts, collected part by part."""

    seed: int
    parts: list[tuple[str, NDArray[np.int64], int, Times, NDArray[np.int64]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def add(self, kind: str, who: NDArray[np.int64], poll: int, times_ms: Times, same: float = 0.5) -> None:
        """Let accounts `who` vote in a poll at these times after the beginning; `same` of them for option 0."""
        option = np.where(self.rng.random(len(who)) < same, 0, self.rng.integers(0, 3, len(who)))
        self.parts.append((kind, who, poll, times_ms.astype(np.int64), option))

    def background(self, polls: int, votes_each: int, people: int, hours: float = 4.0) -> None:
        """Let people vote in polls at any time."""
        for poll in range(polls):
            who = self.rng.choice(people, votes_each, replace=False)
            self.add("person", who, poll, self.rng.integers(0, int(hours * HOUR_MS), votes_each))

    def script(
        self, kind: str, size: int, polls: list[int], part: float, width_ms: int, same: float = 0.9
    ) -> None:
        """Let part of `size` accounts vote in each poll within `width_ms`, each at some time within four hours."""
        for poll in polls:
            who = np.flatnonzero(self.rng.random(size) < part)
            at_ms = self.rng.integers(HOUR_MS // 4, int(3.8 * HOUR_MS))
            self.add(kind, who, poll, at_ms + self.rng.integers(0, width_ms, len(who)), same)

    def ballots(self) -> Ballots:
        """Return all votes in order of time, the first one only of an account in a poll."""
        poll = np.concatenate([np.full(len(who), poll) for _, who, poll, _, _ in self.parts])
        ids = np.concatenate([[f"{kind}-{n}" for n in who] for kind, who, _, _, _ in self.parts])
        ts = np.concatenate([times for _, _, _, times, _ in self.parts]) + BEGIN_MS
        option = np.concatenate([option for _, _, _, _, option in self.parts])
        order = np.lexsort((poll, ids, ts))
        return ballots(poll[order], ids[order].tolist(), ts[order], option[order])


def ballots(poll: NDArray[np.int64], ids: list[str], ts: Whole, option: NDArray[np.int64]) -> Ballots:
    """Return ballots of votes that came when they happened, in order of time."""
    named = np.array([zlib.crc32(one.encode()) for one in ids], np.uint64)
    account = mix(named, 7) ^ np.array([len(one) for one in ids], np.uint64)
    voter = mix(account, poll.astype(np.int64))
    first = np.zeros(len(ids), np.bool_)
    first[np.unique(voter, return_index=True)[1]] = True
    return Ballots(
        poll.astype(np.int32),
        option.astype(np.int32),
        ts.copy(),
        ts,
        account,
        first,
        ts.copy(),
        unknown_senders(strings(ids)),
    )


def watch(watcher: Lockstep, votes: Ballots, cuts_ms: list[int], until_ms: int) -> list[Sighting]:
    """Give the votes in calls that end at these times; return what was seen."""
    seen: list[Sighting] = []
    start = 0
    for cut_ms in [*sorted(cuts_ms), until_ms]:
        stop = int(np.searchsorted(votes.effective_ms, cut_ms))
        seen += watcher.observe(votes.take(slice(start, stop)), cut_ms)
        start = stop
    return seen


def end_of(votes: Ballots) -> int:
    """Return a time by which all has been said of these votes."""
    return int(votes.effective_ms[-1]) // 60_000 * 60_000 + 20 * 60_000


def clusters(seen: list[Sighting]) -> dict[str, set[str]]:
    """Return the accounts named of each cluster that did not end in another one."""
    named: dict[str, set[str]] = {}
    for one in seen:
        accounts = named.setdefault(one.cluster, set())
        accounts |= {member.account_id for member in one.members if member.score >= 0.5}
        accounts -= {member.account_id for member in one.members if member.score < 0.5} | set(one.cleared)
        if one.phase == "calm":
            del named[one.cluster]
    return named


def kinds(accounts: set[str]) -> dict[str, int]:
    """Return how many accounts of each kind there are."""
    counted: dict[str, int] = {}
    for one in accounts:
        counted[one.split("-")[0]] = counted.get(one.split("-")[0], 0) + 1
    return counted
