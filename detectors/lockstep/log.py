"""Who voted when, in which poll: the last few million first votes, each linked to its account's one before.

It knows nothing of groups. A row holds 44 bytes and the account's id; columns grow by half, so a million rows of ids
of 16 bytes take at most 90 MB. Two tables hold the accounts' last rows, 27 to 54 bytes an account each: the older one is
given up when its rows are gone, so that nothing is ever sorted out of a large table.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Bools, Hashes, Int64s, int64s
from detectors.keyed_table import KeyedTable
from detectors.strings import Strings
from detectors.watcher import Ballots

_COLUMNS = {
    "account": "u8",
    "ts_ms": "i8",
    "at_ms": "i8",
    "poll": "i4",
    "option": "i4",
    "back": "i4",
    "id_end": "i8",
}
_ROOM = 4_096
_LARGE = 131_072
LATE_MS = 60_000
"""How much later than it happened a vote may come and still be found by `between`."""


class VoteLog:
    """Votes in the order they came (`at_ms`), rows 0 to n-1; `ts_ms` is when they happened.

    `back` is how many rows before this one the account's earlier vote stands; 0: there is none.
    """

    def __init__(self) -> None:
        self._columns: dict[str, NDArray[Any]] = {
            name: np.zeros(_ROOM, dtype) for name, dtype in _COLUMNS.items()
        }
        self._ids = np.zeros(_ROOM, np.uint8)
        self._count = 0
        self._dropped = 0
        self._last = KeyedTable({"row": "i8"})
        self._older = KeyedTable({"row": "i8"})
        self._turned = 0

    def __len__(self) -> int:
        return self._count

    def __getattr__(self, name: str) -> NDArray[Any]:
        if name not in _COLUMNS:
            raise AttributeError(name)
        return self._columns[name][: self._count]

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return (
            sum(c.nbytes for c in self._columns.values())
            + self._ids.nbytes
            + self._last.nbytes
            + self._older.nbytes
        )

    def append(self, ballots: Ballots, rows: Int64s) -> None:
        """Add some of the ballots, each the first vote of its account in its poll."""
        if not len(rows):
            return
        start, stop = self._count, self._count + len(rows)
        texts = ballots.sender.account_ids.take(rows)
        used = int(self._columns["id_end"][start - 1]) if start else 0
        self._make_room(stop, used + len(texts.data))
        self._ids[used : used + len(texts.data)] = texts.data
        columns, account = self._columns, ballots.account[rows]
        columns["account"][start:stop], columns["ts_ms"][start:stop] = account, ballots.ts_ms[rows]
        columns["at_ms"][start:stop], columns["poll"][start:stop] = (
            ballots.effective_ms[rows],
            ballots.poll[rows],
        )
        columns["option"][start:stop], columns["id_end"][start:stop] = ballots.option[rows], texts.ends + used
        columns["back"][start:stop] = self._linked(account, start)
        self._count = stop

    def _linked(self, account: Hashes, start: int) -> Int64s:
        """Return how far back each account's earlier row is, and remember these rows as the last ones."""
        row = np.arange(start, start + len(account)) + self._dropped
        order = np.argsort(account, kind="stable")
        ordered = account[order]
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        ends = np.append(starts[1:], len(ordered)) - 1
        self._last.reserve(len(starts))
        slots = self._last.find(ordered[starts])
        new = slots < 0
        before = np.append(0, row[order][:-1])
        before[starts] = self._last.values["row"][np.maximum(slots, 0)]
        before[starts[new]] = self._older_rows(ordered[starts[new]])
        slots[new] = self._last.insert(ordered[starts[new]])
        self._last.values["row"][slots] = row[order[ends]]
        back = np.empty(len(account), np.int64)
        back[order] = np.where(before >= self._dropped, row[order] - before, 0)
        return back

    def _older_rows(self, accounts: Hashes) -> Int64s:
        """Return the last row of accounts that have none since the tables were turned, -1 where there is none."""
        if not len(self._older):
            return np.full(len(accounts), -1, np.int64)
        slots = self._older.find(accounts)
        return np.where(slots >= 0, self._older.values["row"][np.maximum(slots, 0)], -1)

    def _make_room(self, rows: int, id_bytes: int) -> None:
        have = len(self._columns["account"])
        if rows > have:
            size = max(rows, have + have // 2)
            self._columns = {name: _longer(column, size) for name, column in self._columns.items()}
        if id_bytes > len(self._ids):
            self._ids = _longer(self._ids, max(id_bytes, len(self._ids) + len(self._ids) // 2))

    def shrink(self, most: int) -> None:
        """Drop the oldest rows if there are more than `most`, and a quarter more than that."""
        if self._count > most:
            self._drop(self._count - most * 3 // 4)
        if self._count > _LARGE:
            # once, instead of growing step by step under a load that will not wait
            self._make_room(most * 5 // 4, 0)
            self._last.reserve(most * 5 // 4 - len(self._last))

    def _drop(self, gone: int) -> None:
        first_id = int(self._columns["id_end"][gone - 1])
        last_id = int(self._columns["id_end"][self._count - 1])
        self._ids[: last_id - first_id] = self._ids[first_id:last_id]
        self._count, self._dropped = self._count - gone, self._dropped + gone
        for column in self._columns.values():
            column[: self._count] = column[gone : gone + self._count]
        self._columns["id_end"][: self._count] -= first_id
        back = self._columns["back"][: self._count]
        back[back > np.arange(self._count)] = 0
        if self._dropped >= self._turned:
            # what is older than the younger table is gone, so the other one holds nothing any more
            self._older, self._last = self._last, KeyedTable({"row": "i8"})
            self._turned = self._dropped + self._count

    def forget(self, polls: Int64s) -> None:
        """Strike the numbers of these polls from the rows: -1 stands there."""
        poll = self.poll
        poll[np.isin(poll, polls)] = -1

    def since(self, at_ms: int) -> int:
        """Return the first row that came at `at_ms` or later."""
        return int(np.searchsorted(self.at_ms, at_ms))

    def returned(self, at_ms: int) -> Int64s:
        """Return the rows that came at `at_ms` or later and whose account voted before."""
        first = self.since(at_ms)
        return np.flatnonzero(self.back[first:] > 0) + first

    def returns(self, at_ms: int) -> int:
        """Return how many rows `returned` would."""
        return int(np.count_nonzero(self.back[self.since(at_ms) :] > 0))

    def between(self, poll: int, start_ms: int, end_ms: int) -> Int64s:
        """Return the rows of a poll's votes that happened in [start_ms, end_ms]."""
        at_ms = self._columns["at_ms"][: self._count]
        low, high = at_ms.searchsorted([start_ms, end_ms + LATE_MS + 1]).tolist()
        rows: Int64s = (self._columns["poll"][low:high] == poll).nonzero()[0]
        rows += low
        ts = self._columns["ts_ms"][rows]
        return rows[(ts >= start_ms) & (ts <= end_ms)]

    def narrowed(self, rows: Int64s, start_ms: int, end_ms: int) -> Int64s:
        """Return those of a poll's rows that `between` would return for a time within theirs."""
        ts = self._columns["ts_ms"][rows]
        return rows[(ts >= start_ms) & (ts <= end_ms) & (self._columns["at_ms"][rows] <= end_ms + LATE_MS)]

    def earlier(self, rows: Int64s, depth: int) -> tuple[Int64s, Int64s]:
        """Return (row, earlier row of its account), for each of `rows` and up to `depth` rows before it."""
        now, was = [int64s()], [int64s()]
        row, at = rows, rows
        back = self.back
        for _ in range(depth):
            has = back[at] > 0
            row, at = row[has], at[has]
            at = at - back[at]
            if not len(row):
                break
            now.append(row)
            was.append(at)
        return np.concatenate(now), np.concatenate(was)

    def ids(self, rows: Int64s) -> list[str]:
        """Return the account ids of some rows."""
        return Strings(self._ids, self.id_end).take(rows).texts()

    def last_rows(self, accounts: Hashes) -> Int64s:
        """Return the last row of each account, -1 where none is left."""
        slots = self._last.find(accounts)
        rows = self._last.values["row"][np.maximum(slots, 0)]
        rows[slots < 0] = self._older_rows(accounts[slots < 0])
        left: Int64s = np.maximum(rows - self._dropped, -1)
        return left

    def snapshot(self) -> dict[str, Any]:
        """Return the state as little-endian columns."""
        state: dict[str, Any] = {name: getattr(self, name).tobytes() for name in _COLUMNS}
        used = int(self.id_end[-1]) if self._count else 0
        return {**state, "ids": self._ids[:used].tobytes(), "dropped": self._dropped}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self._columns = {name: np.frombuffer(state[name], dtype).copy() for name, dtype in _COLUMNS.items()}
        self._ids = np.frombuffer(state["ids"], np.uint8).copy()
        self._count, self._dropped = len(self._columns["account"]), state["dropped"]
        self._turned, self._older = self._dropped, KeyedTable({"row": "i8"})
        accounts, from_end = np.unique(self._columns["account"][::-1], return_index=True)
        self._last.replace(accounts, {"row": self._dropped + self._count - 1 - from_end})


def among(accounts: NDArray[Any], chosen: NDArray[Any]) -> Bools:
    """Tell which accounts (or rows) are among the chosen ones, which are sorted."""
    if not len(chosen):
        return np.zeros(len(accounts), np.bool_)
    found: Bools = chosen[np.minimum(np.searchsorted(chosen, accounts), len(chosen) - 1)] == accounts
    return found


def distinct(accounts: Hashes) -> Hashes:
    """Return each account once, sorted; for few this takes a fifth of the time of numpy's `unique`."""
    if not len(accounts):
        return accounts
    ordered = np.sort(accounts)
    return ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))]


def shared(some: Hashes, others: Hashes) -> Hashes:
    """Return the accounts that are in both; the others are sorted."""
    return some[among(some, others)]


def _longer(column: NDArray[Any], size: int) -> NDArray[Any]:
    longer = np.zeros(size, column.dtype)
    longer[: len(column)] = column
    return longer
