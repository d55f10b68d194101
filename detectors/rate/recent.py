"""Votes of the last window by row and tick, in a few sorted runs: counts of trailing spans without a sum per tick."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from detectors.ascending import not_larger
from detectors.columns import Int64s, run_starts

_ROW_SHIFT = 36
"""Ticks of 50 ms since the epoch stay below 2^36 until 2078; rows stand above them in one key."""
_TICKS = (1 << _ROW_SHIFT) - 1
_MOST_RUNS = 8


@dataclass(frozen=True)
class Run:
    """Votes by (row, tick), ascending; ticks are counted from the epoch."""

    key: Int64s
    votes: Int64s
    arrived_ms: Int64s
    until: Int64s
    """Votes before entry i; one longer than the rest."""

    @property
    def row(self) -> Int64s:
        """Row of each entry."""
        return self.key >> _ROW_SHIFT

    @property
    def tick(self) -> Int64s:
        """Tick of each entry."""
        return self.key & _TICKS

    def take(self, keep: Any) -> Run:
        """Return the chosen entries as a run."""
        return _run(self.key[keep], self.votes[keep], self.arrived_ms[keep])

    @cached_property
    def last_tick(self) -> int:
        """The last tick with votes."""
        return int(self.tick.max())

    def trailing(self, key: Int64s, ticks: int) -> Int64s:
        """Return the votes of each key's row in the `ticks` ticks that end with the key's tick; keys ascend."""
        low = np.maximum(key - ticks, (key >> _ROW_SHIFT << _ROW_SHIFT) - 1)
        votes: Int64s = self.until[not_larger(self.key, key)] - self.until[not_larger(self.key, low)]
        return votes


def trailing(runs: list[Run], key: Int64s, ticks: int) -> Int64s:
    """Return the votes of each key's row in the `ticks` ticks that end with the key's tick, in all runs together; keys ascend."""
    votes = np.zeros(len(key), np.int64)
    if not len(key):
        return votes
    first_tick = int((key & _TICKS).min()) - ticks + 1
    for run in runs:
        if run.last_tick >= first_tick:
            votes += run.trailing(key, ticks)
    return votes


def run_of(row: Int64s, tick: Int64s, votes: Int64s, arrived_ms: Int64s) -> Run:
    """Sort and add up entries of the same row and tick."""
    key = (row << _ROW_SHIFT) | tick
    order = np.argsort(key, kind="stable")
    key, votes, arrived_ms = key[order], votes[order], arrived_ms[order]
    first = run_starts(key)
    if len(first) == len(key):
        return _run(key, votes, arrived_ms)
    return _run(key[first], np.add.reduceat(votes, first), np.maximum.reduceat(arrived_ms, first))


def _run(key: Int64s, votes: Int64s, arrived_ms: Int64s) -> Run:
    until = np.zeros(len(key) + 1, np.int64)
    np.cumsum(votes, out=until[1:])
    return Run(key, votes, arrived_ms, until)


class RecentVotes:
    """The runs. Bound: the ticks of the longest span and the open window, 32 bytes an entry."""

    def __init__(self) -> None:
        self.runs: list[Run] = []

    def add(self, run: Run) -> None:
        """Keep a run."""
        if len(run.key):
            self.runs.append(run)
        if len(self.runs) > _MOST_RUNS:
            self.runs = [self.merged()]

    def merged(self) -> Run:
        """Return all runs as one."""
        if len(self.runs) == 1:
            return self.runs[0]
        none = np.zeros(0, np.int64)
        key, votes, arrived_ms = (
            np.concatenate([none, *(getattr(run, name) for run in self.runs)]) for name in ("key", "votes", "arrived_ms")
        )
        order = np.argsort(key, kind="stable")  # two runs never hold the same tick
        return _run(key[order], votes[order], arrived_ms[order])

    def keep_from(self, tick: int) -> None:
        """Forget all before a tick."""
        kept = (run.take(run.tick >= tick) for run in self.runs)
        self.runs = [run for run in kept if len(run.key)]

    def forget_rows(self, rows: Int64s) -> None:
        """Forget all of these rows."""
        kept = (run.take(~np.isin(run.row, rows)) for run in self.runs)
        self.runs = [run for run in kept if len(run.key)]

    def snapshot(self) -> list[bytes]:
        """Return the entries as plain data."""
        run = self.merged()
        return [run.key.tobytes(), run.votes.tobytes(), run.arrived_ms.tobytes()]

    def restore(self, state: list[bytes]) -> None:
        """Take over what `snapshot` returned."""
        self.runs = []
        self.add(_run(*(np.frombuffer(column, np.int64) for column in state)))
