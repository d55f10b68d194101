"""Columns of accounts as sets: some among others. It knows nothing of what they did."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Bools, Hashes


def among(accounts: NDArray[Any], chosen: NDArray[Any]) -> Bools:
    """Tell which accounts (or rows) are among the chosen ones, which are sorted."""
    if not len(chosen):
        return np.zeros(len(accounts), np.bool_)
    found: Bools = chosen.take(chosen.searchsorted(accounts), mode="clip") == accounts
    return found


def shared(some: Hashes, others: Hashes) -> Hashes:
    """Return the accounts that are in both; the others are sorted."""
    return some[among(some, others)]
