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

from detectors import rate_columns as of
from detectors.columns import Floats
from detectors.rate_baseline import Judged, Outlook
from detectors.rate_params import RateParams
from detectors.rate_prior import ShardPrior

_SIZE = 1.5
_ALLOWANCE = 0.25
_DOUBT_DEVIATIONS = 2.0
_LEAST_WANDER = 0.002
_PRIOR_WEIGHT, _MOST_OWN_WEIGHT = 8.0, 32.0
_BELIEVED_MS = 12 * 3_600_000
_BELIEVED_WEIGHT = 32.0
_HIGHEST = 1.1


@dataclass(slots=True)
class DripOutlook:
    """What the CUSUM does with the next window: level is votes a window, gain nats a vote, loss nats a window."""

    level: Floats
    gain: Floats
    loss: Floats


def drip_outlook(state: Floats, common: Floats, age: Floats, block: int, prior: ShardPrior) -> DripOutlook:
    """Return the likelihood ratio's terms from the state before a window."""
    shape = state[of.SLOW_VOTES] + state[of.PRIOR_VOTES]
    level = shape / (state[of.SLOW_WEIGHT] + state[of.PRIOR_WEIGHT])
    usual = level * (prior.tide * (1.0 + _ALLOWANCE + _DOUBT_DEVIATIONS / np.sqrt(shape + 1.0)))
    blocks = np.minimum(age / block, _MOST_OWN_WEIGHT)
    wander = (_PRIOR_WEIGHT * prior.wander + blocks * common[of.WANDER]) / (_PRIOR_WEIGHT + blocks)
    pieces = 1.0 / (block * np.maximum(wander, _LEAST_WANDER))
    ratio = (pieces + _SIZE * usual) / (pieces + usual)
    log_ratio = np.log(ratio)
    return DripOutlook(level, np.log(_SIZE) - log_ratio, pieces * log_ratio)


def memory(age: Floats, params: RateParams) -> Floats:
    """Return the windows a slow baseline of this age remembers: a quarter of them, so that it follows a poll that fades.

    With weights (s / t)^3 of the past, a rate that falls as 1 / t is overrated by a third, one as 1 / t^2 twice.
    """
    return np.minimum(1.0 + 0.25 * age, params.slow_memory_windows)


def height_at(state: Floats, window: Floats) -> Floats:
    """Return the CUSUM at the end of `window`, no vote having come since the last one the state knows."""
    height: Floats = np.maximum(state[of.CUSUM] - (window - state[of.LAST]) * state[of.LOSS], 0.0)
    return height


def step(
    state: Floats, seen: Outlook, drip: DripOutlook, judged: Judged, limit: Floats, params: RateParams
) -> None:
    """Put a window into CUSUM and slow level; `limit` is the height at which the CUSUM speaks."""
    rested = np.maximum(state[of.CUSUM] - seen.gap * state[of.LOSS], 0.0)
    after = np.maximum(rested + judged.usual * drip.gain - drip.loss, 0.0)
    after = np.where(seen.age < params.drip_age_windows, 0.0, np.minimum(after, _HIGHEST * limit))
    run, run_votes = state[of.RUN] + seen.gap, state[of.RUN_VOTES]
    calm, over = after == 0.0, rested == 0.0
    learned = np.where(calm, run + 1.0, np.where(over, run, 0.0))
    learned_votes = np.where(calm, run_votes + judged.usual, np.where(over, run_votes, 0.0))
    _learn(state, seen.age, learned, learned_votes, params)
    state[of.CUSUM], state[of.LOSS] = after, drip.loss
    state[of.RUN] = run + 1.0 - learned
    state[of.RUN_VOTES] = run_votes + judged.usual - learned_votes
    _believe(state, params)


def _learn(state: Floats, age: Floats, windows: Floats, votes: Floats, params: RateParams) -> None:
    remembered = memory(age, params)
    keep = (1.0 - 1.0 / remembered) ** windows
    weight = remembered * (1.0 - keep)
    state[of.SLOW_VOTES] = state[of.SLOW_VOTES] * keep + votes * (weight / np.maximum(windows, 1.0))
    state[of.SLOW_WEIGHT] = state[of.SLOW_WEIGHT] * keep + weight


def _believe(state: Floats, params: RateParams) -> None:
    lasting = np.flatnonzero(state[of.RUN] * params.window_ms > _BELIEVED_MS)
    if len(lasting):
        level = state[of.RUN_VOTES, lasting] / state[of.RUN, lasting]
        state[of.SLOW_VOTES, lasting] = level * _BELIEVED_WEIGHT
        state[of.SLOW_WEIGHT, lasting] = _BELIEVED_WEIGHT
        state[of.CUSUM, lasting] = state[of.RUN, lasting] = state[of.RUN_VOTES, lasting] = 0.0
