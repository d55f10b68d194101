"""Scripts that meet in poll after poll are found with their accounts; people who meet are not."""

from __future__ import annotations

import numpy as np
import pytest
from lockstep_traffic import HOUR_MS, Times, Traffic, clusters, end_of, kinds, watch

from detectors.lockstep.detector import Lockstep
from detectors.lockstep.params import LockstepParams
from detectors.watcher import Sighting

SEEDS = (1001, 1002)


def seen_in(traffic: Traffic) -> list[Sighting]:
    votes = traffic.ballots()
    return watch(Lockstep(LockstepParams()), votes, [], end_of(votes))


def city(seed: int) -> Traffic:
    traffic = Traffic(seed)
    traffic.background(polls=20, votes_each=1_200, people=12_000)
    return traffic


def reaction_ms(rng: np.random.Generator, size: int) -> Times:
    """Times after a celebrity's post: 27 % within 20 s, 45 % within 40 s of ten minutes."""
    return (190_000 * (rng.random(size) ** (-1 / 3.14) - 1)).astype(np.int64)


@pytest.mark.parametrize("seed", SEEDS)
def test_hundreds_of_accounts_in_eight_polls_within_seconds_are_named(seed: int) -> None:
    traffic = city(seed)
    traffic.script("bot", 600, list(range(8)), part=0.85, width_ms=20_000)
    (named,) = clusters(seen_in(traffic)).values()
    assert kinds(named).get("bot", 0) >= 0.98 * 600, f"seed {seed}: {kinds(named)}"
    assert kinds(named).get("person", 0) <= 0.01 * len(named), f"seed {seed}: {kinds(named)}"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_ring_of_forty_in_a_dozen_polls_within_a_minute_is_named(seed: int) -> None:
    traffic = city(seed)
    traffic.script("bot", 40, list(range(12)), part=0.9, width_ms=60_000)
    (named,) = clusters(seen_in(traffic)).values()
    assert kinds(named).get("bot", 0) >= 38, f"seed {seed}: {kinds(named)}"
    assert kinds(named).get("person", 0) <= 1, f"seed {seed}: {kinds(named)}"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pool_that_rotates_is_one_cluster(seed: int) -> None:
    traffic = city(seed)
    left = [traffic.rng.permutation(450)[:360] for _ in range(5)]
    for pulse in range(20):
        now, left[pulse % 5] = np.split(left[pulse % 5], [84])
        times_ms = 900_000 + pulse * 600_000 + traffic.rng.integers(0, 25_000, len(now))
        traffic.add("bot", now, pulse % 5, times_ms, same=0.9)
    (named,) = clusters(seen_in(traffic)).values()
    assert kinds(named).get("bot", 0) >= 0.95 * 450, f"seed {seed}: {kinds(named)}"
    assert kinds(named).get("person", 0) <= 0.01 * len(named), f"seed {seed}: {kinds(named)}"


def test_earlier_bursts_of_a_slow_pool_are_found_once_it_is_known() -> None:
    traffic = city(1)
    left = [traffic.rng.permutation(300)[:270] for _ in range(6)]
    for pulse in range(9):
        now, left[pulse % 6] = np.split(left[pulse % 6], [45])
        times_ms = 900_000 + pulse * 1_060_000 + traffic.rng.integers(0, 42_000, len(now))
        traffic.add("bot", now, pulse % 6, times_ms, same=0.9)
    last = seen_in(traffic)[-1]
    assert "9 times in 6 polls" in last.evidence[0].sentence


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_small_pool_is_told_in_polls_where_few_others_vote(seed: int) -> None:
    traffic = Traffic(seed)
    traffic.background(polls=25, votes_each=40, people=12_000)
    left = [traffic.rng.permutation(270)[:250] for _ in range(5)]
    for pulse in range(6):
        now, left[pulse % 5] = np.split(left[pulse % 5], [70])
        times_ms = 3_000_000 + pulse * 800_000 + traffic.rng.integers(0, 36_000, len(now))
        traffic.add("bot", now, pulse % 5, times_ms, same=0.9)
    (named,) = clusters(seen_in(traffic)).values()
    assert kinds(named).get("bot", 0) >= 0.75 * 270, f"seed {seed}: {kinds(named)}"
    assert kinds(named).get("person", 0) <= 0.01 * len(named), f"seed {seed}: {kinds(named)}"


