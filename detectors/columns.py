"""The columns a detector may see. Arrays of one set have one length and are never written to after they are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Int32s: TypeAlias = NDArray[np.int32]
Int64s: TypeAlias = NDArray[np.int64]
Hashes: TypeAlias = NDArray[np.uint64]
Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
_Number = TypeVar("_Number", bound=np.generic)

NO_OPTION = -1
"""The option code of a reply."""


@dataclass(frozen=True, slots=True)
class VoteCells:
    """Votes counted by (tick, poll, option), sorted in that order; no empty cells.

    `tick_ms` is the start of the tick (event time, a whole multiple of the tick's length). `poll` and `option` are
    small integers that stand for one poll and, within that poll, one option. `arrived_ms` is when the broker took the
    last record of the cell: it is for measuring latency only and must not change any finding.
    """

    tick_ms: Int64s
    poll: Int32s
    option: Int32s
    votes: Int64s
    arrived_ms: Int64s

    def __len__(self) -> int:
        return len(self.tick_ms)


def int64s(values: Any = ()) -> Int64s:
    """Return a column of integers; an empty one without values."""
    return np.array(values, dtype=np.int64)


def int32s(values: Any = ()) -> Int32s:
    """Return a column of small integers; an empty one without values."""
    return np.array(values, dtype=np.int32)


def hashes(values: Any = ()) -> Hashes:
    """Return a column of hashes; an empty one without values."""
    return np.array(values, dtype=np.uint64)


def order_of(keys: Int64s | Hashes, then: Int64s | Hashes | None = None) -> Int64s:
    """Return the order that sorts the keys, equal ones by `then` if it is given, and else as they came.

    numpy's stable sort of 64-bit numbers takes five times as long as its other one, so that one sorts, and only rows
    with equal keys are put in order after it.

    >>> order_of(np.array([7, 3, 7, 3])).tolist()
    [1, 3, 0, 2]
    >>> order_of(np.array([7, 3, 7, 3]), np.array([5, 2, 4, 1])).tolist()
    [3, 1, 2, 0]
    """
    order = np.argsort(keys)
    ordered = keys[order]
    again = ordered[1:] == ordered[:-1]
    if again.any():
        tied = np.flatnonzero(np.append(again, False) | np.append(False, again))
        rows = order[tied]
        ranks = (rows, ordered[tied]) if then is None else (rows, then[rows], ordered[tied])
        order[tied] = rows[np.lexsort(ranks)]
    return order


def begins(ordered: NDArray[Any]) -> Bools:
    """Tell of each entry whether a run of equal neighbours begins with it.

    >>> begins(np.array([7, 7, 3])).tolist()
    [True, False, True]
    """
    new = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    return new


def run_starts(ordered: NDArray[Any]) -> Int64s:
    """Return where each run of equal neighbours begins.

    >>> run_starts(np.array([7, 7, 3])).tolist()
    [0, 2]
    """
    return begins(ordered).nonzero()[0]


def distinct(values: NDArray[_Number]) -> NDArray[_Number]:
    """Return each value once, ascending: numpy's `unique` builds a hash table for it, which takes several times as long.

    >>> distinct(np.array([7, 3, 7])).tolist()
    [3, 7]
    """
    ordered = np.sort(values)
    return ordered[run_starts(ordered)]


def runs(column: Int64s | Hashes) -> list[tuple[int, int]]:
    """Return where each run of equal neighbours begins and ends.

    >>> runs(np.array([7, 7, 3]))
    [(0, 2), (2, 3)]
    """
    if not len(column):
        return []
    starts = [0, *(np.flatnonzero(column[1:] != column[:-1]) + 1).tolist()]
    return list(zip(starts, [*starts[1:], len(column)], strict=True))
