"""What a series' next window should bring: a discounted Gamma-Poisson filter that waits before it learns what looks odd.

The filter is Harvey & Fernandes (1989, Journal of Business & Economic Statistics 7, "Time series models for count or
qualitative observations"; West & Harrison, Bayesian Forecasting and Dynamic Models, 14.2): the level of a window is
Gamma(a, b); each window a <- d a + votes, b <- d b + 1, so that the next count is negative binomial with mean a / b and
relative variance 1 / a beyond Poisson. Here d grows with the poll's age up to a memory of 16 windows, because a poll
that has just begun fades quickly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors import rate_columns as of
from detectors.columns import Bools, Floats
from detectors.rate_prior import ShardPrior

_MEMORY_WINDOWS = 16.0
_PRIOR_WEIGHT = 16.0
_MOST_OWN_WEIGHT = 64.0
_LEAST_DISPERSION = 0.003
_ODD_DEVIATIONS, _ODD_VOTES = 3.0, 3.0
_BELIEVED_WEIGHT = 8.0


@dataclass(slots=True)
class Outlook:
    """What is expected of the series in one window, arrays of one length.

    gap: windows without a vote since the last one with. age: windows since the poll's first vote. votes, weight: the
    filter's a and b after the gap. mean: votes expected in a whole window. doubt: relative variance of the mean (1 / a).
    dispersion: relative variance of a window's count around its mean beyond Poisson. clumping: see rate_columns.
    """

    gap: Floats
    age: Floats
    votes: Floats
    weight: Floats
    mean: Floats
    doubt: Floats
    dispersion: Floats
    clumping: Floats


def memory(age: Floats) -> Floats:
    """Return the windows a baseline of this age remembers."""
    return np.minimum(1.0 + 0.5 * age, _MEMORY_WINDOWS)


def outlook(state: Floats, common: Floats, window: int | Floats, prior: ShardPrior) -> Outlook:
    """Return what `window` should bring; `state` are the columns of the rows, `common` those of their polls."""
    gap = window - 1.0 - state[of.LAST]
    age = window - state[of.BIRTH]
    remembered = memory(age - gap)
    fade = (1.0 - 1.0 / remembered) ** gap
    votes = state[of.VOTES] * fade
    weight = remembered + (state[of.WEIGHT] - remembered) * fade
    shape = votes + state[of.PRIOR_VOTES]
    own = np.minimum(age, _MOST_OWN_WEIGHT)
    mixed = (_PRIOR_WEIGHT * prior.dispersion(age) + own * common[of.DISPERSION]) / (_PRIOR_WEIGHT + own)
    return Outlook(
        gap=gap,
        age=age,
        votes=votes,
        weight=weight,
        mean=shape / (weight + state[of.PRIOR_WEIGHT]),
        doubt=1.0 / shape,
        dispersion=np.maximum(mixed, _LEAST_DISPERSION),
        clumping=np.maximum(common[of.CLUMPING], 1.0),
    )


@dataclass(slots=True)
class Judged:
    """One window's counts against the outlook: `usual` is the count cut at what is believable, `odd` where it was cut."""

    usual: Floats
    odd: Bools
    expected: Floats


def judge(seen: Outlook, votes: Floats, exposed: Floats) -> Judged:
    """Tell which counts are too large to be learned at once."""
    expected = seen.mean * exposed
    variance = seen.clumping * expected + (seen.dispersion + seen.doubt) * expected * expected
    most = expected + _ODD_DEVIATIONS * np.sqrt(variance) + _ODD_VOTES
    odd = (votes > most) & (seen.age > 0)
    return Judged(np.where(odd, most, votes), odd, expected)


def learn(state: Floats, seen: Outlook, judged: Judged, votes: Floats, exposed: Floats, hold: int) -> None:
    """Put a window into the filter; odd ones wait, and `hold` of them in a row become the new level."""
    keep = 1.0 - 1.0 / memory(seen.age)
    odd = judged.odd
    state[of.VOTES] = np.where(odd, seen.votes, keep * seen.votes + votes)
    state[of.WEIGHT] = np.where(odd, seen.weight, keep * seen.weight + exposed)
    if not (odd.any() or state[of.HELD].any()):
        return
    unbroken = odd & (seen.gap == 0)
    state[of.HELD_VOTES] = np.where(unbroken, state[of.HELD_VOTES], 0.0) + np.where(odd, votes, 0.0)
    state[of.HELD] = np.where(unbroken, state[of.HELD], 0.0) + odd
    believed = np.flatnonzero(state[of.HELD] >= hold)
    if len(believed):
        level = state[of.HELD_VOTES, believed] / state[of.HELD, believed]
        state[of.VOTES, believed] = level * _BELIEVED_WEIGHT
        state[of.WEIGHT, believed] = _BELIEVED_WEIGHT
        state[of.HELD_VOTES, believed] = state[of.HELD, believed] = 0.0
