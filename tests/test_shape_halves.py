"""The evidence of halves: chance earns nothing by it, whatever its rate does, and it adds up the same however it is cut."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammaln

from detectors.columns import Int64s
from detectors.shape.halves import NATS, SERIES_MS, SPANS_MS, Steps, _gains, _halved, steps
from detectors.shape.params import FRAME_MS, PROFILES, TICK_MS
from detectors.shape.walk import Walks

FRAME_TICKS = FRAME_MS // TICK_MS


def chance_keys(seed: int, per_s: float, length_s: float, series: int = 0) -> Int64s:
    rng = np.random.default_rng(seed)
    ms = np.sort(rng.integers(0, round(length_s * 1000), rng.poisson(per_s * length_s)))
    return ms + series * SERIES_MS


@pytest.mark.parametrize("votes", [3, 4, 7, 15, 40, 120, 511, 512, 600, 2000, 20_000])
def test_no_spread_over_the_halves_earns_evidence_on_average(votes: int) -> None:
    left = np.arange(votes + 1)
    ways = gammaln(votes + 1) - gammaln(left + 1) - gammaln(votes - left + 1)
    for share in (0.5, 0.45, 0.3, 0.1):
        chance = np.exp(ways + left * np.log(share) + (votes - left) * np.log(1 - share))
        for span_ms in SPANS_MS:
            worth = np.exp(_gains(np.full(votes + 1, votes), left, span_ms) / NATS)
            assert np.all(chance @ worth <= 1.0 + 1e-9), (share, span_ms)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 70_000) | st.integers(0, 600)), max_size=60))
def test_spans_hold_the_votes_that_fall_into_them(votes: list[tuple[int, int]]) -> None:
    keys = np.sort(np.array([series * SERIES_MS + ms for series, ms in votes], np.int64))
    for halved in _halved(keys):
        half_ms = halved.span_ms // 2
        inside = Counter(key // halved.span_ms for key in keys.tolist())
        left = Counter(key // halved.span_ms for key in keys.tolist() if key // half_ms % 2 == 0)
        enough = sorted(span for span, count in inside.items() if count >= 3)
        assert halved.span.tolist() == enough
        assert halved.votes.tolist() == [inside[span] for span in enough]
        assert halved.left.tolist() == [left[span] for span in enough]


def test_equal_halves_earn_evidence_and_unequal_ones_cost_it() -> None:
    gains = _gains(np.array([20, 20, 20]), np.array([10, 13, 20]), 1_000)
    assert np.all(gains[0, :3] > 0)
    assert np.all(gains[2, :3] < 0)
    assert np.all(np.diff(gains[:, 0]) < 0)


def test_a_tick_in_which_a_clock_begins_costs_little() -> None:
    keys = np.sort(np.concatenate([np.arange(3_900, 8_000, 50), np.arange(15_900, 16_000, 2)]))
    assert -3_600 <= steps(keys, 0, 0, 16).gain.min() < -2_000


@pytest.mark.parametrize("per_s", [0.3, 1.0, 3.0, 7.0, 20.0])
def test_chance_reaches_a_height_no_more_often_than_the_budget_is_made_for(per_s: float) -> None:
    keys, ticks = chance_keys(1, per_s, 64_000), 64_000 * 1000 // TICK_MS
    found = steps(keys, 0, 0, ticks)
    height = 4 * NATS
    for profile in range(PROFILES):
        reached, at = 0, 0
        for gain in found.gain[:, profile].tolist():
            at = max(0, at + gain)
            if at > height:
                reached, at = reached + 1, 0
        expected = 0.26 * ticks * np.exp(-4)
        assert reached <= expected + 3 * np.sqrt(expected), f"seed 1, profile {profile}: {reached} of {expected}"


def test_a_jittered_clock_earns_a_nat_a_second() -> None:
    keys = np.sort(((np.arange(960) + np.random.default_rng(2).uniform(-1, 1, 960)) / 7.5 * 1000).astype(np.int64))
    found = steps(keys[keys >= 0], 0, 0, 64)
    assert found.gain.sum(axis=0).max() / NATS / 128 > 0.9


def test_evidence_is_the_same_however_time_is_cut() -> None:
    keys = np.concatenate([chance_keys(3, 4, 320), chance_keys(4, 1, 320, series=5)])
    whole = steps(keys, 0, 0, 160)
    cuts = [0, 1, 2, 7, 16, 17, 40, 64, 100, 159, 160]
    parts = []
    for low, high in pairwise(cuts):
        base_ms = low // FRAME_TICKS * FRAME_MS
        ms, series = keys % SERIES_MS, keys // SERIES_MS
        seen = (ms >= base_ms) & (ms < high * TICK_MS)
        parts.append(steps((ms - base_ms + series * SERIES_MS)[seen], base_ms, low, high))
    for name in ("series", "tick", "gain"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        order = np.lexsort((np.concatenate([p.tick for p in parts]), np.concatenate([p.series for p in parts])))
        assert np.array_equal(joined[order], getattr(whole, name)), name


def test_walks_go_as_one_by_one_and_begin_when_they_leave_nought() -> None:
    rng = np.random.default_rng(5)
    series = np.repeat([0, 2, 3], [40, 1, 60])
    tick = np.concatenate([np.arange(40) * 3, [7], np.arange(60)])
    gain = rng.integers(-1500, 1600, (101, PROFILES))
    walks = Walks()
    walks.grow(4)
    walks.height[3], walks.since[3] = 2_000, -5
    ahead = walks.ahead(Steps(series, tick, gain))
    for profile in range(PROFILES):
        for of in (0, 2, 3):
            height, since = (2_000, -5) if of == 3 else (0, 0)
            for entry in np.flatnonzero(series == of).tolist():
                since = int(tick[entry]) if height == 0 else since
                height = max(0, height + int(gain[entry, profile]))
                assert ahead.height[entry, profile] == height
                assert height == 0 or ahead.since[entry, profile] == since
