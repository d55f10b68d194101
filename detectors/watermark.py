"""How far event time has come in one source partition: a pure function of that partition's records.

A watermark is stated only at whole multiples of `STATED_EVERY` offsets, from the `RECORDS` records' offsets before it,
so it does not matter how the records were cut into batches, and re-reading `RECORDS` offsets rebuilds it. It is the
`RANK`-th latest time among them less `LAG_MS`: three clocks in thirty-two may be wrong without moving time for
everybody. Stated values are rounded down to `GRID_MS`, and only rises within a batch are stated, to keep blocks small.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Int64s, int64s

RECORDS = 32
RANK = 4
STATED_EVERY = 8
LAG_MS = 1_000
GRID_MS = 50

UNKNOWN_MS = -(1 << 62)
"""Nothing is known of a source yet: it holds event time back."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Watermarks `ms` that hold for rows at `offset` and later, both ascending, of one source."""

    offset: Int64s
    ms: Int64s


NO_STEPS = Steps(int64s(), int64s())


class SourceClock:
    """The watermark of one source partition. Holds the offsets and times of at most 32 records."""

    def __init__(self) -> None:
        self._offset = int64s()
        self._ts_ms = int64s()
        self._arrived_ms = int64s()
        self._end = -1

    def observe(self, offset: Int64s, ts_ms: Int64s, arrived_ms: Int64s, end: int) -> Steps:
        """Take the next records (ascending offsets below `end`) and return the watermarks stated up to `end`.

        `arrived_ms`, the broker's time of each, is only for `now_ms`: it decides no watermark stated here.
        """
        offset = np.concatenate([self._offset, offset])
        ts_ms = np.concatenate([self._ts_ms, ts_ms])
        arrived_ms = np.concatenate([self._arrived_ms, arrived_ms])
        stated = np.unique((offset // STATED_EVERY + 1) * STATED_EVERY)
        stated = stated[(stated > self._end) & (stated <= end)]
        kept = offset >= end - RECORDS
        self._offset, self._ts_ms, self._arrived_ms, self._end = offset[kept], ts_ms[kept], arrived_ms[kept], end
        return _rises(stated, _ranked(offset, ts_ms, stated)) if len(stated) else NO_STEPS

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


def _rises(stated: Int64s, ms: Int64s) -> Steps:
    before = np.concatenate([[UNKNOWN_MS], np.maximum.accumulate(ms)[:-1]])
    rises = ms > before
    return Steps(stated[rises], ms[rises])
