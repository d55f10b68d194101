"""How far event time has come in one source partition: a pure function of that partition's records.

A watermark is stated only at whole multiples of `STATED_EVERY` offsets, from the `RECORDS` records' offsets before it,
so it does not matter how the records were cut into batches, and re-reading `RECORDS` offsets rebuilds it. It is the
`RANK`-th latest time among them less `LAG_MS`: three clocks in thirty-two may be wrong without moving time for
everybody. Stated values are rounded down to `GRID_MS`. To keep blocks small, only rises within a batch are stated, and
the first statement in each `ARRIVAL_GRID_MS` of the brokers' clock: from those a shard sees that a source goes on
without its time going on (`detectors/source_time.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Bools, Int64s, int64s

RECORDS = 32
RANK = 4
STATED_EVERY = 8
LAG_MS = 1_000
GRID_MS = 50
ARRIVAL_GRID_MS = 250

UNKNOWN_MS = -(1 << 62)
"""Nothing is known of a source yet: it holds event time back."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Watermarks `ms` that hold for rows at `offset` (ascending) and later, of one source, unless a higher one was stated before.

    `arrived_ms` is the brokers' time of each statement, on the grid of `ARRIVAL_GRID_MS`; 0 where no broker was asked. `ms`
    is UNKNOWN_MS where records came that say no time.
    """

    offset: Int64s
    ms: Int64s
    arrived_ms: Int64s


NO_STEPS = Steps(int64s(), int64s(), int64s())


class SourceClock:
    """The watermark of one source partition. Holds the offsets and times of at most 32 records."""

    def __init__(self) -> None:
        self._offset = int64s()
        self._ts_ms = int64s()
        self._arrived_ms = int64s()
        self._end = -1

    def observe(self, offset: Int64s, ts_ms: Int64s, arrived_ms: Int64s, end: int) -> Steps:
        """Take the next records (ascending offsets below `end`) and return the watermarks stated up to `end`.

        `arrived_ms`, the broker's time of each, is stated beside them, and is for `now_ms`: it decides no watermark here.
        """
        offset = np.concatenate([self._offset, offset])
        ts_ms = np.concatenate([self._ts_ms, ts_ms])
        arrived_ms = np.concatenate([self._arrived_ms, arrived_ms])
        stated = np.unique((offset // STATED_EVERY + 1) * STATED_EVERY)
        stated = stated[(stated > self._end) & (stated <= end)]
        kept = offset >= end - RECORDS
        self._offset, self._ts_ms, self._arrived_ms, self._end = offset[kept], ts_ms[kept], arrived_ms[kept], end
        if not len(stated):
            return NO_STEPS
        ms = _ranked(offset, ts_ms, stated)
        at, moved = _arrivals(offset, arrived_ms, stated)
        told = _rises(ms) | moved
        return Steps(stated[told], ms[told], at[told])

    @property
    def last_arrived_ms(self) -> int:
        """The broker's time of the last record held, or UNKNOWN_MS."""
        return int(self._arrived_ms[-1]) if len(self._arrived_ms) else UNKNOWN_MS

    def now_ms(self, elapsed_ms: int) -> int:
        """Return what time it is where the records come from, `elapsed_ms` after the last arrived, or UNKNOWN_MS.

        That is the broker's time less the usual (median) delay of the records held, so no single clock decides.
        """
        if not len(self._ts_ms):
            return UNKNOWN_MS
        delay_ms = np.sort(self._arrived_ms - self._ts_ms)[len(self._ts_ms) // 2]
        return int(self._arrived_ms[-1] - delay_ms) + elapsed_ms


def _ranked(offset: Int64s, ts_ms: Int64s, stated: Int64s) -> Int64s:
    end = np.searchsorted(offset, stated)
    index = end[:, None] - 1 - np.arange(RECORDS)
    nearest = np.maximum(index, 0)
    known = (index >= 0) & (offset[nearest] >= stated[:, None] - RECORDS)
    times = np.where(known, ts_ms[nearest], UNKNOWN_MS)
    ranked: Int64s = np.partition(times, RECORDS - RANK, axis=1)[:, RECORDS - RANK]
    return np.where(ranked == UNKNOWN_MS, UNKNOWN_MS, (ranked - LAG_MS) // GRID_MS * GRID_MS)


def _rises(ms: Int64s) -> Bools:
    before = np.concatenate([[UNKNOWN_MS], np.maximum.accumulate(ms)[:-1]])
    rises: Bools = ms > before
    return rises


def _arrivals(offset: Int64s, arrived_ms: Int64s, stated: Int64s) -> tuple[Int64s, Bools]:
    """Return the brokers' time of each statement on the grid, and whether it is another than at the statement before.

    Of that, too, only the last `RECORDS` offsets count: a statement before which there is none is always another.
    """
    grid = arrived_ms // ARRIVAL_GRID_MS
    at = grid[np.searchsorted(offset, stated) - 1]
    before = np.searchsorted(offset, stated - STATED_EVERY) - 1
    known = (before >= 0) & (offset[np.maximum(before, 0)] >= stated - RECORDS)
    return at * ARRIVAL_GRID_MS, ~known | (grid[np.maximum(before, 0)] != at)
