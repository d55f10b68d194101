"""How likely people who came on their own would meet so tightly. Numbers in, probabilities out."""

from __future__ import annotations

import numpy as np
from scipy import stats

from detectors.columns import Bools, Floats, Int64s

WIDTHS_MS = (30_000, 75_000)
"""How far apart the votes of one meeting may be: a script that is switched on, and one that takes its time."""

WIDE_MS = 300_000
"""What lies so far around a meeting belongs to the crowd it is compared with."""

_KNOWN = 40.0
_REACTION_MS, _DECAY = 190_000.0, 3.14


def crowd_share(width_ms: int) -> float:
    """Return the share of a crowd with one cause that comes within its densest `width_ms`.

    The sharpest crowds are those of a push notice or a celebrity's post: a Lomax law through 27 % within 20 s and
    45 % within 40 s of what comes in ten minutes.

    >>> [round(crowd_share(width_ms), 2) for width_ms in WIDTHS_MS]
    [0.37, 0.65]
    """
    return float(1 - (1 + width_ms / _REACTION_MS) ** -_DECAY)


def tail(met: Int64s, of: Int64s, share: Floats) -> Floats:
    """Return the probability that `met` or more `of` n meet, if each does with probability `share`.

    Beta-binomial: how tight a crowd is varies from crowd to crowd, as if it were known from 40 people.
    """
    share = np.clip(share, 1e-3, 1 - 1e-3)
    p: Floats = stats.betabinom.sf(met - 1, of, share * _KNOWN, (1 - share) * _KNOWN)
    return np.clip(p, 1e-300, 1.0)


def discoveries(p: Floats, level: float) -> Bools:
    """Tell which of a batch of tests pass Benjamini and Hochberg's procedure (1995) at `level`."""
    order = np.argsort(p, kind="stable")
    below = np.flatnonzero(p[order] <= level * np.arange(1, len(p) + 1) / max(len(p), 1))
    passed = np.zeros(len(p), np.bool_)
    if len(below):
        passed[order[: below[-1] + 1]] = True
    return passed
