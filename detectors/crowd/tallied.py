"""Distinct values of a column, and which are among others: by sorting, which for some hundred values beats hashing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Bools, Int64s


def tallied(values: NDArray[Any]) -> tuple[NDArray[Any], Int64s]:
    """Return the distinct values in order, and how often each is there.

    >>> [part.tolist() for part in tallied(np.array([7, 3, 7]))]
    [[3, 7], [1, 2]]
    """
    ordered = np.sort(values)
    first = np.empty(len(ordered), np.bool_)
    first[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    starts = first.nonzero()[0]
    counts = np.empty(len(starts), np.int64)
    counts[:-1] = starts[1:] - starts[:-1]
    counts[-1:] = len(ordered) - starts[-1:]
    return ordered[starts], counts


def distinct(values: NDArray[Any]) -> int:
    """Return how many values are distinct."""
    ordered = np.sort(values)
    return int(np.count_nonzero(ordered[1:] != ordered[:-1])) + (len(ordered) > 0)


def among(values: NDArray[Any], others: NDArray[Any]) -> Bools:
    """Tell of each value whether it is one of the others.

    >>> among(np.array([1, 9, 4]), np.array([4, 1])).tolist(), among(np.array([1]), np.array([], np.int64)).tolist()
    ([True, False, True], [False])
    """
    if not len(others):
        return np.zeros(len(values), np.bool_)
    ordered = np.sort(others)
    held: Bools = ordered.take(ordered.searchsorted(values), mode="clip") == values
    return held
