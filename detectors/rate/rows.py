"""Which row of the detector's state stands for which poll or option. It must not know what the columns mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.columns import NO_OPTION, Int32s, Int64s

MOST_OPTIONS = 8
"""Options 0 to 7 of a poll are watched one by one (options are numbered by their first vote); the others count in the
whole poll only."""


def _grown(array: Any, size: int, fill: int) -> Any:
    if array.shape[0] >= size:
        return array
    more = np.full((max(size, 2 * array.shape[0], 64) - array.shape[0], *array.shape[1:]), fill, array.dtype)
    return np.concatenate([array, more])


class RowTable:
    """Rows of polls and of their options; a row that was given back is used again. 60 bytes a row, 5 a poll number."""

    def __init__(self) -> None:
        self.used = 0
        self._free: list[int] = []
        self.poll = np.zeros(0, np.int32)
        self.option = np.zeros(0, np.int32)
        self.parent = np.zeros(0, np.int32)
        self._children = np.zeros((0, MOST_OPTIONS), np.int32)
        self._row_of_poll = np.zeros(0, np.int32)
        self._known = np.zeros(0, np.bool_)
        self._returned: set[int] = set()

    def __len__(self) -> int:
        return self.used - len(self._free)

    def row_of(self, poll: int) -> int:
        """Return the row of a poll, -1 if it has none."""
        return int(self._row_of_poll[poll]) if poll < len(self._row_of_poll) else -1

    def rows_of(self, polls: Int64s) -> Int64s:
        """Return the row of each poll, -1 for those that have none."""
        rows = np.full(len(polls), -1, np.int64)
        known = polls < len(self._row_of_poll)
        rows[known] = self._row_of_poll[polls[known]]
        return rows

    def taken(self) -> Int64s:
        """Return all rows in use, ascending."""
        return np.flatnonzero(self.poll[: self.used] >= 0)

    def polls(self) -> Int64s:
        """Return the rows that stand for whole polls, ascending."""
        return np.flatnonzero((self.poll[: self.used] >= 0) & (self.option[: self.used] == NO_OPTION))

    def returned(self, row: int) -> bool:
        """Tell whether the poll of this row had given a row back before it got this one."""
        return row in self._returned

    def enter_polls(self, polls: Int32s) -> tuple[Int32s, dict[int, int]]:
        """Return the row of each entry; and for each new row the place of its first entry, in that order."""
        if len(polls):
            most = int(polls.max()) + 1
            self._row_of_poll = _grown(self._row_of_poll, most, -1)
            self._known = _grown(self._known, most, 0)
        rows = self._row_of_poll[polls]
        missing = np.flatnonzero(rows < 0)
        if not len(missing):
            return rows, {}
        first = missing[np.sort(np.unique(polls[missing], return_index=True)[1])]
        new = {self._enter_poll(int(polls[place])): place for place in first.tolist()}
        return self._row_of_poll[polls], new

    def _enter_poll(self, poll: int) -> int:
        row = self._enter(poll, NO_OPTION)
        self.parent[row] = row
        if self._known[poll]:
            self._returned.add(row)
        self._row_of_poll[poll], self._known[poll] = row, True
        return row

    def enter_options(self, parents: Int32s, options: Int32s) -> tuple[Int32s, dict[int, int]]:
        """Return the row of each entry, -1 for an option that is not watched; and new rows as `enter_polls` does."""
        watched = (options >= 0) & (options < MOST_OPTIONS)
        columns = np.where(watched, options, 0)
        rows = np.where(watched, self._children[parents, columns], -1)
        missing = np.flatnonzero(watched & (rows < 0))
        if not len(missing):
            return rows, {}
        pairs = parents[missing].astype(np.int64) * MOST_OPTIONS + options[missing]
        first = missing[np.sort(np.unique(pairs, return_index=True)[1])]
        new = {self._enter_option(int(parents[place]), int(options[place])): place for place in first.tolist()}
        return np.where(watched, self._children[parents, columns], -1), new

    def _enter_option(self, parent: int, option: int) -> int:
        row = self._enter(int(self.poll[parent]), option)
        self.parent[row] = parent
        self._children[parent, option] = row
        return row

    def family(self, row: int) -> list[int]:
        """Return the row of a poll and those of its options."""
        return [row, *(child for child in self._children[row].tolist() if child >= 0)]

    def families(self, rows: Int64s) -> Int64s:
        """Return the rows of the polls that these rows belong to, and of all their options, ascending."""
        parents = np.unique(self.parent[rows])
        children = self._children[parents].ravel()
        return np.sort(np.concatenate([parents, children[children >= 0]])).astype(np.int64)

    def _enter(self, poll: int, option: int) -> int:
        row = self._free.pop() if self._free else self.used
        self.used = max(self.used, row + 1)
        for name in ("poll", "option", "parent", "_children"):
            setattr(self, name, _grown(getattr(self, name), self.used, -1))
        self.poll[row], self.option[row] = poll, option
        self._children[row] = -1
        return row

    def leave(self, row: int) -> list[int]:
        """Give back the rows of a poll and its options; returns them."""
        rows = self.family(row)
        self._row_of_poll[self.poll[row]] = -1
        self.poll[rows] = -1
        self._returned.discard(row)
        self._free += rows[::-1]
        if not len(self):
            self.used, self._free = 0, []
        return rows

    def forget(self, poll: int) -> None:
        """Forget that this poll number was ever seen: it may stand for another poll from now on."""
        if poll < len(self._known):
            self._known[poll] = False

    def snapshot(self) -> list[Any]:
        """Return the table as plain data."""
        n = self.used
        columns = [self.poll[:n], self.option[:n], self.parent[:n], self._children[:n], self._row_of_poll]
        known = [column.tobytes() for column in columns]
        return [n, list(self._free), sorted(self._returned), known, self._known.tobytes()]

    def restore(self, state: list[Any]) -> None:
        """Take over what `snapshot` returned."""
        self.used, self._free, self._returned = state[0], list(state[1]), set(state[2])
        columns = [np.frombuffer(column, np.int32).copy() for column in state[3]]
        self.poll, self.option, self.parent, children, self._row_of_poll = columns
        self._children = children.reshape(-1, MOST_OPTIONS)
        self._known = np.frombuffer(state[4], np.bool_).copy()
