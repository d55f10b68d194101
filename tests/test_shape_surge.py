"""How surges go on: people fade and are said to, what is switched off is told, and neither accuses."""

from __future__ import annotations

import numpy as np
import pytest
from ballots_by_hand import START_MS, ballots_of, fed, seconds, together
from rhythms import celebrity, crowd, television

from detectors.shape.detector import Shape, ShapeParams
from detectors.shape.surge import Course, Surge, profile
from detectors.watcher import Ballots, Sighting

UNTIL_S = 7_200.0
BEGINS_S = 1_500.0


def courses(rows: Ballots) -> list[Sighting]:
    seen = fed(Shape(ShapeParams()), rows, UNTIL_S)
    return [sighting for sighting in seen if sighting.cluster.startswith("surge")]


def over_a_quiet_poll(seed: int, surge: Ballots) -> Ballots:
    return together([crowd(np.random.default_rng(seed), 0.3, 0, UNTIL_S), surge])


@pytest.mark.parametrize("seed", range(6))
def test_a_crowd_after_a_post_fades_and_is_told_within_minutes(seed: int) -> None:
    seen = courses(over_a_quiet_poll(seed, celebrity(np.random.default_rng(seed), BEGINS_S, 2_000)))
    assert [s.lean for s in seen][:1] == ["organic"], f"seed {seed}"
    assert {s.lean for s in seen} == {"organic"}
    assert seen[0].at_ms - START_MS <= (BEGINS_S + 480) * 1000
    assert [s.phase for s in seen] in (["opened"], ["opened", "calm"])
    assert {e.direction for e in seen[0].evidence} == {"coordinated", "organic"}


@pytest.mark.parametrize("seed", range(6))
def test_television_fades_too(seed: int) -> None:
    seen = courses(over_a_quiet_poll(seed, television(np.random.default_rng(seed), BEGINS_S, 20)))
    assert {s.lean for s in seen} == {"organic"}, f"seed {seed}"


@pytest.mark.parametrize("seed", range(6))
def test_a_flood_that_is_switched_off_is_told_and_accuses_nobody(seed: int) -> None:
    flood = crowd(np.random.default_rng(seed + 50), 15, BEGINS_S, BEGINS_S + 240)
    seen = courses(over_a_quiet_poll(seed, flood))
    assert [(s.lean, s.phase) for s in seen] == [("none", "opened")], f"seed {seed}"
    assert not seen[0].suspects
    assert seen[0].score <= 1
    assert "switched on and off" in seen[0].evidence[0].sentence


@pytest.mark.parametrize("seed", range(6))
def test_a_short_pulse_a_slow_swell_and_a_quiet_poll_have_no_course(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pulse = crowd(rng, 4, BEGINS_S, BEGINS_S + 25)
    swell = ballots_of(seconds(rng.normal(3_600, 900, 800)), account=rng.integers(0, 1 << 60, 800))
    for surge in (pulse, swell.take(slice(0, 0)), swell):
        assert courses(over_a_quiet_poll(seed, surge)) == [], f"seed {seed}"


def test_nothing_is_said_of_a_poll_that_has_just_begun() -> None:
    assert courses(celebrity(np.random.default_rng(1), 10, 2_000)) == []


@pytest.mark.parametrize(
    ("votes", "course"),
    [
        ([300, 120, 80, 50, 40, 30, 25, 20, 18, 15], Course.FADING),
        ([300, 300, 310, 290, 140, 5, 4, 6, 5, 5, 4, 5], Course.SWITCHED),
        ([300, 300, 310, 290, 140, 60, 45, 40, 33, 30, 25, 24], Course.FADING),
        ([300, 100, 5, 4, 6, 5, 5, 4, 5, 5], Course.UNCLEAR),
        ([300, 100, 50, 60, 40, 50, 60, 70, 50, 60], Course.UNCLEAR),
        ([300, 300, 310], Course.UNCLEAR),
    ],
)
def test_a_course_is_read_from_votes_by_frame(votes: list[int], course: Course) -> None:
    assert profile(Surge(0, 100, 5.0, votes)).course == course
