"""How likely people who came on their own would meet so tightly. Numbers in, probabilities out."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import special

from detectors.columns import Bools, Floats, Int64s

WIDTHS_MS = (30_000, 75_000)
"""Windows in which meetings are looked for: of a script that is switched on, and of one that takes its time."""

SPANS_MS = (15_000, 30_000, 45_000, 60_000, 75_000)
"""Lengths of bursts that are told apart when a meeting is weighed."""

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


def span_class(length_ms: int) -> int:
    """Return the shortest of `SPANS_MS` that is as long.

    >>> span_class(17_000), span_class(80_000)
    (30000, 75000)
    """
    return next((span_ms for span_ms in SPANS_MS if length_ms <= span_ms), SPANS_MS[-1])


@lru_cache(maxsize=4_096)
def tail(met: int, of: int, share: float) -> float:
    """Return the probability that `met` or more `of` n meet, if each does with probability `share`.

    Beta-binomial: how tight a crowd is varies from crowd to crowd, as if it were known from 40 people. The terms are
    summed from the tail inwards, so that small probabilities are exact.

    >>> f"{tail(3, 3, 0.5):.4f}", f"{tail(16, 16, 0.2):.1e}"
    ('0.1341', '8.2e-09')
    """
    a, b = share * _KNOWN, (1 - share) * _KNOWN
    if met <= 0 or share >= 1:
        return 1.0
    k = np.arange(met, of + 1, dtype=np.float64)
    log_choices = special.gammaln(of + 1) - special.gammaln(k + 1) - special.gammaln(of - k + 1)
    p = np.exp(log_choices + special.betaln(k + a, of - k + b) - special.betaln(a, b)).sum()
    return float(min(1.0, max(p, 1e-300)))


def fisher(p: list[float]) -> float:
    """Return the probability that independent tests come out as small as these together."""
    return float(special.chdtrc(2 * len(p), -2 * sum(np.log(p)))) if p else 1.0


def choices(of: int, chosen: int) -> float:
    """Return in how many ways so many can be chosen.

    >>> round(choices(5, 2))
    10
    """
    return float(special.binom(max(of, chosen), chosen))


def worth_a_look(met: Int64s, of: Int64s, share: float) -> Bools:
    """Tell where `met` lies at least two standard deviations of `tail`'s law above its mean."""
    spread = of * share * (1 - share) * (1 + (of - 1) / (_KNOWN + 1))
    worth: Bools = met > of * share + 2 * np.sqrt(spread)
    return worth


def discoveries(p: Floats, level: float) -> Bools:
    """Tell which of a batch of tests pass Benjamini and Hochberg's procedure (1995) at `level`."""
    order = np.argsort(p, kind="stable")
    below = np.flatnonzero(p[order] <= level * np.arange(1, len(p) + 1) / max(len(p), 1))
    passed = np.zeros(len(p), np.bool_)
    if len(below):
        passed[order[: below[-1] + 1]] = True
    return passed
