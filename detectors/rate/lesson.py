"""What the windows of a lesson should bring, each judged by those before it, and what is learned when the lesson ends.

The filter is Harvey & Fernandes (1989, Journal of Business & Economic Statistics 7, "Time series models for count or
qualitative observations"; also West & Harrison, Bayesian Forecasting and Dynamic Models, 14.2): the level of a window is
Gamma(a, b); each window a <- d a + votes, b <- d b + 1, so that the next count is negative binomial with mean a / b and
relative variance 1 / a beyond Poisson. Here d grows with the poll's age up to a memory of 16 windows, because a poll
that has just begun fades quickly. A window far above its mean is odd: it waits, and is learned only as a new level, when
`hold_windows` of them came in a row. Matrices are series x windows of the lesson.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Bools, Floats
from detectors.rate import columns as of
from detectors.rate.prior import ShardPrior

_MEMORY_WINDOWS = 16.0
_PRIOR_WEIGHT, _MOST_OWN_WEIGHT = 16.0, 64.0
_LEAST_DISPERSION = 0.003
_ODD_DEVIATIONS, _ODD_VOTES = 3.0, 3.0
_SETTLED_WINDOWS = 4.0
_PASSES = 3
_BELIEVED_WEIGHT = 8.0


@dataclass(slots=True)
class Outlook:
    """What is expected of each window from those before it; one column more than there are closed windows.

    age: windows since the poll's first vote, negative before it. mean: votes in a whole window. doubt: relative variance of
    the mean (1 / a). dispersion: relative variance of a window's count around its mean beyond Poisson. votes, weight: the
    filter's a and b.
    """

    age: Floats
    mean: Floats
    doubt: Floats
    dispersion: Floats
    votes: Floats
    weight: Floats


@dataclass(slots=True)
class Lesson:
    """The closed windows of a lesson against their outlook.

    votes: as they came. usual: cut where a window is odd. odd: too large to be learned at once. expected: of the part of
    the window in which the poll was there.
    """

    outlook: Outlook
    votes: Floats
    usual: Floats
    odd: Bools
    expected: Floats


def memory(age: Floats) -> Floats:
    """Return the windows that a baseline of this age remembers."""
    return np.minimum(2.0 + 0.5 * np.maximum(age, 0.0), _MEMORY_WINDOWS)


def lesson(state: Floats, common: Floats, votes: Floats, start: int, prior: ShardPrior) -> Lesson:
    """Judge the closed windows from `start` on; `votes` has a column for each, `common` the columns of the polls."""
    closed = votes.shape[1]
    windows = np.arange(start, start + closed + 1.0)
    age = windows - state[of.BIRTH][:, None]
    exposed = np.minimum(np.maximum(age[:, :closed] + state[of.EXPOSED][:, None], 0.0), 1.0)
    settled = (age[:, :1] >= _SETTLED_WINDOWS) & (age[:, :closed] > 0)
    keep = 1.0 - 1.0 / memory(age)
    kept = np.asarray(np.cumprod(keep[:, :closed], axis=1), np.float64)
    seen = _outlook(state, common, age, prior)
    odd = settled & (votes > _most(seen, seen.mean[:, :1] * exposed, seen.doubt[:, :1], closed))
    usual = votes
    for _ in range(_PASSES):
        _filter(seen, state, np.stack([votes, exposed]) * ~odd, kept)
        expected = seen.mean[:, :closed] * exposed
        most = _most(seen, expected, seen.doubt[:, :closed], closed)
        before, odd = odd, (votes > most) & (age[:, :closed] > 0)
        usual = np.where(odd, most, votes)
        if np.array_equal(before, odd):
            break
    return Lesson(seen, votes, usual, odd, expected)


def _outlook(state: Floats, common: Floats, age: Floats, prior: ShardPrior) -> Outlook:
    own = np.minimum(np.maximum(age, 0.0), _MOST_OWN_WEIGHT)
    mixed = (_PRIOR_WEIGHT * prior.dispersion(age) + own * common[of.DISPERSION][:, None]) / (_PRIOR_WEIGHT + own)
    votes, weight = state[of.VOTES][:, None], state[of.WEIGHT][:, None]
    shape = votes + state[of.PRIOR_VOTES][:, None]
    return Outlook(
        age=age,
        mean=shape / (weight + state[of.PRIOR_WEIGHT][:, None]),
        doubt=1.0 / shape,
        dispersion=np.maximum(mixed, _LEAST_DISPERSION),
        votes=votes,
        weight=weight,
    )


def _filter(seen: Outlook, state: Floats, learned: Floats, kept: Floats) -> None:
    """Set a and b before each window: a_j = d_j-1 (a_j-1) + votes_j-1, for all windows at once by products and sums."""
    first = state[of.VOTES : of.WEIGHT + 1][:, :, None]
    sums = np.concatenate([first, (first + np.cumsum(learned / kept, axis=2)) * kept], axis=2)
    seen.votes, seen.weight = sums
    shape = seen.votes + state[of.PRIOR_VOTES][:, None]
    seen.mean = shape / (seen.weight + state[of.PRIOR_WEIGHT][:, None])
    seen.doubt = 1.0 / shape


def _most(seen: Outlook, expected: Floats, doubt: Floats, closed: int) -> Floats:
    variance = expected * (1.0 + (seen.dispersion[:, :closed] + doubt) * expected)
    most: Floats = expected + _ODD_DEVIATIONS * np.sqrt(variance) + _ODD_VOTES
    return most


def trailing(flags: Bools) -> Floats:
    """Return for each row how many windows at its end are all flagged.

    >>> trailing(np.array([[True, False, True], [True, True, True], [True, True, False]])).tolist()
    [1.0, 3.0, 0.0]
    """
    backwards = ~flags[:, ::-1]
    length: Floats = np.where(backwards.any(axis=1), backwards.argmax(axis=1), flags.shape[1]).astype(np.float64)
    return length


def last_of(values: Floats, count: Floats) -> Floats:
    """Return for each row the sum of its last `count` values."""
    columns = np.arange(values.shape[1], 0, -1)
    total: Floats = np.where(columns <= count[:, None], values, 0.0).sum(axis=1)
    return total


def end(state: Floats, given: Lesson, hold: int) -> None:
    """Take over the level at the lesson's end; `hold` odd windows in a row become the new level."""
    state[of.VOTES], state[of.WEIGHT] = given.outlook.votes[:, -1], given.outlook.weight[:, -1]
    held = trailing(given.odd)
    whole = held == given.odd.shape[1]
    state[of.HELD] = np.where(whole, state[of.HELD], 0.0) + held
    state[of.HELD_VOTES] = np.where(whole, state[of.HELD_VOTES], 0.0) + last_of(given.votes, held)
    believed = np.flatnonzero(state[of.HELD] >= hold)
    if len(believed):
        level = state[of.HELD_VOTES, believed] / state[of.HELD, believed]
        state[of.VOTES, believed] = level * _BELIEVED_WEIGHT
        state[of.WEIGHT, believed] = _BELIEVED_WEIGHT
        state[of.HELD_VOTES, believed] = state[of.HELD, believed] = 0.0
