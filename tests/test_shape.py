"""The rhythm of votes: clocks are told from people, soon, with how many votes they are, and people never are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from ballots_by_hand import START_MS, ballots_of, every, fed, together
from rhythms import batches, celebrity, clock, crowd, in_whole_seconds, television

from detectors.shape.detector import Shape, ShapeParams
from detectors.watcher import Ballots, Sighting, Suspected

BEGINS_S = 1200.0
ENDS_S = 1440.0
OVER_S = 2400.0


def hijacked(seed: int, own_per_s: float, clock_per_s: float = 7.5, jitter_steps: float = 1.0) -> Ballots:
    rng = np.random.default_rng(seed)
    own = crowd(rng, own_per_s, 0, OVER_S)
    return together([own, clock(rng, clock_per_s, BEGINS_S + rng.uniform(0, 32), ENDS_S - BEGINS_S, jitter_steps)])


def watched(rows: Ballots, until_s: float = OVER_S) -> list[Sighting]:
    return fed(Shape(ShapeParams()), rows, until_s)


def clocks(seen: list[Sighting]) -> list[Sighting]:
    return [sighting for sighting in seen if sighting.lean == "coordinated"]


def delay_s(rows: Ballots, seen: list[Sighting]) -> float:
    """Return seconds from the first vote after BEGINS_S that is not the poll's own pace to the opening."""
    opened = [sighting.at_ms for sighting in clocks(seen) if sighting.phase == "opened"]
    return (opened[0] - START_MS) / 1000 - BEGINS_S if opened else np.inf


def last_suspected(seen: list[Sighting]) -> Suspected:
    return clocks(seen)[-1].suspects[0]


@pytest.mark.parametrize("own_per_s", [0.05, 0.2, 0.4])
def test_a_clock_of_seven_votes_a_second_is_told_within_30_s(own_per_s: float) -> None:
    delays = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        begins_s = BEGINS_S + rng.uniform(0, 32)
        rows = together([crowd(rng, own_per_s, 0, OVER_S), clock(rng, 7.5, begins_s, 240, 1.0)])
        delays.append(delay_s(rows, watched(rows)) + BEGINS_S - begins_s)
    assert np.median(delays) <= 26, f"seeds 0 to 11: {delays}"
    assert sorted(delays)[-2] <= 32, f"seeds 0 to 11: {delays}"


@pytest.mark.parametrize(
    ("clock_per_s", "jitter_steps", "own_per_s", "within_s"),
    [(20, 1, 0.3, 16), (20, 0, 0.3, 12), (7.5, 0, 0.3, 20), (7.5, 1.5, 0.3, 75), (2, 0.5, 0.1, 150), (20, 1, 10, 90)],
)
def test_clocks_of_other_steps_and_jitter_are_told(
    clock_per_s: float, jitter_steps: float, own_per_s: float, within_s: float
) -> None:
    for seed in range(4):
        delay = delay_s(rows := hijacked(seed, own_per_s, clock_per_s, jitter_steps), watched(rows))
        assert delay <= within_s + 32, f"seed {seed}: {delay}"


def test_a_slow_clock_is_told_in_time() -> None:
    rng = np.random.default_rng(3)
    rows = together([crowd(rng, 0.02, 0, 7200), clock(rng, 0.5, 1200, 5400, 0.5)])
    assert clocks(watched(rows, 7200))


def test_a_clock_is_told_where_times_are_whole_seconds() -> None:
    rows = in_whole_seconds(hijacked(1, 0.2))
    assert delay_s(rows, watched(rows)) <= 120


def test_how_many_votes_the_clock_sent_is_told_with_an_interval_that_covers() -> None:
    covered, errors = 0, []
    for seed in range(30):
        own_per_s = (0.05, 0.3, 1.0)[seed % 3]
        rows = hijacked(seed, own_per_s)
        clocked = 1800
        suspected = last_suspected(watched(rows))
        covered += suspected.low <= clocked <= suspected.high
        errors.append(abs(suspected.votes - clocked) / len(rows))
    assert covered >= 27, f"seeds 0 to 29: {covered}"
    assert np.mean(errors) <= 0.01, f"seeds 0 to 29: {errors}"


def test_votes_are_told_by_option_and_nobody_is_named() -> None:
    seen = clocks(watched(hijacked(2, 0.3)))
    assert {s.option for s in seen} == {1}
    assert last_suspected(seen).options.keys() == {1}
    assert all(not s.members and not s.cleared for s in seen)


def test_a_clock_through_all_options_is_one_of_the_poll() -> None:
    rng = np.random.default_rng(5)
    even = clock(rng, 7.5, BEGINS_S, 240, 0.5)
    spread = replace(even, option=rng.integers(0, 3, len(even)).astype(np.int32))
    seen = clocks(watched(together([crowd(rng, 0.3, 0, OVER_S), spread])))
    assert {s.option for s in seen} == {-1}
    suspected = last_suspected(seen)
    assert suspected.low <= 1800 <= suspected.high
    assert sum(suspected.options.values()) == pytest.approx(suspected.votes)


