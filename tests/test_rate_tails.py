"""Tails and budgets: exact where that can be checked, and honest against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from detectors.rate.params import RateParams
from detectors.rate.recent import RecentVotes, run_of
from detectors.rate.spikes import SpikeTests
from detectors.rate.tails import SpikeBudget, at_least


def test_the_tail_is_that_of_scipys_negative_binomial() -> None:
    votes, mean, variance = np.array([3.0, 40.0, 12.0]), np.array([2.0, 10.0, 1.0]), np.array([3.0, 60.0, 1.5])
    shape = mean**2 / (variance - mean)
    expected = stats.nbinom.sf(votes - 1, shape, shape / (shape + mean))
    assert at_least(votes, mean, variance) == pytest.approx(expected, rel=1e-9)


def test_without_extra_variance_the_tail_is_poissons() -> None:
    votes, mean = np.array([1.0, 25.0, 300.0]), np.array([0.5, 10.0, 200.0])
    assert at_least(votes, mean, mean) == pytest.approx(stats.poisson.sf(votes - 1, mean), rel=1e-4)


@pytest.mark.parametrize("mean", [3.0, 20.0])
def test_a_score_of_one_is_reached_no_more_often_than_the_budget_allows(mean: float) -> None:
    """With a budget large enough to count: Poisson traffic, trailing minute at every tick, one series."""
    seed = 110
    rng = np.random.default_rng(seed)
    params = RateParams(false_alarms_per_poll_day=10)
    budget = SpikeBudget(params)
    counts = np.arange(200.0)
    p_value = at_least(counts, np.full(200, mean), np.full(200, mean))
    whole = np.full(200, -1, np.int32)
    score = budget.score(-np.log(p_value), np.full(200, 60_000), counts - mean, whole)
    least = int(counts[(score > 1) & (counts > mean)].min())
    days = 60
    ticks = rng.poisson(mean / 240, days * 345_600)
    trailing = np.convolve(ticks, np.ones(240, np.int64))[: len(ticks)]
    crossings = np.count_nonzero((trailing[1:] >= least) & (trailing[:-1] < least)) / days
    allowed = 10 * 0.5 / len(params.spans_ms) / 2
    assert crossings <= 1.2 * allowed, f"seed {seed}"
    assert crossings >= 0.02 * allowed, f"seed {seed}: the budget is far too tight"


def test_the_quick_bar_never_hides_a_span_that_would_score() -> None:
    params = RateParams()
    tests = SpikeTests(params)
    for mean in (0.01, 0.5, 4.0, 60.0, 3000.0):
        for spread in (0.001, 0.05, 1.0):
            variance = mean * (1 + spread * mean)
            bar = mean + max(params.min_excess_votes, tests.bar * variance**0.5)
            votes = np.arange(mean + params.min_excess_votes, bar)
            whole = np.full(len(votes), -1, np.int32)
            same = np.full(len(votes), mean)
            p_value = at_least(votes, same, same * (1 + spread * same))
            for span_ms in params.spans_ms:
                score = SpikeBudget(params).score(-np.log(p_value), np.full(len(votes), span_ms), votes - mean, whole)
                assert (score <= 1).all(), (mean, spread, span_ms)


def test_trailing_counts_are_those_of_a_slow_count() -> None:
    seed = 111
    rng = np.random.default_rng(seed)
    recent, all_entries = RecentVotes(), []
    for step in range(12):
        row, tick, votes = rng.integers(0, 4, 30), rng.integers(step * 20, step * 20 + 20, 30), rng.integers(1, 5, 30)
        all_entries += list(zip(row.tolist(), tick.tolist(), votes.tolist(), strict=True))
        run = run_of(row, tick, votes, tick)
        recent.add(run)
        for length in (1, 7, 50):
            got = sum(one.trailing(run.key, length) for one in recent.runs)
            slow = [
                sum(v for r, t, v in all_entries if r == one_row and one_tick - length < t <= one_tick)
                for one_row, one_tick in zip(run.row.tolist(), run.tick.tolist(), strict=True)
            ]
            assert np.asarray(got).tolist() == slow, f"seed {seed}"
