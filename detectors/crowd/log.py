"""The last votes of a shard as columns, with who sent them; it knows nothing of what is looked for in them.

A vote takes 72 bytes and its account id (16 more and the text). With room for a third more a log of 150,000 votes is 16 to
20 MB with ids of 14 bytes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Int64s
from detectors.crowd.followers import follower_bin
from detectors.crowd.handles import UNREAD, Handles, read_handles
from detectors.erasure import Erasure
from detectors.senders import MISSING
from detectors.strings import Strings, joined
from detectors.watcher import Ballots

_COLUMNS = {
    "poll": "i4",
    "option": "i4",
    "time_ms": "i8",
    "arrived_ms": "i8",
    "account": "u8",
    "created_ms": "i8",
    "follower_bin": "i1",
    "client": "u4",
    "network": "u4",
    "country": "i2",
    "referrer": "u4",
    "odd": "u1",
    "group": "u1",
    "weight": "f4",
    "named": "u1",
    "handle": "u8",
}
_UNSAID = {
    "account": 0,
    "created_ms": MISSING["created_ms"],
    "follower_bin": -1,
    "client": MISSING["client"],
    "network": MISSING["network"],
    "country": MISSING["country"],
    "referrer": MISSING["referrer"],
    "handle": UNREAD,
}
_SPARE = 4


class VoteLog:
    """Rows are numbered from the first vote ever; at row n those before n - `memory` count as forgotten."""

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self.first = 0
        self.end = 0
        self._at = 0
        self._room = 1_024
        self._columns: dict[str, NDArray[Any]] = {n: np.zeros(self._room, d) for n, d in _COLUMNS.items()}
        self._ids: list[tuple[int, Strings]] = []

    def append(self, ballots: Ballots, votes: Any = slice(None)) -> None:
        """Take those of the rows that a slice or indices select, in order."""
        ids = ballots.sender.account_ids.view(votes).contiguous()
        n = len(ids)
        start = self._at + self.end - self.first
        if start + n > self._room:
            start = self._make_room(n)
        s = ballots.sender
        new: dict[str, NDArray[Any]] = {
            "poll": ballots.poll[votes], "option": ballots.option[votes], "time_ms": ballots.effective_ms[votes],
            "arrived_ms": ballots.arrived_ms[votes], "account": ballots.account[votes],
            "created_ms": s.created_ms[votes], "follower_bin": follower_bin(s.followers[votes]),
            "client": s.client[votes], "network": s.network[votes], "country": s.country[votes],
            "referrer": s.referrer[votes],
        }  # fmt: skip
        # the other columns hold zeros where nothing was written yet
        for name, column in new.items():
            self._columns[name][start : start + n] = column
        if n:
            self._ids.append((self.end, _quick_to_read(ids)))
        self.end += n

    def _make_room(self, more: int) -> int:
        held = self.end - self.first
        self._room = max(self._room, (held + more) * _SPARE // (_SPARE - 1))
        for name, column in self._columns.items():
            moved = np.zeros(self._room, column.dtype)
            moved[:held] = column[self._at : self._at + held]
            self._columns[name] = moved
        self._at = 0
        return held

    def column(self, name: str) -> NDArray[Any]:
        """Return a view of one column: its entry i is row `first` + i. It holds until `append`."""
        return self._columns[name][self._at : self._at + self.end - self.first]

    def row_at(self, at_ms: int) -> int:
        """Return the first row at or after a time."""
        return self.first + int(np.searchsorted(self.column("time_ms"), at_ms))

    def rows_of(self, poll: int, from_row: int, to_row: int) -> Int64s:
        """Return a poll's rows in [from_row, to_row), none that is forgotten at `to_row`."""
        start = max(from_row, to_row - self.memory, self.first)
        part = self.column("poll")[start - self.first : max(to_row - self.first, 0)]
        rows: Int64s = (part == poll).nonzero()[0] + start
        return rows

    def next_row_of(self, poll: int, from_row: int) -> int | None:
        """Return a poll's first row from `from_row` on, also of those that lie ahead of the time worked at."""
        later = self.column("poll")[max(from_row - self.first, 0) :] == poll
        return int(later.argmax()) + max(from_row, self.first) if later.any() else None

    def get(self, name: str, rows: Int64s) -> NDArray[Any]:
        """Return one column's values in these rows."""
        values: NDArray[Any] = self._columns[name][rows + (self._at - self.first)]
        return values

    def read(self, names: Iterable[str], rows: Int64s) -> list[NDArray[Any]]:
        """Return several columns' values in these rows."""
        at = rows + (self._at - self.first)
        return [self._columns[name][at] for name in names]

    def put(self, name: str, rows: Int64s, values: Any) -> None:
        """Set one column in these rows."""
        self._columns[name][rows + (self._at - self.first)] = values

    def handles(self, rows: Int64s) -> Handles:
        """Return the handles of rows, which ascend; each is read when it is first asked for."""
        found: Handles = self.get("handle", rows)
        unread = (found == UNREAD).nonzero()[0]
        if len(unread):
            found[unread] = read_handles(joined(self._ids_of(rows[unread])))
            self.put("handle", rows[unread], found[unread])
        return found

    def account_ids(self, rows: Int64s) -> list[str]:
        """Return the account ids of rows, which ascend."""
        return [text for ids in self._ids_of(rows) for text in ids.texts()]

    def _ids_of(self, rows: Int64s) -> Iterator[Strings]:
        place = 0
        while place < len(rows):
            start, ids = self._ids[bisect_right(self._ids, int(rows[place]), key=lambda part: part[0]) - 1]
            stop = int(np.searchsorted(rows, start + len(ids)))
            yield ids.take(rows[place:stop] - start)
            place = stop

    def trim(self) -> None:
        """Give back the room of forgotten rows."""
        first = self.end - self.memory
        if first <= self.first:
            return
        self._at += first - self.first
        self.first = first
        while len(self._ids) > 1 and self._ids[1][0] <= first:
            self._ids.pop(0)
        if len(self._ids) > 2_000:
            self._ids = self._packed(self._held_ids())

    def forget(self, polls: Int64s) -> None:
        """Let the rows of these polls belong to none, and say nothing of who voted there."""
        column = self.column("poll")
        gone = np.isin(column, polls).nonzero()[0]
        column[gone] = -1
        self._strike(gone)

    def erase(self, erasure: Erasure) -> None:
        """Let the rows of an account say nothing of who voted; also what lies where rows were given up goes."""
        rows = erasure.of(self.column("account"))
        self._strike(rows.nonzero()[0])
        self._ids = self._packed(self._held_ids().without(rows))
        for column in self._columns.values():
            column[: self._at] = 0
            column[self._at + self.end - self.first :] = 0

    def _strike(self, places: Int64s) -> None:
        for name, nothing in _UNSAID.items():
            self.column(name)[places] = nothing

    def _held_ids(self) -> Strings:
        """Return the ids of all rows, those of polls that left empty."""
        ids = joined([ids.take(slice(max(self.first - start, 0), None)) for start, ids in self._ids])
        gone = self.column("poll") < 0
        return ids.without(gone) if gone.any() else ids

    def _packed(self, ids: Strings) -> list[tuple[int, Strings]]:
        return [(self.first, _quick_to_read(ids))] if len(ids) else []

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data, columns as bytes."""
        columns = {name: self.column(name).tobytes() for name in _COLUMNS}
        ids = self._held_ids()
        return {"first": self.first, "end": self.end, "columns": columns, "ids": ids.data.tobytes(), "ends": ids.ends.tobytes()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self.first, self.end, self._at = state["first"], state["end"], 0
        self._columns = {n: np.frombuffer(state["columns"][n], d).copy() for n, d in _COLUMNS.items()}
        self._room = self.end - self.first
        if not self._room:
            self._room, self._columns = 1_024, {n: np.zeros(1_024, d) for n, d in _COLUMNS.items()}
        ids = Strings(np.frombuffer(state["ids"], np.uint8), np.frombuffer(state["ends"], np.int64))
        self._ids = self._packed(ids)


def _quick_to_read(ids: Strings) -> Strings:
    """Return ids that know where each begins: else that is worked out for all whenever some are read."""
    starts = np.zeros_like(ids.ends)
    starts[1:] = ids.ends[:-1]
    return Strings(ids.data, ids.ends, starts)