def test_an_episode_opens_goes_on_and_becomes_calm() -> None:
    seen = clocks(watched(hijacked(4, 0.3)))
    assert [s.phase for s in seen] == ["opened", *["update"] * (len(seen) - 2), "calm"]
    assert len({s.cluster for s in seen}) == 1
    assert 5 <= len(seen) <= 11
    assert all(s.score > 1 for s in seen[:-1])
    assert seen[-1].score == 0
    ended_ms = START_MS + (ENDS_S + 32) * 1000
    assert abs(seen[-1].end_ms - ended_ms) <= 64_000
    assert seen[-1].at_ms - seen[-1].end_ms <= ShapeParams().calm_ms + 64_000


def test_a_second_clock_is_an_episode_of_its_own() -> None:
    rng = np.random.default_rng(6)
    parts = [crowd(rng, 0.2, 0, 3600), clock(rng, 7.5, 1000, 200, 1), clock(rng, 7.5, 2400, 200, 1)]
    seen = clocks(watched(together(parts), 3600))
    assert [s.phase for s in seen if s.phase != "update"] == ["opened", "calm"] * 2
    assert len({s.cluster for s in seen}) == 2
    assert last_suspected(seen).votes == pytest.approx(1500, abs=60)


def test_the_evidence_has_both_sides_and_says_what_is_not_known() -> None:
    first = watched(hijacked(7, 0.3))[0]
    assert {e.direction for e in first.evidence} == {"coordinated", "organic"}
    assert "taken over" in first.evidence[-1].sentence
    assert first.observed < 0.5 < first.expected == 1


CROWDS: dict[str, Callable[[np.random.Generator], Ballots]] = {
    "even and fast": lambda rng: crowd(rng, 8, 0, 1500),
    "quiet": lambda rng: crowd(rng, 0.3, 0, 7200),
    "celebrity": lambda rng: together([crowd(rng, 0.2, 0, 3600), celebrity(rng, 1200, 3000)]),
    "television": lambda rng: together([crowd(rng, 0.2, 0, 3600), television(rng, 1200, 25)]),
    "plateau": lambda rng: together([crowd(rng, 0.2, 0, 3600), crowd(rng, 22, 1200, 1380)]),
    "gateways": lambda rng: batches(rng, 3, 1800),
    "whole seconds": lambda rng: in_whole_seconds(crowd(rng, 5, 0, 1800)),
    "random hijack": lambda rng: together([crowd(rng, 0.2, 0, 3600), crowd(rng, 7.5, 1200, 1440, options=1)]),
}


@pytest.mark.parametrize("name", CROWDS)
def test_people_are_never_a_clock(name: str) -> None:
    for seed in range(4):
        seen = watched(CROWDS[name](np.random.default_rng(seed)), 7200)
        assert not clocks(seen), f"seed {seed}"


def evenly(per_s: float, from_s: float, to_s: float) -> Ballots:
    at_ms = np.arange(round(from_s * 1000), round(to_s * 1000), round(1000 / per_s))
    return ballots_of(at_ms, account=at_ms)


@pytest.mark.parametrize("per_s", [0.05, 0.5, 4.0])
def test_votes_that_always_came_evenly_are_the_manner_of_their_source(per_s: float) -> None:
    swelling = [evenly(per_s * factor, 600 * factor, 600 * factor + 599) for factor in (1, 2, 5, 3, 1)]
    for rows in (evenly(per_s, 0, 3600), together(swelling[:4])):
        assert not clocks(watched(rows, 4000))


def test_a_clock_is_told_after_few_votes_of_people_and_not_before_any() -> None:
    rng = np.random.default_rng(10)
    even = clock(rng, 10, BEGINS_S, 240, 0.0)
    people = crowd(rng, 1.0, BEGINS_S - 600, BEGINS_S - 540)
    assert clocks(watched(together([people, even])))
    assert not clocks(watched(even))


def test_revotes_replies_and_late_rows_have_no_rhythm() -> None:
    own, even = (hijacked(8, 0.2).take(slice(0, 100)), np.arange(0, 240_000, 133) + 1_200_000)
    again = ballots_of(even, account=np.zeros(len(even)))
    replies = ballots_of(even, option=-1)
    late = ballots_of(even)
    late = replace(late, ts_ms=late.ts_ms - 5_000)
    for rows in (again, replies, late):
        assert watched(together([own, rows])) == []


def test_a_poll_that_left_takes_its_clock_along() -> None:
    rows, watcher = hijacked(9, 0.2), Shape(ShapeParams())
    half = int(np.searchsorted(rows.effective_ms, START_MS + 1_300_000))
    assert fed(watcher, rows.take(slice(0, half)), 1300)
    watcher.forget(np.array([0]))
    nobody = rows.take(slice(0, 0))
    assert fed(watcher, nobody, OVER_S, every(8, OVER_S)[163:]) == []
    fresh = replace(crowd(np.random.default_rng(1), 0.3, OVER_S, 2 * OVER_S))
    assert not clocks(fed(watcher, fresh, 2 * OVER_S))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"false_alarms_per_poll_day": 0.0}, "false_alarms_per_poll_day must be 1e-9 to 1, not 0.0"),
        ({"calm_ms": 1000}, "calm_ms must be 32000 to 86400000, not 1000"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ShapeParams(**wrong)  # type: ignore[arg-type]
