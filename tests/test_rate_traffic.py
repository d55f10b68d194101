"""Silence where nothing happens, and a word within seconds or the hour where something does, on traffic made from seeds.

The long version, with intervals, is `python -m benchmarks.false_alarms`.
"""

from __future__ import annotations

import numpy as np
import pytest

from detectors.columns import Floats
from detectors.rate.detector import RateDetector, RateFinding, RateParams
from lab.traffic import (
    BEGIN_MS,
    KINDS,
    Votes,
    cells,
    cut,
    drawn,
    fading,
    joined,
    poll_days,
    steady,
    surge,
    tide,
)

HOUR_MS = 3_600_000
BINS_PER_HOUR = 180


def openings(votes: Votes, hours: float, params: RateParams | None = None) -> list[RateFinding]:
    params = params or RateParams()
    detector, all_cells = RateDetector(params), cells(votes, params.tick_ms)
    found: list[RateFinding] = []
    for from_ms in range(BEGIN_MS, BEGIN_MS + int(hours * HOUR_MS), HOUR_MS):
        found += detector.advance(cut(all_cells, from_ms, from_ms + HOUR_MS), from_ms + HOUR_MS).findings
    return [one for one in found if one.phase == "opened"]


def constant(polls: int, votes_per_s: float, hours: float) -> Floats:
    return np.full((polls, int(hours * BINS_PER_HOUR)), votes_per_s)


@pytest.mark.parametrize("kind", KINDS)
def test_traffic_without_a_surge_is_met_with_silence(kind: str) -> None:
    seed = 100
    rng = np.random.default_rng(seed)
    rate = np.minimum(KINDS[kind](rng, 60, 24 * BINS_PER_HOUR), 0.5)
    found = openings(drawn(rng, rate), 24)
    # 60 poll-days at 0.01 are 0.6 alarms; 5 or more would come by chance once in 2,500 runs
    assert len(found) < 5, f"seed {seed}, {poll_days(rate):.0f} poll-days: {found}"


@pytest.mark.parametrize(("usual", "flood", "within_s"), [(0.1, 20, 3), (1.0, 20, 3), (0.1, 50, 2), (1.0, 50, 2), (0.02, 1, 60)])
def test_a_flood_is_told_within_seconds(usual: float, flood: float, within_s: float) -> None:
    seed = 101
    rng = np.random.default_rng(seed)
    start_ms = BEGIN_MS + 5 * HOUR_MS + 1_234_000
    votes = joined(drawn(rng, constant(5, usual, 6)), *(surge(rng, poll, 0, start_ms, flood, 120) for poll in range(5)))
    found = openings(votes, 6)
    assert sorted(one.poll for one in found) == [0, 1, 2, 3, 4], f"seed {seed}: {found}"
    assert all(0 < one.at_ms - start_ms <= within_s * 1000 for one in found), f"seed {seed}: {found}"
    assert {one.kind for one in found} == {"vote_spike"}


def test_a_poll_of_two_minutes_is_watched_too() -> None:
    seed = 102
    rng = np.random.default_rng(seed)
    start_ms = BEGIN_MS + 3 * HOUR_MS
    young = surge(rng, 30, 0, start_ms, 0.5, 1200)
    flood = surge(rng, 30, 0, start_ms + 130_000, 40, 60)
    others = drawn(rng, fading(rng, 30, 4 * BINS_PER_HOUR))
    found = [one for one in openings(joined(others, young, flood), 4) if one.poll == 30]
    assert len(found) == 1, f"seed {seed}: {found}"
    assert 0 < found[0].at_ms - start_ms - 130_000 <= 4000, f"seed {seed}: {found}"


@pytest.mark.parametrize("drip_per_min", [2.0, 2.5, 3.0])
def test_a_drip_below_the_noise_of_a_minute_is_told_within_its_hours(drip_per_min: float) -> None:
    seed = 103
    rng = np.random.default_rng(seed)
    start_ms = BEGIN_MS + 18 * HOUR_MS
    polls = drawn(rng, np.concatenate([constant(8, 2 / 60, 21), steady(rng, 20, 21 * BINS_PER_HOUR)]))
    drips = [surge(rng, poll, 0, start_ms, drip_per_min / 60, 9000) for poll in range(8)]
    found = [one for one in openings(joined(polls, *drips), 21) if one.poll < 8]
    assert {one.kind for one in found} == {"slow_drip"}, f"seed {seed}: {found}"
    assert len({one.poll for one in found}) >= 6, f"seed {seed}: {found}"
    assert all(start_ms < one.at_ms <= start_ms + 9_000_000 for one in found), f"seed {seed}: {found}"


