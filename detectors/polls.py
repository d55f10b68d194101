"""The polls of one shard and their options: names become small numbers here, once, and leave here when a poll does.

A *name* stands for a poll and one of its options (or none, for a reply) as soon as a block brings it; names that lead to
no option of their own are forgotten when they are more than the others. A poll's
*number* and the *cell* of each option's count are given only when rows are released, in their order, so they do not
depend on how blocks arrived. Numbers and cells are used again after a poll left; its *serial* never is. A poll holds at
most `MAX_OPTIONS` options; votes for further ones count under `OTHER`. State: about 500 bytes a poll, 250 an option.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any, TypeAlias

import numpy as np

from detectors.block import Rows
from detectors.columns import Int32s, Int64s, run_starts

MAX_OPTIONS = 64
OTHER = "(other options)"
_FEW_NAMES = 10_000
_TABLE_PER_ROW = 4
"""A table so many times as long as what is looked up in it takes less than to sort that."""
_NEVER_MS = 1 << 62

Name: TypeAlias = tuple[str, str | None]
_NOTHING: Name = ("", None)


class PollBook:
    """Which polls there are, and where their counts stand."""

    def __init__(self) -> None:
        self.poll_ids: list[str] = []
        self.serial = np.zeros(0, np.int64)
        self.last_ms = np.zeros(0, np.int64)
        self.changed_ms = np.zeros(0, np.int64)
        self.votes = np.zeros(0, np.int64)
        self.cell_poll = np.zeros(0, np.int32)
        self.cell_option = np.zeros(0, np.int32)
        self.option_names: list[str] = []
        self._number: dict[str, int] = {}
        self._cells: list[dict[str, int]] = []
        self._free_numbers: list[int] = []
        self._free_cells: list[int] = []
        self._next_serial = 1
        self._names = _Names()
        self._most_names = _FEW_NAMES

    def __len__(self) -> int:
        return len(self._number)

    def names(self, rows: Rows) -> Int32s:
        """Return the name of each row."""
        if not len(rows):
            return np.zeros(0, np.int32)
        width = len(rows.options) + 1
        pair = rows.poll.astype(np.int64) * width + rows.option + 1
        present, place = _numbered(pair, len(rows.poll_ids) * width)
        poll, option = (code.tolist() for code in np.divmod(present, width))
        options: list[str | None] = [None, *rows.options]
        codes = self._names.codes([(rows.poll_ids[p], options[o]) for p, o in zip(poll, option, strict=True)])
        return np.array(codes, np.int32)[place]

    def enter(self, name: Int32s) -> tuple[Int32s, Int32s]:
        """Return poll number and cell (-1 for a reply) of released rows, giving out new ones in the rows' order."""
        new = name[self._names.poll[name] < 0]
        order = np.argsort(new)
        first = np.minimum.reduceat(order, run_starts(new[order])) if len(new) else order
        for code in new[np.sort(first)].tolist():
            poll_id, option = self._names.names[code]
            number = self._number.get(poll_id)
            number = self._enter(poll_id) if number is None else number
            self._names.poll[code] = number
            self._names.cell[code] = -1 if option is None else self._cell(number, option)
        return self._names.poll[name], self._names.cell[name]

    def number_of(self, poll_id: str) -> int | None:
        """Return the number of a poll, if it is in memory."""
        return self._number.get(poll_id)

    def cells(self, number: int) -> dict[str, int]:
        """Return the cell of each option of one poll, in order of their option numbers."""
        return self._cells[number]

    def tally(self, number: int) -> dict[str, int]:
        """Return the votes of each option of one poll, in order of name."""
        return {name: int(self.votes[cell]) for name, cell in sorted(self._cells[number].items())}

    def move_votes(self, gained: Int32s, left: Int32s) -> Int32s:
        """Count a vote more for each cell in `gained` and one less for each in `left` (-1: none); return these cells."""
        gaining, gains = np.unique(gained, return_counts=True)
        losing, losses = np.unique(left[left >= 0], return_counts=True)
        self.votes[gaining] += gains
        self.votes[losing] -= losses
        return np.concatenate([gaining, losing])

    def outgrown_at(self, name: Int32s, most: int) -> int | None:
        """Return the first row at which there may be more than `most` polls, of rows with these names in order; None if never.

        Names that may be of one poll are counted apart, so it is not later than that.
        """
        new = np.flatnonzero(self._names.poll[name] < 0)
        room = max(0, most - len(self))
        if len(new) <= room:
            return None
        order = np.argsort(name[new], kind="stable")
        firsts = np.sort(order[run_starts(name[new][order])])
        return int(new[firsts[room]]) if len(firsts) > room else None

    def oldest_ms(self) -> int:
        """Return when the poll that is quiet longest was heard of last; the end of time if there is none."""
        return int(np.where(self.serial > 0, self.last_ms, _NEVER_MS).min(initial=_NEVER_MS))

    def quiet_since(self, before_ms: int) -> Int64s:
        """Return the numbers of polls with no row at or after `before_ms`, ascending."""
        stale = np.flatnonzero((self.last_ms < before_ms) & (self.serial > 0))
        return stale.astype(np.int64)

    def longest_quiet(self, count: int) -> Int64s:
        """Return the numbers of the `count` polls that were heard of longest ago."""
        present = np.flatnonzero(self.serial > 0)
        order = np.lexsort((present, self.last_ms[present]))
        return np.sort(present[order[:count]]).astype(np.int64)

    def remove(self, numbers: Int64s, waiting: Int32s) -> None:
        """Forget these polls; names of rows still `waiting` stay, and enter their polls anew when released."""
        for number in numbers.tolist():
            del self._number[self.poll_ids[number]]
            for cell in self._cells[number].values():
                self.cell_poll[cell], self.votes[cell] = -1, 0
                self._free_cells.append(cell)
            self._cells[number] = {}
            self.poll_ids[number], self.serial[number] = "", 0
            heappush(self._free_numbers, number)
        self._names.forget(numbers, waiting)

    def names_held(self) -> int:
        """Return how many names are in memory."""
        return len(self._names)

    @property
    def crowded(self) -> bool:
        """Whether names should be forgotten: there are twice as many as were needed the last time, and more than a few."""
        return len(self._names) > self._most_names

    def forget_names(self, waiting: Int32s) -> None:
        """Forget names that lead nowhere or to `OTHER`, but not those of rows still `waiting`.

        Whoever sends a new poll id with every copy of one event, or a new option with every vote, makes such names.
        """
        others = [cells[OTHER] for cells in self._cells if OTHER in cells]
        self._names.forget_idle(np.array(others, dtype=np.int32), waiting)
        self._most_names = max(_FEW_NAMES, 2 * len(self._names))

    def _enter(self, poll_id: str) -> int:
        if self._free_numbers:
            number = heappop(self._free_numbers)  # the lowest, so that the order of leaving leaves no trace
        else:
            number = len(self.poll_ids)
            self.poll_ids.append("")
            self._cells.append({})
            self.serial, self.last_ms = with_room(self.serial, number), with_room(self.last_ms, number)
            self.changed_ms = with_room(self.changed_ms, number)
        self.poll_ids[number], self._number[poll_id] = poll_id, number
        self.serial[number], self.last_ms[number], self.changed_ms[number] = self._next_serial, 0, 0
        self._next_serial += 1
        return number

    def _cell(self, number: int, option: str) -> int:
        cells = self._cells[number]
        if option not in cells and len(cells) >= MAX_OPTIONS - 1:
            option = OTHER
        return cells[option] if option in cells else self._enter_option(number, option)

    def _enter_option(self, number: int, option: str) -> int:
        if self._free_cells:
            cell = self._free_cells.pop()
        else:
            cell = len(self.option_names)
            self.option_names.append("")
            self.votes, self.cell_poll = with_room(self.votes, cell), with_room(self.cell_poll, cell)
            self.cell_option = with_room(self.cell_option, cell)
        self.option_names[cell] = option
        self.cell_poll[cell], self.cell_option[cell] = number, len(self._cells[number])
        self._cells[number][option] = cell
        return cell

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return {
            "poll_ids": list(self.poll_ids),
            "serial": self.serial[: len(self.poll_ids)].tolist(),
            "last_ms": self.last_ms[: len(self.poll_ids)].tolist(),
            "changed_ms": self.changed_ms[: len(self.poll_ids)].tolist(),
            "option_names": list(self.option_names),
            "votes": self.votes[: len(self.option_names)].tolist(),
            "cell_poll": self.cell_poll[: len(self.option_names)].tolist(),
            "cell_option": self.cell_option[: len(self.option_names)].tolist(),
            "free": [list(self._free_numbers), list(self._free_cells)],
            "next_serial": self._next_serial,
            "names": self._names.snapshot(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self.poll_ids, self.option_names = list(state["poll_ids"]), list(state["option_names"])
        self.serial, self.last_ms = np.array(state["serial"], np.int64), np.array(state["last_ms"], np.int64)
        self.changed_ms = np.array(state["changed_ms"], np.int64)
        self.votes = np.array(state["votes"], np.int64)
        self.cell_poll = np.array(state["cell_poll"], np.int32)
        self.cell_option = np.array(state["cell_option"], np.int32)
        self._free_numbers, self._free_cells = (list(places) for places in state["free"])
        self._next_serial = state["next_serial"]
        self._number = {p: n for n, p in enumerate(self.poll_ids) if self.serial[n] > 0}
        self._cells = [{} for _ in self.poll_ids]
        taken = np.flatnonzero(self.cell_poll >= 0)
        for cell in taken[np.lexsort((self.cell_option[taken], self.cell_poll[taken]))].tolist():
            self._cells[self.cell_poll[cell]][self.option_names[cell]] = cell
        self._names.restore(state["names"])


class _Names:
    """Codes of (poll, option) names, and the number and cell they lead to (-1 while none was given)."""

    def __init__(self) -> None:
        self.names: list[Name] = []
        self.poll = np.zeros(0, np.int32)
        self.cell = np.zeros(0, np.int32)
        self._code: dict[Name, int] = {}
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self._code)

    def codes(self, names: list[Name]) -> list[int]:
        known = self._code.get
        return [self._enter(name) if (code := known(name)) is None else code for name in names]

    def _enter(self, name: Name) -> int:
        code = self._free.pop() if self._free else len(self.names)
        if code == len(self.names):
            self.names.append(name)
            self.poll, self.cell = with_room(self.poll, code), with_room(self.cell, code)
        self.names[code], self._code[name] = name, code
        self.poll[code] = self.cell[code] = -1
        return code

    def forget(self, numbers: Int64s, waiting: Int32s) -> None:
        left = np.flatnonzero(np.isin(self.poll[: len(self.names)], numbers))
        self.poll[left] = self.cell[left] = -1
        self._release(np.setdiff1d(left, waiting))

    def forget_idle(self, other_cells: Int32s, waiting: Int32s) -> None:
        count = len(self.names)
        idle = np.flatnonzero((self.poll[:count] < 0) | np.isin(self.cell[:count], other_cells))
        self.poll[idle] = self.cell[idle] = -1
        self._release(np.setdiff1d(idle, waiting))

    def _release(self, codes: Int64s) -> None:
        for code in codes.tolist():
            # a place that is free already may still hold a name that has another place by now
            if self._code.get(self.names[code]) == code:
                del self._code[self.names[code]]
                self.names[code] = _NOTHING
                self._free.append(code)

    def snapshot(self) -> dict[str, Any]:
        count = len(self.names)
        return {"names": [list(n) for n in self.names], "poll": self.poll[:count].tolist(),
                "cell": self.cell[:count].tolist(), "free": list(self._free)}  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        self.names = [(poll_id, option) for poll_id, option in state["names"]]
        self.poll, self.cell = np.array(state["poll"], np.int32), np.array(state["cell"], np.int32)
        self._free = list(state["free"])
        free = set(self._free)
        self._code = {name: code for code, name in enumerate(self.names) if code not in free}


def _numbered(values: Int64s, below: int) -> tuple[Int64s, Int64s]:
    """Return the distinct values, ascending, and which one each is; none is negative, all are `below` this."""
    if below > _TABLE_PER_ROW * len(values):
        return np.unique(values, return_inverse=True)
    present = np.bincount(values, minlength=below).nonzero()[0]
    place = np.empty(below, np.int64)
    place[present] = np.arange(len(present))
    return present, place[values]


def with_room(column: Any, index: int) -> Any:
    """Return `column`, at least doubled when it has no place `index`; places beyond its old end hold zero."""
    if index < len(column):
        return column
    return np.concatenate([column, np.zeros(max(64, len(column)), column.dtype)])
