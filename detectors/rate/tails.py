"""Tail probabilities of counts, and the budget of false alarms as a probability for each single test."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import betainc, ndtri

from detectors.columns import NO_OPTION, Floats, Int32s, Int64s
from detectors.rate.params import DAY_MS, RateParams
from detectors.rate.rows import MOST_OPTIONS

SPIKE_SHARE = 0.5
"""Part of the budget that is for spikes; the rest is for drips."""

TAIL_FROM_NATS = math.log(100)
"""Surprise from which on a poll's windows tell how heavy its tail is."""

STAYS_OPEN = 0.7
"""Score that keeps an episode open."""

_TINY = 1e-300
_LARGEST_SHAPE = 1e9


def at_least(votes: Floats, expected: Floats, variance: Floats) -> Floats:
    """Return P(X >= votes) of a negative binomial with this mean and variance (Poisson where variance <= mean).

    With shape r = mean^2 / (variance - mean): P(X >= k) = I_{mean / (mean + r)}(k, r), the regularised incomplete beta
    function (Abramowitz & Stegun 26.5.26). Never below 1e-300. All arrays of one length.

    >>> at_least(np.array([1.0]), np.array([2.0]), np.array([2.0])).round(6).tolist()
    [0.864665]
    """
    shape = np.minimum(expected * expected / np.maximum(variance - expected, _TINY), _LARGEST_SHAPE)
    tail: Floats = np.maximum(betainc(votes, shape, expected / (expected + shape)), _TINY)
    return tail


def surprise(p_value: Floats, tail: Floats) -> Floats:
    """Return -log p, made smaller where a poll's own past says that its tail is heavier than the model's.

    If the model is right, what -log p has beyond a threshold is exponential with mean 1. Where it has been exponential with
    mean `tail` (a generalised Pareto tail of the chance itself: peaks over threshold, Siffer et al. 2017, KDD, "Anomaly
    detection in streams with extreme value theory"), it is divided by that.
    """
    nats = -np.log(p_value)
    calibrated: Floats = np.where(nats > TAIL_FROM_NATS, TAIL_FROM_NATS + (nats - TAIL_FROM_NATS) / tail, nats)
    return calibrated


def share_of_series(option: Int32s) -> Floats:
    """Return by what the budget is divided for a series: half is for the whole poll, half for its options together."""
    return np.where(option == NO_OPTION, 2.0, 2.0 * MOST_OPTIONS)


class SpikeBudget:
    """Turns the chance of a count in a trailing span into a score.

    For a Poisson process the count of a span of length s comes up to k about (T / s) (k - mean) P(X >= k) times in a
    time T (Alm 1983: lambda (1 - mean / k) P(X = k - 1) for each unit of time, and P(X = k - 1) lambda = P(X = k) k / s);
    never more often than there are ticks. The budget is divided by that number, the spans, and the series' share.
    """

    def __init__(self, params: RateParams) -> None:
        self._spans = len(params.spans_ms)
        self._alarms_per_day = params.false_alarms_per_poll_day * SPIKE_SHARE
        self._ticks_per_day = DAY_MS / params.tick_ms

    def least_deviations(self, score: float, min_excess: float, longest_ms: int) -> float:
        """Return how many standard deviations above its mean a count must be at least for this score.

        Counts are skewed to the right: so far out they are likelier than a normal variable is.
        """
        tests = min(DAY_MS / longest_ms * min_excess, self._ticks_per_day)
        allowed = min(self._alarms_per_day / (tests * self._spans * share_of_series(np.array([NO_OPTION]))[0]), 0.5)
        return max(0.0, -float(ndtri(allowed**score)) - 0.25)

    def score(self, nats: Floats, span_ms: Int64s | int, excess: Floats, option: Int32s) -> Floats:
        """Return the surprise -log p over that of the budget, of tests on these options (NO_OPTION for a whole poll)."""
        tests = np.minimum(DAY_MS / span_ms * np.maximum(excess, 1.0), self._ticks_per_day)
        allowed = self._alarms_per_day / (tests * self._spans * share_of_series(option))
        scores: Floats = -nats / np.log(np.minimum(allowed, 0.5))
        return scores


def drip_height(params: RateParams) -> float:
    """Return h, the height at which a CUSUM with the whole budget speaks; add log(share) where it has a share.

    The CUSUM of a log likelihood ratio has a mean time to a false alarm of at least e^h steps (Lorden 1971, Annals of
    Mathematical Statistics 42; Page 1954 for the scheme, Lucas 1985, Technometrics 27, for counts).

    >>> round(drip_height(RateParams()), 2)
    12.57
    """
    return math.log(params.windows_per_day / (params.false_alarms_per_poll_day * (1 - SPIKE_SHARE)))
