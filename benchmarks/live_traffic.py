"""Traffic in real time for the measurement of latency: what is sent in each hundredth of a second. Knows no Kafka.

Many votes go to polls of all sizes that began with the traffic; a hundred quiet polls with half an hour of history,
a vote a second each, are flooded one after the other, a few at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmarks.recording import Events, Recording, Traffic, encoded_people, ordinary, people_of
from detectors.columns import Int32s, Int64s

SLOT_MS = 10
QUIET_POLLS = 96
FLOODED_AT_ONCE = 8
FLOOD_S = 2.0
FLOOD_VOTES_PER_S = 150
HISTORY_S = 1800
_FIRST_QUIET = 10_000


@dataclass(frozen=True, slots=True)
class LiveTraffic:
    """`votes_per_s` offered for `warm_up_s`, then for `seconds` in which the floods begin."""

    votes_per_s: int = 50_000
    warm_up_s: int = 30
    seconds: int = 60
    polls: int = 300
    accounts: int = 400_000
    seed: int = 5

    @property
    def slots(self) -> int:
        """How many hundredths of a second."""
        return (self.warm_up_s + self.seconds) * 1000 // SLOT_MS

    @property
    def votes_per_slot(self) -> int:
        """Votes of the large polls in each."""
        return self.votes_per_s * SLOT_MS // 1000

    def crowd(self) -> Recording:
        """Return votes of the large polls for ten seconds, repeated for as long as it takes, and all people."""
        rng = np.random.default_rng(self.seed)
        people = people_of(rng, self.accounts)
        votes = ordinary(rng, Traffic(votes=self.votes_per_s * 10, polls=self.polls, accounts=self.accounts), 2**41)
        return Recording(votes, votes.between(0, 0), [], people.account_id.tolist(), encoded_people(people))

    def history(self, now_ms: int) -> Events:
        """Return what the quiet polls had before."""
        rng = np.random.default_rng(self.seed + 1)
        size = QUIET_POLLS * HISTORY_S
        ts_ms = np.sort(rng.integers(now_ms - HISTORY_S * 1000, now_ms, size))
        return self._quiet(rng, ts_ms, rng.integers(0, QUIET_POLLS, size))

    def quiet(self) -> list[Events]:
        """Return what the quiet polls get in each slot, floods included; `ts_ms` is that of the slot."""
        rng = np.random.default_rng(self.seed + 2)
        end_ms = self.slots * SLOT_MS
        base = rng.integers(0, QUIET_POLLS, QUIET_POLLS * end_ms // 1000)
        parts = [(rng.integers(0, end_ms, len(base)), base)]
        for flooded, start_ms in enumerate(self.flood_starts_ms().tolist()):
            size = int(FLOOD_S * FLOOD_VOTES_PER_S)
            parts.append((rng.integers(start_ms, start_ms + int(FLOOD_S * 1000), size), np.full(size, flooded)))
        ts_ms, poll = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        order = np.argsort(ts_ms)
        events = self._quiet(rng, ts_ms[order], poll[order])
        bounds = np.searchsorted(events.ts_ms // SLOT_MS, np.arange(self.slots + 1))
        return [events.between(int(a), int(b)) for a, b in pairwise(bounds)]

    def flood_starts_ms(self) -> Int64s:
        """Return when each quiet poll is flooded, from the begin of the traffic; not within a second of the end."""
        turns = QUIET_POLLS // FLOODED_AT_ONCE
        room_ms = (self.seconds - 5) * 1000
        turn_ms = self.warm_up_s * 1000 + 1000 + np.arange(turns) * room_ms // turns
        # some way into a tick: each of a turn at another moment
        starts: Int64s = np.repeat(turn_ms, FLOODED_AT_ONCE) + np.tile(np.arange(FLOODED_AT_ONCE) * 61, turns)
        return starts

    def _quiet(self, rng: np.random.Generator, ts_ms: Int64s, poll: Int64s) -> Events:
        size = len(poll)
        number: Int32s = (poll + _FIRST_QUIET).astype(np.int32)
        account = rng.integers(0, self.accounts, size).astype(np.int32)
        return Events(ts_ms, number, rng.integers(0, 2, size).astype(np.int32), account)


def is_quiet(poll_id: str) -> bool:
    """Tell whether it is one of the polls that are flooded."""
    return int(poll_id.removeprefix("poll-")) >= _FIRST_QUIET
