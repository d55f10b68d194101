"""The exponent of a curve: the slope of its logarithms, by least squares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def exponent(x: Sequence[float], y: Sequence[float]) -> float:
    """Return b of y = a x^b.

    >>> round(exponent([1, 10, 100], [2, 20, 200]), 3)
    1.0
    >>> round(exponent([1, 10, 100], [5, 5, 5]), 3)
    0.0
    """
    slope, _ = np.polyfit(np.log(x), np.log(y), 1)
    return float(slope)


def n_log_n(x: Sequence[float]) -> float:
    """Return the exponent that n log n would show between these x: nothing may grow faster.

    >>> round(n_log_n([10, 100_000]), 2)
    1.17
    """
    return exponent(x, [n * max(np.log2(n), 1.0) for n in x])
