"""Where keys lie in an open-addressed table of 64-bit keys (`compiled/keyed_table.c`)."""

from __future__ import annotations

import numpy as np

from compiled.library import COLUMN, INTEGER, WORD, address, function
from detectors.columns import Bools, Hashes, Int64s

_find = function("pollwatch_find", COLUMN, INTEGER, WORD, COLUMN, INTEGER, INTEGER, COLUMN, COLUMN)
_enter = function("pollwatch_enter", COLUMN, INTEGER, WORD, COLUMN, INTEGER, INTEGER, COLUMN, COLUMN, COLUMN)


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
