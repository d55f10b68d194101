"""Where numbers that ascend belong among others that ascend (`compiled/ascending.c`)."""

from __future__ import annotations

import numpy as np

from compiled.library import COLUMN, INTEGER, address, function
from detectors.columns import Int64s

_not_larger = function("pollwatch_not_larger", COLUMN, INTEGER, COLUMN, INTEGER, COLUMN)


def not_larger(ordered: Int64s, asked: Int64s) -> Int64s:
    """Return how many of `ordered` are not larger than each number asked for: `searchsorted` from the right, in one walk.

    >>> not_larger(np.array([1, 3, 3, 7]), np.array([0, 3, 3, 9])).tolist()
    [0, 3, 3, 4]
    """
    ordered, asked = np.ascontiguousarray(ordered, np.int64), np.ascontiguousarray(asked, np.int64)
    found = np.empty(len(asked), np.int64)
    _not_larger(address(ordered), len(ordered), address(asked), len(asked), address(found))
    return found