def test_two_groups_in_the_same_polls_stay_two() -> None:
    traffic = city(1003)
    traffic.script("bot", 200, list(range(8)), part=0.9, width_ms=20_000)
    traffic.script("ring", 40, list(range(8)), part=0.95, width_ms=50_000)
    found = [kinds(named) for named in clusters(seen_in(traffic)).values()]
    assert sorted(max(of, key=lambda kind: of[kind]) for of in found) == ["bot", "ring"], found


@pytest.mark.parametrize("seed", SEEDS)
def test_fans_who_meet_at_rallies_within_minutes_are_not_accused(seed: int) -> None:
    traffic = city(seed)
    for poll in range(9):
        who = traffic.rng.choice(1_900, traffic.rng.integers(400, 700), replace=False)
        start_ms = (1 + poll) * 20 * 60_000
        traffic.add("fan", who, poll, start_ms + traffic.rng.exponential(216_000, len(who)), same=0.95)
    assert seen_in(traffic) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_one_celebritys_crowd_in_three_polls_one_after_the_other_is_not_accused(seed: int) -> None:
    traffic = city(seed)
    for poll in range(3):
        who = traffic.rng.choice(4_000, 2_400, replace=False)
        traffic.add("fan", who, poll, (1 + poll) * HOUR_MS + reaction_ms(traffic.rng, 2_400), same=0.97)
    assert seen_in(traffic) == []


def test_an_audience_that_may_vote_for_one_minute_only_is_not_accused() -> None:
    traffic = city(1004)
    for poll in range(20, 24):
        audience = np.concatenate([np.arange(300), traffic.rng.integers(1_000, 100_000, 1_500)])
        start_ms = (poll - 19) * 40 * 60_000
        traffic.add(
            "viewer",
            np.unique(audience),
            poll,
            start_ms + traffic.rng.integers(0, 45_000, len(np.unique(audience))),
        )
    assert seen_in(traffic) == []


def test_where_hundreds_vote_each_second_anybody_coincides_and_nobody_is_accused() -> None:
    traffic = Traffic(1005)
    for poll in range(4):
        who = traffic.rng.choice(60_000, 50_000, replace=False)
        traffic.add("person", who, poll, poll * 30_000 + traffic.rng.integers(0, 100_000, 50_000))
    assert seen_in(traffic) == []


def test_a_ring_is_found_among_organic_accounts_that_share_its_polls() -> None:
    traffic = Traffic(1006)
    traffic.background(polls=12, votes_each=1_300, people=2_500)
    traffic.script("bot", 40, list(range(12)), part=0.9, width_ms=60_000)
    (named,) = clusters(seen_in(traffic)).values()
    assert kinds(named).get("bot", 0) >= 38, kinds(named)
    assert kinds(named).get("person", 0) <= 1, kinds(named)


def test_a_script_is_told_by_its_third_burst_and_says_how_many_votes_it_sent() -> None:
    traffic = city(1007)
    bots = np.arange(300)
    for poll in range(3):
        traffic.add("bot", bots, poll, (1 + poll) * HOUR_MS + traffic.rng.integers(0, 20_000, 300), same=0.9)
    last = seen_in(traffic)[-1]
    assert last.lean == "coordinated"
    assert last.score > 1
    assert [one.poll for one in last.suspects] == [0, 1, 2]
    for one in last.suspects:
        assert one.low <= 300 <= one.high
        assert one.votes == pytest.approx(300, abs=5)
        assert one.options[0] > 0.8 * 300
    assert {one.direction for one in last.evidence} == {"coordinated", "organic"}


def test_the_first_sighting_comes_within_minutes_of_the_second_burst() -> None:
    traffic = city(1008)
    for poll in range(2):
        traffic.add("bot", np.arange(300), poll, (1 + poll) * HOUR_MS + traffic.rng.integers(0, 20_000, 300))
    first = seen_in(traffic)[0]
    second_ms = 1_700_000_040_000 + 2 * HOUR_MS
    assert first.phase == "opened"
    assert second_ms < first.at_ms <= second_ms + 6 * 60_000 + 20_000
