"""The last row of each account. Two tables, of which the older one is given up when its rows are gone, so that nothing
is ever sorted out of a large table: 23 to 35 bytes an account each."""

from __future__ import annotations

import numpy as np

from compiled.library import COLUMN, INTEGER, address, function
from detectors.columns import Hashes, Int64s
from detectors.keyed_table import KeyedTable

_NONE = -1
_exchange = function("pollwatch_exchange", COLUMN, COLUMN, INTEGER, COLUMN, COLUMN)


class LastRows:
    """Rows by account; they are numbered from the first one ever."""

    def __init__(self) -> None:
        self._younger = KeyedTable({"row": "i8"})
        self._older = KeyedTable({"row": "i8"})
        self._turned = 0

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._younger.nbytes + self._older.nbytes

    def exchange(self, account: Hashes, row: Int64s) -> Int64s:
        """Set the rows of accounts, in order; return for each what its account's row was until then, -1: none."""
        slots, absent = self._younger.enter(account)
        before, row = np.empty(len(slots), np.int64), np.ascontiguousarray(row, np.int64)
        _exchange(address(self._younger.values["row"]), address(slots), len(slots), address(row), address(before))
        new = absent.nonzero()[0]
        before[new] = self._of(self._older, account[new])
        return before

    def of(self, account: Hashes) -> Int64s:
        """Return the last row of each account, -1: none."""
        rows = self._of(self._younger, account)
        unknown = (rows < 0).nonzero()[0]
        rows[unknown] = self._of(self._older, account[unknown])
        return rows

    def reserve(self, accounts: int) -> None:
        """Make room for so many in all."""
        self._younger.reserve(accounts - len(self._younger))

    def forget(self, before: int, end: int) -> None:
        """Give up a table in which all rows are before row `before`; the next row will be `end`."""
        if before >= self._turned:
            self._older, self._younger = self._younger, KeyedTable({"row": "i8"})
            self._turned = end

    @staticmethod
    def _of(table: KeyedTable, account: Hashes) -> Int64s:
        if not len(table):
            return np.full(len(account), _NONE, np.int64)
        slots = table.find(account)
        return np.where(slots >= 0, table.values["row"][slots], _NONE)
