"""Where keys lie in an open-addressed table of 64-bit keys (`compiled/keyed_table.c`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiled.library import COLUMN, INTEGER, WORD, address, function
from detectors.columns import Bools, Hashes, Int32s, Int64s

_find = function("pollwatch_find", COLUMN, INTEGER, WORD, COLUMN, INTEGER, INTEGER, COLUMN, COLUMN)
_enter = function("pollwatch_enter", COLUMN, INTEGER, WORD, COLUMN, INTEGER, INTEGER, COLUMN, COLUMN, COLUMN)
_move = function("pollwatch_move", COLUMN, INTEGER, COLUMN, COLUMN, INTEGER, WORD, INTEGER, COLUMN)
_follow = function("pollwatch_follow", COLUMN, INTEGER, INTEGER, COLUMN, COLUMN)
_compact = function("pollwatch_compact", COLUMN, INTEGER, COLUMN, INTEGER, COLUMN)


def find(table: Hashes, odd: int, keys: Hashes, most_steps: int) -> tuple[Int64s, int, int]:
    """Return the slot of each key or -1, how many keys were looked for before `most_steps` were passed, and the steps taken."""
    keys = np.ascontiguousarray(keys, np.uint64)
    slots, steps = np.empty(len(keys), np.int64), np.zeros(1, np.int64)
    places = address(table), len(table), odd, address(keys), len(keys), most_steps
    done = _find(*places, address(slots), address(steps))
    return slots, done, int(steps[0])


def enter(table: Hashes, odd: int, keys: Hashes, most_steps: int) -> tuple[Int64s, Bools, int, int]:
    """Put keys into the table; return their slots, which were absent until then, and as `find` how many are done, and the steps."""
    keys = np.ascontiguousarray(keys, np.uint64)
    slots, fresh, steps = np.empty(len(keys), np.int64), np.zeros(len(keys), np.bool_), np.zeros(1, np.int64)
    places = address(table), len(table), odd, address(keys), len(keys), most_steps
    done = _enter(*places, address(slots), address(fresh), address(steps))
    return slots, fresh, done, int(steps[0])


def move(table: Hashes, kept: Bools | None, to: Hashes, odd: int, most_steps: int, places: Int32s | None) -> bool:
    """Put the keys of a table (those at `kept`, if given) into an empty one; False when that takes more than `most_steps`.

    Into `places` is written where the key of each place went, or -1.
    """
    asked, wanted = (None if column is None else address(column) for column in (kept, places))
    return bool(_move(address(table), len(table), asked, address(to), len(to), odd, most_steps, wanted) >= 0)


def follow(column: NDArray[Any], places: Int32s, to: NDArray[Any]) -> None:
    """Put what lies beside the keys that `move` has moved where they are now."""
    _follow(address(column), len(column), column.itemsize, address(places), address(to))


def compact(table: Hashes, column: NDArray[Any], count: int) -> bytearray:
    """Return what lies beside the `count` keys of a table, or the keys themselves, in order of their places."""
    found = bytearray(count * column.itemsize)
    _compact(address(table), len(table), address(column), column.itemsize, address(np.frombuffer(found, np.uint8)))
    return found
