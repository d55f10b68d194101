"""Time of which a detector was shown nothing looks like nothing: no surge switched off, no clock, no crowd come at once."""

from __future__ import annotations

import numpy as np
import pytest
from ballots_by_hand import START_MS, together
from lockstep_traffic import BEGIN_MS, HOUR_MS, Traffic, end_of
from rhythms import clock, crowd

from detectors.crowd.detector import Crowd
from detectors.crowd.params import CrowdParams
from detectors.lockstep.detector import Lockstep
from detectors.lockstep.params import LockstepParams
from detectors.shape.detector import Shape, ShapeParams
from detectors.watcher import Ballots, Sighting, Watcher

Gap = tuple[float, float]


def but_for(watcher: Watcher, rows: Ballots, gaps_s: list[Gap], until_s: float, start_ms: int = START_MS) -> list[Sighting]:
    """Return what a watcher says that is not shown the rows of gaps (seconds since the start), a minute at a time."""
    edges_s = sorted({*np.arange(60.0, until_s, 60.0).tolist(), *(at for gap in gaps_s for at in gap), until_s})
    heard, from_s = [], 0.0
    for edge_s in edges_s:
        from_ms, until_ms = (start_ms + round(at * 1000) for at in (from_s, edge_s))
        if any(low <= from_s < high for low, high in gaps_s):
            heard += watcher.skip(from_ms, until_ms)
        else:
            heard += watcher.observe(rows.take(slice(*np.searchsorted(rows.effective_ms, (from_ms, until_ms)))), until_ms)
        from_s = edge_s
    return heard


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
