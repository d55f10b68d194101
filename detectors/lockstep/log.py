"""Who voted when, in which poll: the last few million first votes, each linked to its account's one before.

It knows nothing of groups. A row holds 45 bytes and the account's id; columns grow by half, so a million rows of ids
of 16 bytes take at most 90 MB. Two tables hold the accounts' last rows, 23 to 35 bytes an account each: the older one is
given up when its rows are gone, so that nothing is ever sorted out of a large table.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Bools, Hashes, Int64s, int64s
from detectors.erasure import Erasure
from detectors.lockstep.last_rows import LastRows
from detectors.lockstep.returns import Returns
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
    "at_gap": "?",
}
_ROOM = 4_096
_LARGE = 131_072
_OVERDUE_MS = 3_600_000
_LONG_AGO_MS = -(1 << 62)
LATE_MS = 60_000
"""How much later than it happened a vote may come and still be found by `between`."""


class VoteLog:
    """Votes in the order they came (`at_ms`), rows 0 to n-1; `ts_ms` is when they happened.

    `back` is how many rows before this one the account's earlier vote stands; 0: there is none. Around rows `at_gap` there
    is time of which no vote was shown: they count, but what they make up can't be compared with the crowd around it.
    """

    def __init__(self) -> None:
        self._columns: dict[str, NDArray[Any]] = {
            name: np.zeros(_ROOM, dtype) for name, dtype in _COLUMNS.items()
        }
        self._ids = np.zeros(_ROOM, np.uint8)
        self._count = 0
        self._dropped = 0
        self._gap_until_ms = _LONG_AGO_MS
        self._last = LastRows()
        self._returns = Returns()

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
            + self._returns.nbytes
        )

    def append(self, ballots: Ballots, rows: Int64s) -> None:
        """Add some of the ballots, each the first vote of its account in its poll."""
        if not len(rows):
            return
        start, stop = self._count, self._count + len(rows)
        account, poll = ballots.account[rows], ballots.poll[rows]
        back = self._linked(account, start)
        new = {
            "account": account,
            "ts_ms": ballots.ts_ms[rows],
            "at_ms": ballots.effective_ms[rows],
            "poll": poll,
            "option": ballots.option[rows],
            "back": back,
            "id_end": self._with_ids(ballots.sender.account_ids, rows),
            "at_gap": ballots.ts_ms[rows] < self._gap_until_ms,
        }
        self._make_room(stop, 0)
        for name, column in self._columns.items():
            column[start:stop] = new[name]
        returning = back.nonzero()[0]
        self._returns.add(returning + start, poll[returning])
        self._count = stop

    def _linked(self, account: Hashes, start: int) -> Int64s:
        """Return how far back each account's earlier row is, and remember these rows as the last ones."""
        row = np.arange(start, start + len(account)) + self._dropped
        before = self._last.exchange(account, row)
        back: Int64s = np.where(before >= self._dropped, row - before, 0)
        return back

    def _with_ids(self, ids: Strings, rows: Int64s) -> Int64s:
        """Add the ids of these rows; return where each ends."""
        # a slice of the ids is a view, while picking rows goes through all of them
        new = ids.take(slice(int(rows[0]), int(rows[-1]) + 1))
        if len(new) > len(rows):
            new = new.take(rows - rows[0])
        used = int(self._columns["id_end"][self._count - 1]) if self._count else 0
        self._make_room(0, used + len(new.data))
        self._ids[used : used + len(new.data)] = new.data
        return new.ends + used

    def _make_room(self, rows: int, id_bytes: int) -> None:
        have = len(self._columns["account"])
        if rows > have:
            size = max(rows, have + have // 2)
            self._columns = {name: _longer(column, size) for name, column in self._columns.items()}
        if id_bytes > len(self._ids):
            self._ids = _longer(self._ids, max(id_bytes, len(self._ids) + len(self._ids) // 2))

    def shrink(self, most: int, since_ms: int) -> None:
        """Drop the oldest rows: a quarter more than necessary if there are more than `most`, and those before `since_ms`."""
        gone = max(self._count - most * 3 // 4 if self._count > most else 0, self.since(since_ms))
        # a row costs as much as all to drop: those that are too old go when they are many, or have been for an hour
        if gone and (self._count > most or 8 * gone >= self._count or int(self.at_ms[0]) < since_ms - _OVERDUE_MS):
            self._drop(gone)
        if self._count > _LARGE:
            # once, instead of growing step by step under a load that will not wait
            self._make_room(most * 5 // 4, 0)
            self._last.reserve(most * 5 // 4)

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
        self._note_returns()
        self._last.forget(self._dropped, self._dropped + self._count)

    def _note_returns(self) -> None:
        rows = self.back.nonzero()[0]
        self._returns.replace(rows, self.poll[rows])

    def skip(self, from_ms: int, until_ms: int, around_ms: int) -> None:
        """Note that the votes of [from_ms, until_ms) are not here: rows up to `around_ms` before and after are at a gap."""
        self._columns["at_gap"][self.since(from_ms - around_ms) : self._count] = True
        self._gap_until_ms = until_ms + around_ms

    def forget(self, polls: Int64s) -> None:
        """Strike the numbers of these polls from the rows: -1 stands there."""
        poll = self.poll
        poll[np.isin(poll, polls)] = -1

    def erase(self, erasure: Erasure) -> None:
        """Let the votes of an account be those of strangers, one each; also what lies where rows were dropped goes."""
        rows = erasure.of(self.account)
        where = rows.nonzero()[0]
        self.account[where] = erasure.strangers(where + self._dropped)
        self.back[where] = 0
        self._ids, self._columns["id_end"][: self._count] = self._ids_without(rows)
        for column in self._columns.values():
            column[self._count :] = 0
        self._find_last_rows()

    def _ids_without(self, rows: Bools) -> tuple[NDArray[np.uint8], Int64s]:
        kept = Strings(self._ids, self.id_end).without(rows)
        return kept.data, kept.ends

    def since(self, at_ms: int) -> int:
        """Return the first row that came at `at_ms` or later."""
        return int(np.searchsorted(self.at_ms, at_ms))

    def returned(self, at_ms: int, turn: int | None = None) -> Int64s:
        """Return the rows that came at `at_ms` or later and whose account voted before; of one turn's polls or all."""
        first = self.since(at_ms)
        return self._returns.since(first) if turn is None else self._returns.of_turn(first, turn)

    def returns(self, at_ms: int) -> int:
        """Return how many rows `returned` would."""
        return self._returns.count(self.since(at_ms))

    def between(self, poll: int, start_ms: int, end_ms: int) -> Int64s:
        """Return the rows of a poll's votes that happened in [start_ms, end_ms]."""
        at_ms = self._columns["at_ms"][: self._count]
        low, high = at_ms.searchsorted([start_ms, end_ms + LATE_MS + 1]).tolist()
        rows: Int64s = (self._columns["poll"][low:high] == poll).nonzero()[0]
        rows += low
        ts = self._columns["ts_ms"][rows]
        return rows[(ts >= start_ms) & (ts <= end_ms)]

    def votes_in(self, poll: int) -> int:
        """Return how many votes of a poll there are."""
        return int(np.count_nonzero(self._columns["poll"][: self._count] == poll))

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
        ends = self.id_end
        # without these starts, where every id of the log begins would be reckoned
        starts = np.where(rows > 0, ends[rows - 1], 0)
        return Strings(self._ids, ends[rows], starts).texts()

    def last_rows(self, accounts: Hashes) -> Int64s:
        """Return the last row of each account, -1 where none is left."""
        left: Int64s = np.maximum(self._last.of(accounts) - self._dropped, -1)
        return left

    def snapshot(self) -> dict[str, Any]:
        """Return the state as little-endian columns."""
        state: dict[str, Any] = {name: getattr(self, name).tobytes() for name in _COLUMNS}
        used = int(self.id_end[-1]) if self._count else 0
        numbers = {"dropped": self._dropped, "gap_until_ms": self._gap_until_ms}
        return {**state, "ids": self._ids[:used].tobytes(), **numbers}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self._columns = {name: np.frombuffer(state[name], dtype).copy() for name, dtype in _COLUMNS.items()}
        self._ids = np.frombuffer(state["ids"], np.uint8).copy()
        self._count, self._dropped = len(self._columns["account"]), state["dropped"]
        self._gap_until_ms = state["gap_until_ms"]
        self._find_last_rows()

    def _find_last_rows(self) -> None:
        self._last, self._returns = LastRows(), Returns()
        self._last.exchange(self.account, np.arange(self._count) + self._dropped)
        self._note_returns()


def _longer(column: NDArray[Any], size: int) -> NDArray[Any]:
    longer = np.zeros(size, column.dtype)
    longer[: len(column)] = column
    return longer
