"""The recording of a round: dense ordinary traffic with a flood and a crowd, a labelled world of attacks among it, and
what goes wrong on the way: copies of events, late ones, records that are refused. Seeded; knows no Kafka."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.recording import Events, Recording, Traffic, encode_replies, encode_votes, record
from lab.worlds import SCENARIOS, world

_REFUSED = (
    b"{",
    b"[1]",
    b"\xff\xfe",
    b'{"type":"vote","event_id":"r","poll_id":"p","account_id":"a","option":"x","ts":"now"}',
    b'{"type":"share","event_id":"r","poll_id":"p","account_id":"a","option":"x","ts":1}',
    b'{"type":"reply","event_id":"r","poll_id":"p","account_id":"a","ts":1}',
)
_COPIED, _DELAYED, _REFUSED_SHARE = 0.002, 0.002, 0.0005
_LONGEST_DELAY_LINES = 4_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """How much is in a recording; the world's events come on top of the `votes`."""

    votes: int = 1_300_000
    polls: int = 300
    accounts: int = 250_000
    scenario: str = "world"
    seed: int = 1

    def write(self, path: Path) -> int:
        """Write it as JSON Lines in order of arrival; return how many lines it has."""
        minutes = SCENARIOS[self.scenario].minutes
        dense = record(Traffic(self.votes, 1_000, self.polls, self.accounts, minutes, self.seed))
        begin_ms = int(dense.votes.ts_ms.min())
        parts = [_votes(dense), _replies(dense), self._world(begin_ms)]
        lines = 0
        with path.open("wb") as file:
            for line in _disturbed(random.Random(self.seed), (line for _, line in heapq.merge(*parts))):
                file.write(line + b"\n")
                lines += 1
        return lines

    def _world(self, begin_ms: int) -> Iterator[tuple[int, bytes]]:
        """Yield a world's events, moved in time to where the dense traffic begins."""
        events = world(SCENARIOS[self.scenario], self.seed).events
        shift_ms = begin_ms - min(event["ts"] for event in events)
        at_ms = 0
        for event in events:
            moved = {name: event[name] + shift_ms for name in ("ts", "account_created_at") if name in event}
            at_ms = max(at_ms, moved["ts"])
            yield at_ms, msgspec.json.encode(event | moved)


def _votes(dense: Recording) -> Iterator[tuple[int, bytes]]:
    arrived = _arrivals(dense.votes)
    for first, lines in encode_votes(dense):
        for at_ms, line in zip(arrived[first : first + len(lines)], lines, strict=True):
            yield at_ms, b'{"type": "vote", ' + line[1:]


def _replies(dense: Recording) -> Iterator[tuple[int, bytes]]:
    for at_ms, line in zip(_arrivals(dense.replies), encode_replies(dense), strict=True):
        yield at_ms, b'{"type": "reply", ' + line[1:]


def _arrivals(events: Events) -> list[int]:
    """Return the latest time seen up to each row: rows are in order of arrival, and so is this."""
    latest: list[int] = np.maximum.accumulate(events.ts_ms).tolist()
    return latest


def _disturbed(rng: random.Random, lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines, some again, some late, some that nobody can read between them."""
    held: list[tuple[int, bytes]] = []
    for number, line in enumerate(lines):
        while held and held[0][0] <= number:
            yield heapq.heappop(held)[1]
        if rng.random() < _REFUSED_SHARE:
            yield rng.choice(_REFUSED)
        fate = rng.random()
        if fate < _COPIED + _DELAYED:
            heapq.heappush(held, (number + rng.randrange(1, _LONGEST_DELAY_LINES), line))
        if not _COPIED <= fate < _COPIED + _DELAYED:
            yield line
    yield from (line for _, line in sorted(held))
