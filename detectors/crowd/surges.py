"""Tells when a poll's votes come much faster than its own past, a chunk at a time: when to look who came. It judges nobody.

A chunk of k votes is a surge where a Poisson process at the poll's slow rate would hardly ever have had so many by then. The slow
rate does not learn from a surge for half an hour. State: eight numbers for each poll with a chunk, 300 bytes or so.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from typing import Any

from detectors.columns import Int32s, Int64s

_LEAST_SURPRISE = 10.0
_MEMORY_MS = 1_200_000.0
_HOLD_MS = 1_800_000
_CALM_CHUNKS = 2
_MOST_RATE = 1.0


@dataclass
class _Pace:
    """A poll's slow rate (votes per ms), when its last chunk ended, and its surge: `start_row` is -1 without one."""

    rate: float
    end_ms: int
    start_row: int = -1
    start_ms: int = 0
    number: int = 0
    chunks: int = 0
    next_chunks: int = 0
    calm: int = 0


@dataclass(frozen=True)
class Surge:
    """A surge to be looked at: its number within the poll, where it began, how many times the slow rate (votes per ms) it had."""

    number: int
    start_row: int
    start_ms: int
    times: float
    rate: float


class Surges:
    """Follows the pace of every poll."""

    def __init__(self) -> None:
        self._paces: dict[int, _Pace] = {}

    def add(
        self, poll: Int32s, first_row: Int64s, first_ms: Int64s, last_ms: Int64s, votes: int
    ) -> list[tuple[int, Surge]]:
        """Take whole chunks of polls, in order; return each surge that should be looked at, with its chunk's place.

        That is at first, and whenever a surge is three times as large.
        """
        columns = poll.tolist(), first_row.tolist(), first_ms.tolist(), last_ms.tolist()
        added = [self._add(*chunk, votes) for chunk in zip(*columns, strict=True)]
        return [(place, surge) for place, surge in enumerate(added) if surge is not None]

    def _add(self, poll: int, first_row: int, first_ms: int, last_ms: int, votes: int) -> Surge | None:
        pace = self._paces.get(poll)
        if pace is None:
            self._paces[poll] = _Pace(votes / max(last_ms - first_ms, 1), last_ms)
            return None
        span_ms = max(last_ms - pace.end_ms, 1)
        pace.end_ms = last_ms
        expected = max(pace.rate * span_ms, 1e-6)
        surprise = votes * math.log(votes / expected) - (votes - expected) if votes > expected else 0.0
        if surprise > _LEAST_SURPRISE and (pace.start_row < 0 or last_ms - pace.start_ms < _HOLD_MS):
            return self._risen(pace, first_row, first_ms, votes / expected)
        self._learn(pace, span_ms, votes)
        return None

    def _risen(self, pace: _Pace, first_row: int, first_ms: int, times: float) -> Surge | None:
        if pace.start_row < 0:
            pace.start_row, pace.start_ms, pace.number = first_row, first_ms, pace.number + 1
            pace.chunks, pace.next_chunks = 0, 1
        pace.chunks, pace.calm = pace.chunks + 1, 0
        if pace.chunks < pace.next_chunks:
            return None
        pace.next_chunks = 3 * pace.chunks
        return Surge(pace.number, pace.start_row, pace.start_ms, times, pace.rate)

    def _learn(self, pace: _Pace, span_ms: int, votes: int) -> None:
        if pace.start_row >= 0:
            pace.calm += 1
            if pace.calm >= _CALM_CHUNKS:
                pace.start_row = -1
        share = -math.expm1(-span_ms / _MEMORY_MS)
        pace.rate += share * (min(votes / span_ms, _MOST_RATE) - pace.rate)

    def skip(self, from_ms: int, until_ms: int) -> None:
        """Take [from_ms, until_ms), in which no votes were shown, out of every poll's time; surges end there."""
        for pace in self._paces.values():
            pace.end_ms, pace.start_row = pace.end_ms + until_ms - from_ms, -1

    def forget(self, polls: Int64s) -> None:
        """Forget these polls."""
        for poll in polls.tolist():
            self._paces.pop(poll, None)

    def snapshot(self) -> list[list[Any]]:
        """Return the state as plain data."""
        return [[poll, *astuple(pace)] for poll, pace in self._paces.items()]

    def restore(self, state: list[list[Any]]) -> None:
        """Take over what `snapshot` returned."""
        self._paces = {poll: _Pace(*numbers) for poll, *numbers in state}
