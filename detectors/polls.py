"""The polls of one shard and their options: names become small numbers here, once, and leave here when a poll does.

A poll has a *number* (reused after it left) and a *serial* (never reused). Each of its options has a *cell*, the place
of its count in flat columns. A poll holds at most `MAX_OPTIONS` options; votes for further ones count under `OTHER`.
State: about 300 bytes a poll and 150 an option.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.block import Rows
from detectors.columns import Int32s, Int64s

MAX_OPTIONS = 64
OTHER = "(other options)"


class PollBook:
    """Which polls there are, and where their counts stand."""

    def __init__(self) -> None:
        self.poll_ids: list[str] = []
        self.serial = np.zeros(0, np.int64)
        self.last_ms = np.zeros(0, np.int64)
        self.votes = np.zeros(0, np.int64)
        self.cell_poll = np.zeros(0, np.int32)
        self.cell_option = np.zeros(0, np.int32)
        self.cell_names: list[str] = []
        self._number: dict[str, int] = {}
        self._cells: list[dict[str, int]] = []
        self._free_numbers: list[int] = []
        self._free_cells: list[int] = []
        self._next_serial = 1

    def __len__(self) -> int:
        return len(self._number)

    def numbers(self, rows: Rows) -> tuple[Int32s, Int32s]:
        """Return poll number and cell of each row (cell -1 for a reply), entering polls and options not seen before."""
        if not len(rows):
            return np.zeros(0, np.int32), np.zeros(0, np.int32)
        width = len(rows.options) + 1
        pairs, where = np.unique(rows.poll.astype(np.int64) * width + rows.option + 1, return_inverse=True)
        known = [self._pair(rows.poll_ids[p // width], p % width - 1, rows.options) for p in pairs.tolist()]
        columns = np.array(known, dtype=np.int32)[where]
        return columns[:, 0], columns[:, 1]

    def tally(self, number: int) -> dict[str, int]:
        """Return the votes of each option of one poll, in order of name."""
        return {name: int(self.votes[cell]) for name, cell in sorted(self._cells[number].items())}

    def touch(self, poll: Int32s, effective_ms: Int64s) -> None:
        """Note when these polls were last heard of."""
        np.maximum.at(self.last_ms, poll, effective_ms)

    def present(self) -> Int64s:
        """Return the numbers of all polls in the book, ascending."""
        return np.sort(np.fromiter(self._number.values(), np.int64, len(self._number)))

    def remove(self, number: int) -> None:
        """Forget a poll; its number and cells may be given to another."""
        del self._number[self.poll_ids[number]]
        for cell in self._cells[number].values():
            self.cell_poll[cell] = -1
            self.votes[cell] = 0
            self._free_cells.append(cell)
        self._cells[number] = {}
        self.serial[number] = 0
        self.poll_ids[number] = ""
        self._free_numbers.append(number)

    def _pair(self, poll_id: str, option: int, options: Any) -> tuple[int, int]:
        number = self._number.get(poll_id)
        if number is None:
            number = self._enter(poll_id)
        if option < 0:
            return number, -1
        cells = self._cells[number]
        name = options[option]
        cell = cells.get(name)
        if cell is None:
            name = name if len(cells) < MAX_OPTIONS - 1 else OTHER
            cell = cells[name] if name in cells else self._enter_option(number, name)
        return number, cell

    def _enter(self, poll_id: str) -> int:
        if self._free_numbers:
            number = self._free_numbers.pop()
        else:
            number = len(self.poll_ids)
            self.poll_ids.append("")
            self._cells.append({})
            self.serial = _room_for(self.serial, number)
            self.last_ms = _room_for(self.last_ms, number)
        self.poll_ids[number] = poll_id
        self.serial[number] = self._next_serial
        self.last_ms[number] = 0
        self._next_serial += 1
        self._number[poll_id] = number
        return number

    def _enter_option(self, number: int, name: str) -> int:
        if self._free_cells:
            cell = self._free_cells.pop()
        else:
            cell = len(self.cell_names)
            self.cell_names.append("")
            self.votes, self.cell_poll = _room_for(self.votes, cell), _room_for(self.cell_poll, cell)
            self.cell_option = _room_for(self.cell_option, cell)
        self.cell_names[cell] = name
        self.cell_poll[cell], self.cell_option[cell] = number, len(self._cells[number])
        self._cells[number][name] = cell
        return cell

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain data."""
        polls = [
            [number, poll_id, int(self.serial[number]), int(self.last_ms[number])]
            for poll_id, number in self._number.items()
        ]
        cells = [
            [cell, number, name, int(self.cell_option[cell]), int(self.votes[cell])]
            for number in self._number.values()
            for name, cell in self._cells[number].items()
        ]
        return {"polls": polls, "cells": cells, "next_serial": self._next_serial,
                "free": [list(self._free_numbers), list(self._free_cells)]}  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        free_numbers, free_cells = (list(places) for places in state["free"])
        polls, cells = len(state["polls"]) + len(free_numbers), len(state["cells"]) + len(free_cells)
        self.__init__()  # type: ignore[misc]
        self._free_numbers, self._free_cells = free_numbers, free_cells
        self._next_serial = state["next_serial"]
        self.poll_ids, self._cells, self.cell_names = [""] * polls, [{} for _ in range(polls)], [""] * cells
        self.serial, self.last_ms = np.zeros(polls, np.int64), np.zeros(polls, np.int64)
        self.votes, self.cell_option = np.zeros(cells, np.int64), np.zeros(cells, np.int32)
        self.cell_poll = np.full(cells, -1, np.int32)
        for number, poll_id, serial, last_ms in state["polls"]:
            self.poll_ids[number], self._number[poll_id] = poll_id, number
            self.serial[number], self.last_ms[number] = serial, last_ms
        for cell, number, name, option, votes in state["cells"]:
            self._cells[number][name], self.cell_names[cell] = cell, name
            self.cell_poll[cell], self.cell_option[cell], self.votes[cell] = number, option, votes


def _room_for(column: Any, index: int) -> Any:
    if index < len(column):
        return column
    return np.concatenate([column, np.zeros(max(64, len(column)), column.dtype)])