def test_the_evening_that_all_polls_share_is_no_drip() -> None:
    seed = 104
    rng = np.random.default_rng(seed)
    rate = constant(40, 0.1, 48) * tide(rng, 48 * BINS_PER_HOUR)
    assert openings(drawn(rng, rate), 48) == [], f"seed {seed}"


def test_an_option_that_surges_while_another_fades_is_told() -> None:
    seed = 105
    rng = np.random.default_rng(seed)
    start_ms = BEGIN_MS + 6 * HOUR_MS
    before = [surge(rng, 0, option, BEGIN_MS, rate, 6 * 3600) for option, rate in ((0, 0.02), (1, 1.0))]
    after = [surge(rng, 0, option, start_ms, rate, 3600) for option, rate in ((0, 1.0), (1, 0.02))]
    found = openings(joined(*before, *after), 7)
    assert found, f"seed {seed}"
    assert found[0].option == 0
    assert 0 < found[0].at_ms - start_ms <= 60_000, f"seed {seed}: {found}"


def test_a_lasting_new_level_is_believed_in_the_end() -> None:
    seed = 106
    rng = np.random.default_rng(seed)
    higher = np.concatenate([constant(3, 0.1, 6), constant(3, 2.0, 18)], axis=1)
    detector, all_cells = RateDetector(RateParams(), keep_scores=True), cells(drawn(rng, higher), 250)
    first = detector.advance(cut(all_cells, BEGIN_MS, BEGIN_MS + 20 * HOUR_MS), BEGIN_MS + 20 * HOUR_MS)
    last = detector.advance(cut(all_cells, BEGIN_MS + 20 * HOUR_MS, BEGIN_MS + 24 * HOUR_MS), BEGIN_MS + 24 * HOUR_MS)
    assert {one.poll for one in first.findings if one.phase == "opened"} == {0, 1, 2}
    assert {one.poll for one in first.findings if one.phase == "calm"} == {0, 1, 2}, f"seed {seed}"
    assert last.findings == [], f"seed {seed}"
    assert last.windows is not None
    assert last.windows.expected.mean() == pytest.approx(120, rel=0.1)


def test_the_level_is_not_learned_from_the_flood_it_is_judging() -> None:
    seed = 107
    rng = np.random.default_rng(seed)
    start_ms = BEGIN_MS + 6 * HOUR_MS
    votes = joined(drawn(rng, constant(1, 0.1, 7)), surge(rng, 0, 0, start_ms, 20, 600))
    detector = RateDetector(RateParams(), keep_scores=True)
    windows = detector.advance(cells(votes, 250), BEGIN_MS + 7 * HOUR_MS).windows
    assert windows is not None
    after = windows.start_ms >= start_ms
    assert windows.expected[after].max() < 12, f"seed {seed}"
    assert windows.alarm.sum() == 1


def test_an_episode_speaks_once_a_window_and_ends_when_it_was_calm_for_long_enough() -> None:
    seed = 108
    rng = np.random.default_rng(seed)
    start_ms = BEGIN_MS + 6 * HOUR_MS
    votes = joined(drawn(rng, constant(1, 0.1, 8)), surge(rng, 0, 0, start_ms, 20, 180))
    findings = RateDetector(RateParams()).advance(cells(votes, 250), BEGIN_MS + 8 * HOUR_MS).findings
    phases = [one.phase for one in findings]
    assert phases[0] == "opened"
    assert phases.count("opened") == phases.count("calm") == 1, f"seed {seed}: {findings}"
    updates = [one.at_ms for one in findings if one.phase == "update"]
    assert updates == list(range(updates[0], updates[-1] + 1, 60_000))
    assert all(one.score >= 0.7 for one in findings if one.phase == "update"), "a calm window is not worth a word"
    assert findings[-1].at_ms == start_ms + 180_000 + RateParams().calm_ms + 60_000, f"seed {seed}: {findings}"


def test_an_old_poll_that_was_long_quiet_is_not_taken_for_a_launch() -> None:
    seed = 109
    rng = np.random.default_rng(seed)
    back_ms = BEGIN_MS + 20 * HOUR_MS
    votes = joined(surge(rng, 0, 0, BEGIN_MS, 0.1, 7200), surge(rng, 0, 0, back_ms, 20, 60), surge(rng, 1, 0, back_ms, 20, 60))
    found = openings(votes, 21)
    assert [one.poll for one in found] == [0], f"seed {seed}: {found}"
    assert found[0].at_ms - back_ms <= 2000
