"""Time of which a detector was shown nothing looks like nothing: no surge switched off, no clock, no crowd come at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec
import numpy as np
import pytest
from ballots_by_hand import START_MS, every, fed_but_for, together
from broken_watchers import CountsCallsInTheDark, SuspectsTheDark
from contract_traffic import LENGTH_S, attacked, people
from lockstep_traffic import BEGIN_MS, HOUR_MS, Traffic, end_of
from rhythms import clock, crowd
from watchers_under_test import SUBJECTS

from detectors.crowd.detector import Crowd
from detectors.crowd.params import CrowdParams
from detectors.lockstep.detector import Lockstep
from detectors.lockstep.params import LockstepParams
from detectors.shape.detector import Shape, ShapeParams
from detectors.watcher import Ballots, Sighting, Watcher

Gap = tuple[float, float]
END_MS = (LENGTH_S + 900) * 1000


def but_for(watcher: Watcher, rows: Ballots, gaps_s: list[Gap], until_s: float, start_ms: int = START_MS) -> list[Sighting]:
    """Return what a watcher says that is called once a minute and not shown the rows of gaps (seconds since the start)."""
    gaps_ms = [(round(low * 1000), round(high * 1000)) for low, high in gaps_s]
    return fed_but_for(watcher, rows, gaps_ms, [*every(60, until_s), round(until_s * 1000)], start_ms)


def gaps(seed: int) -> list[tuple[int, int]]:
    """Return spans of a second to ten minutes, and as long between them."""
    rng = np.random.default_rng(seed)
    edges_ms = (np.cumsum(rng.choice([1_000, 20_000, 60_000, 300_000, 600_000], 40)) + rng.integers(0, 60_000)) // 250 * 250
    return [(low, high) for low, high in edges_ms.reshape(-1, 2).tolist()]


class Restarting:
    """A watcher that is restored from its own snapshot before every call."""

    def __init__(self, make: Callable[[], Watcher]) -> None:
        self._make, self._watcher = make, make()

    def __getattr__(self, name: str) -> Any:
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(self._watcher.snapshot()), strict=False)
        self._watcher = self._make()
        self._watcher.restore(state)
        return getattr(self._watcher, name)


def assert_where_it_is_cut_or_stopped_changes_nothing(make: Callable[[], Watcher]) -> None:
    for seed in range(2):
        cuts_ms = sorted(np.random.default_rng(seed).choice(END_MS // 250, 40, replace=False) * 250)
        expected = fed_but_for(make(), attacked(), gaps(seed), [END_MS])
        for watcher in (make(), cast(Watcher, Restarting(make))):
            assert fed_but_for(watcher, attacked(), gaps(seed), [*map(int, cuts_ms), END_MS]) == expected, f"seed {seed}"


def assert_nobody_is_accused(make: Callable[[], Watcher]) -> None:
    for seed in range(6):
        heard = fed_but_for(make(), people(), gaps(seed), [*every(60, END_MS / 1000), END_MS])
        assert not [seen for seen in heard if seen.lean == "coordinated" and seen.score > 1], f"seed {seed}"


@pytest.mark.parametrize("name", SUBJECTS)
def test_where_a_gap_is_cut_and_whether_it_is_restored_in_one_changes_nothing(name: str) -> None:
    assert_where_it_is_cut_or_stopped_changes_nothing(SUBJECTS[name].make)
    with pytest.raises(AssertionError):
        assert_where_it_is_cut_or_stopped_changes_nothing(CountsCallsInTheDark)


@pytest.mark.parametrize("name", SUBJECTS)
def test_of_people_who_are_seen_in_part_nobody_is_accused(name: str) -> None:
    assert_nobody_is_accused(SUBJECTS[name].make)
    with pytest.raises(AssertionError):
        assert_nobody_is_accused(SuspectsTheDark)


@pytest.mark.parametrize("seed", range(6))
def test_a_surge_that_is_shown_in_part_was_not_switched_off(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = together([crowd(rng, 0.3, 0, 5_400), crowd(rng, 15, 1_500, 2_700)])
    heard = but_for(Shape(ShapeParams()), rows, [(1_740.25, 2_760)], 5_400)
    assert not [seen for seen in heard if "switched" in seen.evidence[0].sentence], f"seed {seed}"


@pytest.mark.parametrize("seed", range(6))
def test_a_poll_whose_votes_always_come_evenly_does_not_seem_to_get_them_by_chance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gaps = [(at + 36.25, at + 60.0) for at in np.arange(120.0, 3_600.0, 60.0)]
    rows = together([clock(rng, 0.1, 0, 3_600, 0.0), clock(rng, 20, 3_700, 300, 0.0)])
    heard = but_for(Shape(ShapeParams()), rows, gaps, 4_200)
    assert not [seen for seen in heard if seen.lean == "coordinated"], f"seed {seed}"


def notified(seed: int) -> Traffic:
    """Two hundred people who get a notice of each of four polls, half an hour apart: 27 % come within 20 s, most in minutes."""
    traffic = Traffic(seed)
    traffic.background(polls=8, votes_each=900, people=12_000)
    for number in range(4):
        who = np.flatnonzero(traffic.rng.random(200) < 0.8)
        reaction_ms = 190_000 * (traffic.rng.random(len(who)) ** (-1 / 3.14) - 1)
        traffic.add("fan", who, number, HOUR_MS + number * HOUR_MS // 2 + reaction_ms)
    return traffic


@pytest.mark.parametrize("after_s", [20.0, 40.0])
@pytest.mark.parametrize("seed", range(3))
def test_people_of_one_community_whose_crowd_was_shown_in_part_did_not_come_at_once(seed: int, after_s: float) -> None:
    rows = notified(seed).ballots()
    gaps = [(3_600 + number * 1_800 + after_s, 3_600 + number * 1_800 + 900.0) for number in range(4)]
    heard = but_for(Lockstep(LockstepParams()), rows, gaps, (end_of(rows) - BEGIN_MS) / 1000, BEGIN_MS)
    assert not [seen for seen in heard if seen.lean == "coordinated"], f"seed {seed}"


@pytest.mark.parametrize("seed", range(3))
def test_a_group_that_meets_between_gaps_is_found_all_the_same(seed: int) -> None:
    traffic = Traffic(seed)
    traffic.background(polls=12, votes_each=900, people=12_000)
    for number in range(8):
        who = np.flatnonzero(traffic.rng.random(300) < 0.85)
        traffic.add("bot", who, number, HOUR_MS // 2 * number + HOUR_MS // 4 + traffic.rng.integers(0, 20_000, len(who)), 0.9)
    rows = traffic.ballots()
    gaps = [(number * 1_800.0, number * 1_800 + 480.0) for number in range(1, 8)]
    heard = but_for(Lockstep(LockstepParams()), rows, gaps, (end_of(rows) - BEGIN_MS) / 1000, BEGIN_MS)
    named = {member.account_id for seen in heard for member in seen.members}
    assert sum(name.startswith("bot") for name in named) >= 280, f"seed {seed}"
    assert sum(name.startswith("person") for name in named) <= 3, f"seed {seed}"


@pytest.mark.parametrize("seed", range(3))
def test_after_a_gap_a_poll_with_its_usual_pace_has_no_surge(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gaps = [(at + 300.0, at + 1_200.0) for at in np.arange(1_200.0, 9_000.0, 1_500.0)]
    heard = but_for(Crowd(CrowdParams()), crowd(rng, 2, 0, 10_000), gaps, 10_000)
    assert heard == [], f"seed {seed}"
