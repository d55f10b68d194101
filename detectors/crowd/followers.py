"""Followers as powers of two. It knows no platform."""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.columns import Int32s

FOLLOWER_BINS = 24


def follower_bin(followers: Any) -> Int32s:
    """Return the power of two below followers + 1, or -1 where they are not known.

    >>> follower_bin(np.array([-1, 0, 1, 2, 3, 1000])).tolist()
    [-1, 0, 1, 1, 2, 9]
    """
    # of a number and its power of two, frexp returns the next one
    _, power = np.frexp(np.maximum(followers, 0) + 1.0)
    bins: Int32s = np.where(followers < 0, -1, np.minimum(power - 1, FOLLOWER_BINS - 1))
    return bins
