"""Distinct values of a column, how often they are there and which are among others; for some hundred values sorting is cheap."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Bools, Floats, Int64s, run_starts


def runs(ordered: NDArray[Any]) -> tuple[Int64s, Int64s]:
    """Return where each run of one value begins, and how long it is."""
    starts = run_starts(ordered)
    return starts, lengths(starts, len(ordered))


def lengths(starts: Int64s, end: int) -> Int64s:
    """Return how long the parts are that begin at `starts`, the last one up to `end`."""
    parts = np.empty(len(starts), np.int64)
    np.subtract(starts[1:], starts[:-1], out=parts[:-1])
    parts[-1:] = end - starts[-1:]
    return parts


def tallied(values: NDArray[Any]) -> tuple[NDArray[Any], Int64s]:
    """Return the distinct values in order, and how often each is there.

    >>> [part.tolist() for part in tallied(np.array([7, 3, 7]))]
    [[3, 7], [1, 2]]
    """
    ordered = np.sort(values)
    starts, counts = runs(ordered)
    return ordered[starts], counts


def coded(values: NDArray[Any]) -> tuple[NDArray[Any], Int64s, Int64s]:
    """Return the distinct values in order, the place of each entry's value among them, and how often each is there.

    >>> [part.tolist() for part in coded(np.array([7, 3, 7]))]
    [[3, 7], [1, 0, 1], [1, 2]]
    """
    order = np.argsort(values)
    ordered = values[order]
    starts, counts = runs(ordered)
    place = np.empty(len(values), np.int64)
    place[order] = np.repeat(np.arange(len(starts)), counts)
    return ordered[starts], place, counts


def distinct(values: NDArray[Any]) -> int:
    """Return how many values are distinct."""
    ordered = np.sort(values)
    return int(np.count_nonzero(ordered[1:] != ordered[:-1])) + (len(ordered) > 0)


def counted(values: NDArray[Any], codes: NDArray[Any]) -> Floats:
    """Return how often each of some distinct codes, in order, is among values; the other values count nowhere.

    >>> counted(np.array([7, 3, 7, 9]), np.array([5, 7])).tolist()
    [0.0, 2.0]
    """
    place = codes.searchsorted(values)
    if len(codes):
        place = place[codes.take(place, mode="clip") == values]
    return np.bincount(place, minlength=len(codes))[: len(codes)].astype(np.float64)


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
