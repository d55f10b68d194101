"""Which rows of the log are of accounts that voted before, so that nobody else's are looked at again.

Five bytes a row, and half as much again as room to grow.
"""

from __future__ import annotations

import numpy as np

from detectors.columns import Int32s, Int64s

TURNS = 12
"""Parts into which the polls are divided: a poll's number, divided by this, leaves its turn."""


class Returns:
    """Rows in ascending order, each with the turn of its poll."""

    def __init__(self) -> None:
        self._row = np.zeros(1_024, np.int32)
        self._turn = np.zeros(1_024, np.uint8)
        self._count = 0

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._row.nbytes + self._turn.nbytes

    def add(self, rows: Int64s, poll: Int32s) -> None:
        """Add rows that come after all there are, with their polls' numbers."""
        start, stop = self._count, self._count + len(rows)
        if stop > len(self._row):
            self._row, self._turn = (
                np.concatenate((column[:start], np.zeros(stop - start // 2, column.dtype)))
                for column in (self._row, self._turn)
            )
        self._row[start:stop], self._turn[start:stop] = rows, poll % TURNS
        self._count = stop

    def count(self, first: int) -> int:
        """Return how many rows there are from row `first` on."""
        return self._count - self._place(first)

    def since(self, first: int) -> Int64s:
        """Return the rows from row `first` on."""
        return self._row[self._place(first) : self._count].astype(np.int64)

    def of_turn(self, first: int, turn: int) -> Int64s:
        """Return the rows from row `first` on of the polls whose turn it is."""
        start = self._place(first)
        theirs = (self._turn[start : self._count] == turn).nonzero()[0]
        rows: Int64s = self._row[start : self._count][theirs].astype(np.int64)
        return rows

    def replace(self, rows: Int64s, poll: Int32s) -> None:
        """Hold these rows instead."""
        self._count = 0
        self.add(rows, poll)

    def _place(self, first: int) -> int:
        # a number of another type would have all rows copied into that type
        return int(self._row[: self._count].searchsorted(np.int32(first)))
