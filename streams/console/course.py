"""One poll over time, from its running estimates: bounded however long it runs, and finest where most happened. Pure.

A course keeps at most 2 * MOST_STATES states of 48 bytes, 35 kB. Votes are counted, so a state that is left out costs only when
exactly they came: those go first whose votes lie nearest to the straight line between their neighbours. A quiet week becomes a
few states, a surge of ten seconds stays as it was. The last NEWEST states always stay.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import nan

import numpy as np
import numpy.typing as npt

from detectors.alert import Integrity

MOST_STATES = 360
NEWEST = 60

Column = npt.NDArray[np.float64]


def _column() -> array[float]:
    return array("d")


@dataclass(slots=True)
class Course:
    """States in order of event time: votes so far, suspect ones among them, the ends of the interval of their share, and the
    votes expected a second (nan where not known). `version` grows with every change."""

    at_ms: array[float] = field(default_factory=_column)
    votes: array[float] = field(default_factory=_column)
    suspect: array[float] = field(default_factory=_column)
    low: array[float] = field(default_factory=_column)
    high: array[float] = field(default_factory=_column)
    expected: array[float] = field(default_factory=_column)
    version: int = 0

    def add(self, estimate: Integrity) -> None:
        """Take an estimate that is newer than those before; older ones are repeats and change nothing."""
        if self.at_ms and estimate.updated_ms < self.at_ms[-1]:
            return
        if self.at_ms and estimate.updated_ms == self.at_ms[-1]:
            for column in self._columns():
                column.pop()
        per_s = estimate.expected_per_s
        state = (
            estimate.updated_ms,
            estimate.votes,
            estimate.suspect_votes,
            estimate.suspect_share_low,
            estimate.suspect_share_high,
            nan if per_s is None else per_s,
        )
        for column, number in zip(self._columns(), state, strict=True):
            column.append(number)
        self.version += 1
        if len(self.at_ms) >= 2 * MOST_STATES:
            self._thin()

    def read(self) -> States:
        """Return the states as arrays of their own."""
        return States(*(np.array(column) for column in self._columns()))

    def _columns(self) -> tuple[array[float], ...]:
        return (self.at_ms, self.votes, self.suspect, self.low, self.high, self.expected)

    def _thin(self) -> None:
        keep = _most_telling(self.at_ms.tolist(), self.votes.tolist(), self.suspect.tolist())
        for column in self._columns():
            column[:] = array("d", [column[row] for row in keep])


@dataclass(frozen=True, slots=True)
class States:
    """What a course knew at a moment, as columns of equal length."""

    at_ms: Column
    votes: Column
    suspect: Column
    low: Column
    high: Column
    expected: Column

    def __len__(self) -> int:
        return len(self.at_ms)


def _most_telling(at_ms: list[float], votes: list[float], suspect: list[float]) -> list[int]:
    """Return the rows to keep: one after the other goes the row that is missed least."""
    size = len(at_ms)
    before, after = list(range(-1, size - 1)), list(range(1, size + 1))
    gone, last = [False] * size, size - NEWEST

    def missed(row: int) -> float:
        a, b = before[row], after[row]
        part = (at_ms[row] - at_ms[a]) / (at_ms[b] - at_ms[a])
        of_votes = abs(votes[row] - votes[a] - part * (votes[b] - votes[a]))
        return of_votes + abs(suspect[row] - suspect[a] - part * (suspect[b] - suspect[a]))

    cost = {row: missed(row) for row in range(1, last)}
    heap = [(price, row) for row, price in cost.items()]
    heapify(heap)
    left = size
    while left > MOST_STATES and heap:
        price, row = heappop(heap)
        if gone[row] or price != cost[row]:
            continue
        gone[row] = True
        left -= 1
        a, b = before[row], after[row]
        after[a], before[b] = b, a
        for neighbour in (a, b):
            if neighbour in cost and not gone[neighbour]:
                cost[neighbour] = missed(neighbour)
                heappush(heap, (cost[neighbour], neighbour))
    return [row for row in range(size) if not gone[row]]
