"""Clocks inside crowds: how many votes are the clock's is told by how much numbers vary, with an interval that covers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from ballots_by_hand import START_MS, every, fed, together
from rhythms import celebrity, clock, crowd

from detectors.columns import Floats, Int64s
from detectors.shape.among import Spread, began_ms, by_chance, measure
from detectors.shape.detector import Shape, ShapeParams
from detectors.watcher import Ballots, Sighting

CROWD_S = 600.0
OVER_S = 1300.0


def of_one_mind(rng: np.random.Generator, rows: Ballots) -> Ballots:
    """Return a crowd that was sent to say one thing, so that other options tell nothing of its size."""
    return replace(rows, option=np.where(rng.random(len(rows)) < 0.94, 1, 0).astype(np.int32))


def in_fading_crowd(rng: np.random.Generator, size: int, after_s: float, per_s: float, jitter: float) -> Ballots:
    """Return a clock of 120 s that begins after a crowd of this size came, to a poll with a vote every three seconds."""
    came = of_one_mind(rng, celebrity(rng, CROWD_S, size))
    own = crowd(rng, 0.3, 0, OVER_S)
    return together([own, came, clock(rng, per_s, CROWD_S + after_s, 120, jitter)])


def in_even_crowd(rng: np.random.Generator, own_per_s: float, per_s: float) -> Ballots:
    came = of_one_mind(rng, crowd(rng, own_per_s, CROWD_S - 100, CROWD_S + 220))
    return together([crowd(rng, 0.3, 0, OVER_S), came, clock(rng, per_s, CROWD_S, 120, 1.0)])


def last_of_clock(rows: Ballots) -> Sighting | None:
    seen = [s for s in fed(Shape(ShapeParams()), rows, OVER_S) if s.lean == "coordinated"]
    return seen[-1] if seen else None


CROWDS: dict[str, tuple[Callable[[np.random.Generator], Ballots], int, float]] = {
    "ten times, fading": (lambda rng: in_fading_crowd(rng, 24_000, 150, 20, 1.0), 2_400, 0.3),
    "twice, fading": (lambda rng: in_fading_crowd(rng, 9_600, 60, 40, 1.0), 4_800, 0.15),
    "twice, fading, much jitter": (lambda rng: in_fading_crowd(rng, 24_000, 90, 100, 4.0), 12_000, 0.2),
    "even, half as fast": (lambda rng: in_even_crowd(rng, 10, 20), 2_400, 0.2),
}


@pytest.mark.parametrize("name", CROWDS)
def test_of_a_clock_inside_a_crowd_the_interval_covers_and_the_estimate_is_near(name: str) -> None:
    make, clocked, near = CROWDS[name]
    seen = {seed: last_of_clock(make(np.random.default_rng(seed))) for seed in range(12)}
    told = {seed: sighting.suspects[0] for seed, sighting in seen.items() if sighting is not None}
    covered = [seed for seed, one in told.items() if one.low <= clocked <= one.high]
    errors = {seed: round(one.votes / clocked - 1, 2) for seed, one in told.items()}
    assert len(told) >= 8, f"seeds {sorted(told)}"
    assert len(covered) >= 0.9 * len(told), f"covered {covered} of {told}"
    assert all(one.low <= one.votes <= one.high for one in told.values()), told
    assert np.median(np.abs(list(errors.values()))) <= near, errors


def test_the_sentences_tell_how_many_are_the_clocks_and_how_many_the_crowds() -> None:
    rng = np.random.default_rng(20)
    came = of_one_mind(rng, crowd(rng, 50, CROWD_S - 100, CROWD_S + 220))
    rows = together([crowd(rng, 0.3, 0, OVER_S), came, clock(rng, 100, CROWD_S, 120, 0.5)])
    last = last_of_clock(rows)
    assert last is not None
    clocks, people, _ = last.evidence
    assert clocks.sentence.startswith(f"About {last.suspects[0].votes:,.0f} votes for one answer came like clockwork")
    assert people.sentence.startswith(f"About {people.observed:,.0f} votes among them came one by one as people's do")
    span_s = np.array([last.start_ms, last.end_ms]) / 1000 - START_MS / 1000 - CROWD_S
    assert people.observed == pytest.approx(50 * 0.94 * (span_s[1] - span_s[0]), rel=0.35), "seed 20"
    assert last.suspects[0].votes == pytest.approx(12_000, rel=0.15), "seed 20"


def test_a_clock_in_a_quiet_poll_is_counted_by_the_pace_of_the_poll() -> None:
    errors = []
    for seed in range(20, 28):
        rng = np.random.default_rng(seed)
        last = last_of_clock(together([crowd(rng, 0.3, 0, OVER_S), clock(rng, 7.5, CROWD_S, 240, 1.0)]))
        assert last is not None, f"seed {seed}"
        assert "the poll brings by itself" in last.evidence[1].sentence, f"seed {seed}"
        errors.append(abs(last.suspects[0].votes - 1_800))
    assert np.mean(errors) <= 0.02 * 1_800, f"seeds 20 to 27: {errors}"


def test_what_is_said_of_a_crowd_does_not_depend_on_calls_or_restarts() -> None:
    rows = in_fading_crowd(np.random.default_rng(22), 9_600, 60, 40, 1.0)
    whole = fed(Shape(ShapeParams()), rows, OVER_S)
    assert any("one by one" in evidence.sentence for sighting in whole for evidence in sighting.evidence)
    assert fed(Shape(ShapeParams()), rows, OVER_S, every(7.25, OVER_S)) == whole
    for stop_s in (CROWD_S + 80, CROWD_S + 130, CROWD_S + 200):
        first, second = Shape(ShapeParams()), Shape(ShapeParams())
        cut = int(np.searchsorted(rows.effective_ms, START_MS + round(stop_s * 1000)))
        seen = fed(first, rows.take(slice(0, cut)), stop_s)
        second.restore(first.snapshot())
        assert seen + fed(second, rows.take(slice(cut, len(rows))), OVER_S) == whole, stop_s


def times(seconds: Floats) -> Int64s:
    return np.sort(seconds[(seconds >= 0) & (seconds < 128)] * 1000).astype(np.int64)


def measured(at_ms: Int64s) -> Spread:
    spread = Spread()
    for low in range(0, 128_000, 32_000):
        spread.add(measure(at_ms[(at_ms >= low) & (at_ms < low + 32_000)], low, low + 32_000))
    return spread


@pytest.mark.parametrize(("people_per_s", "jitter_steps"), [(50, 0.5), (50, 6.0), (200, 0.5), (5, 2.0)])
def test_people_are_counted_among_a_clock_whatever_its_jitter(people_per_s: float, jitter_steps: float) -> None:
    within = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        people = rng.uniform(0, 128, rng.poisson(people_per_s * 128))
        even = 8 + (np.arange(11_000) + rng.uniform(-jitter_steps, jitter_steps, 11_000)) / 100
        chance = by_chance(measured(times(np.concatenate([people, even]))))
        assert chance is not None
        within += abs(chance.votes - len(people)) <= 1.96 * chance.error
    assert within >= 17, f"seeds 0 to 19: {within}"


def test_too_few_votes_tell_nothing_of_a_crowd() -> None:
    assert by_chance(Spread()) is None
    assert by_chance(measured(times(np.arange(0, 128, 2.0)))) is None


@pytest.mark.parametrize("per_s", [0.5, 1, 2, 3, 4, 6, 8, 12, 25, 50, 100, 200, 1_000, 20_000])
def test_any_pace_for_any_time_is_a_number_with_an_error_or_nothing(per_s: float) -> None:
    even, spread = np.arange(0, 32_000, 1_000 / per_s).astype(np.int64), Spread()
    for _ in range(40):
        spread.add(measure(even, 0, 32_000))
        chance = by_chance(spread)
        assert chance is None or (0 <= chance.votes <= spread.votes and 0 < chance.error < np.inf)


def test_a_clock_that_showed_late_is_followed_back_and_not_into_the_crowd_before() -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        at_ms = times(np.concatenate([rng.uniform(0, 64, 3_200), np.arange(2_400) / 100 + 40]))
        began = began_ms(at_ms[at_ms < 64_000], 0, 54_000, 64_000)
        assert 22_000 <= began <= 40_000, f"seed {seed}: {began}"
