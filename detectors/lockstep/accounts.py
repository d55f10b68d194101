"""Columns of accounts as sets: put in order, some among others. It knows nothing of what they did."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Bools, Hashes, Int64s


def stable_order(keys: Hashes) -> Int64s:
    """Return what a stable `argsort` does; for hashes in an eighth of the time.

    Sorting values is so much faster than sorting places that each hash carries its place in its lowest bits. Should
    two hashes differ in those bits only, it is sorted the slow way.
    """
    places = np.uint64((1 << len(keys).bit_length()) - 1)
    packed = keys & ~places
    packed |= np.arange(len(keys), dtype=np.uint64)
    packed.sort()
    order = (packed & places).astype(np.int64)
    packed &= ~places
    alike = (packed[1:] == packed[:-1]).nonzero()[0]
    if len(alike) and (keys[order[alike]] != keys[order[alike + 1]]).any():
        return keys.argsort(kind="stable")
    return order


def among(accounts: NDArray[Any], chosen: NDArray[Any]) -> Bools:
    """Tell which accounts (or rows) are among the chosen ones, which are sorted."""
    if not len(chosen):
        return np.zeros(len(accounts), np.bool_)
    found: Bools = chosen.take(chosen.searchsorted(accounts), mode="clip") == accounts
    return found


def shared(some: Hashes, others: Hashes) -> Hashes:
    """Return the accounts that are in both; the others are sorted."""
    return some[among(some, others)]
