"""Slow drips: a CUSUM of log likelihood ratios against a slow level that learns only while nothing speaks for a drip.

Page (1954, Biometrika 41) for the CUSUM and for the start of the run as the estimate of when a change came; Lucas (1985,
Technometrics 27) for counts. Each window adds log f1(votes) / f0(votes), with f0 and f1 negative binomials of mean m0
and m1 = 1.5 m0. m0 is the slow level raised by an allowance for what is not known of it, and by what grown polls of
the shard rise together (the evening). Their shape is taken from how far sums over blocks of windows wander, so that
traffic whose level wanders for an hour is weighed as one piece of evidence, not as sixty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.columns import Floats
from detectors.rate import columns as of
from detectors.rate.lesson import Lesson, last_of, trailing
from detectors.rate.params import BLOCK_WINDOWS, RateParams
from detectors.rate.prior import ShardPrior

_SIZE = 1.5
_ALLOWANCE = 0.25
_DOUBT_DEVIATIONS = 3.0
_LEAST_WANDER, _WANDER_MARGIN = 0.002, 2.0
_PRIOR_WEIGHT, _MOST_OWN_WEIGHT = 8.0, 32.0
_BELIEVED_MS = 12 * 3_600_000
_BELIEVED_WEIGHT = 32.0
_HIGHEST = 1.1


@dataclass(slots=True)
class Drip:
    """level: votes a window, of the slow baseline (one for each series). height: the CUSUM at each window's end, nats."""

    level: Floats
    height: Floats


def memory(age: Floats, params: RateParams) -> Floats:
    """Return the windows a slow baseline of this age remembers: a quarter of them, so that it follows a poll that fades.

    With weights (s / t)^3 of the past, a rate that falls as 1 / t is overrated by a third, one as 1 / t^2 twice.
    """
    return np.minimum(1.0 + 0.25 * age, params.slow_memory_windows)


def drip(state: Floats, common: Floats, given: Lesson, params: RateParams, prior: ShardPrior) -> Drip:
    """Return slow level and CUSUM of the lesson's closed windows.

    What is not known of the level is allowed for by the upper end of its range: a count known to be A is at most
    (sqrt(A + 3/4) + z / 2)^2 (Anscombe 1948, Biometrika 35: the root of a count varies by 1/2, about). With T_k the height before the lesson plus the sum of the first k terms, the CUSUM is T_k - min(0, T_1, .. T_k).
    """
    shape = state[of.SLOW_VOTES] + state[of.PRIOR_VOTES]
    level = shape / (state[of.SLOW_WEIGHT] + state[of.PRIOR_WEIGHT])
    at_most = (np.sqrt(state[of.SLOW_VOTES] + 0.75) + 0.5 * _DOUBT_DEVIATIONS) ** 2 / np.maximum(state[of.SLOW_WEIGHT], 1.0)
    usual = at_most * (prior.tide * (1.0 + _ALLOWANCE))
    blocks = np.minimum(given.outlook.age[:, 0] / BLOCK_WINDOWS, _MOST_OWN_WEIGHT)
    own = np.maximum(blocks, 0.0)
    wander = (_PRIOR_WEIGHT * prior.wander + own * common[of.WANDER]) / (_PRIOR_WEIGHT + own)
    pieces = 1.0 / (BLOCK_WINDOWS * np.maximum(_WANDER_MARGIN * wander, _LEAST_WANDER))
    log_ratio = np.log((pieces + _SIZE * usual) / (pieces + usual))
    gain, loss = np.log(_SIZE) - log_ratio, pieces * log_ratio
    total = state[of.CUSUM][:, None] + np.cumsum(given.usual * gain[:, None] - loss[:, None], axis=1)
    height = total - np.minimum(np.minimum.accumulate(total, axis=1), 0.0)
    grown = given.outlook.age[:, 0] >= params.drip_age_windows
    return Drip(level, height * grown[:, None])


def end(state: Floats, given: Lesson, seen: Drip, limit: Floats, params: RateParams) -> None:
    """Take over the CUSUM at the lesson's end, and learn the windows up to its last zero; `limit` is where it speaks."""
    risen = trailing(seen.height > 0)
    whole = risen == seen.height.shape[1]
    run = np.where(whole, state[of.RUN], 0.0) + risen
    run_votes = np.where(whole, state[of.RUN_VOTES], 0.0) + last_of(given.usual, risen)
    windows = state[of.RUN] + seen.height.shape[1] - run
    votes = state[of.RUN_VOTES] + given.usual.sum(axis=1) - run_votes
    remembered = memory(np.maximum(given.outlook.age[:, -1], 0.0), params)
    keep = (1.0 - 1.0 / remembered) ** windows
    weight = remembered * (1.0 - keep)
    state[of.SLOW_VOTES] = state[of.SLOW_VOTES] * keep + votes * (weight / np.maximum(windows, 1.0))
    state[of.SLOW_WEIGHT] = state[of.SLOW_WEIGHT] * keep + weight
    state[of.RUN], state[of.RUN_VOTES] = run, run_votes
    state[of.CUSUM] = np.minimum(seen.height[:, -1], _HIGHEST * limit)
    _believe(state, params)
    _drop_what_ended(state, given, seen)


def _drop_what_ended(state: Floats, given: Lesson, seen: Drip) -> None:
    """Forget runs that are over: a lesson's votes lie nearer to the level than to the run, by 1.5 deviations.

    The CUSUM alone would take hours to come down where the level is low, however much the run was above it.
    """
    windows = given.usual.shape[1]
    between = 0.5 * windows * (seen.level + state[of.RUN_VOTES] / np.maximum(state[of.RUN], 1.0))
    over = (state[of.RUN] > windows) & (given.usual.sum(axis=1) < between - 1.5 * np.sqrt(between))
    ended = np.flatnonzero(over)
    state[of.CUSUM, ended] = state[of.RUN, ended] = state[of.RUN_VOTES, ended] = 0.0


def _believe(state: Floats, params: RateParams) -> None:
    lasting = np.flatnonzero(state[of.RUN] * params.window_ms > _BELIEVED_MS)
    if len(lasting):
        level = state[of.RUN_VOTES, lasting] / state[of.RUN, lasting]
        state[of.SLOW_VOTES, lasting] = level * _BELIEVED_WEIGHT
        state[of.SLOW_WEIGHT, lasting] = _BELIEVED_WEIGHT
        state[of.CUSUM, lasting] = state[of.RUN, lasting] = state[of.RUN_VOTES, lasting] = 0.0
