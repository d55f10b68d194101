"""Finer work is shed by who can't keep up, and by nobody else: not after a stop, a takeover, an outage or a pause."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from streams.overload import Overload

AFTER_MS = 60_000
HOUR_S = 3_600


def shed_s(behind_s: Callable[[int], float], seconds: range = range(HOUR_S), after_ms: int = AFTER_MS) -> list[int]:
    """Return the seconds in which work is shed, if the worker is so far behind in each of them."""
    rule = Overload(after_ms)
    return [at for at in seconds if rule.see(1_000_000 + at * 1000, round(max(0.0, behind_s(at)) * 1000))]


def noise(seed: int) -> Callable[[int], float]:
    """What is worked on now is up to two seconds older or newer than what is worked on next."""
    rng = random.Random(seed)
    return lambda _: rng.uniform(-2, 2)


@pytest.mark.parametrize("growth", [0.05, 0.5, 1.0])
def test_who_falls_further_and_further_behind_sheds_until_half_of_it_is_left(growth: float) -> None:
    grows_s = round(60 / growth) + 200
    behind = lambda at: growth * at if at < grows_s else growth * grows_s - 0.5 * (at - grows_s)  # noqa: E731
    shed = shed_s(behind)
    reached = round(60 / growth)
    assert reached + 60 <= shed[0] <= reached + 130
    half = next(at for at in range(grows_s, HOUR_S) if behind(at) < 30)
    assert shed == list(range(shed[0], half))


@pytest.mark.parametrize("seed", range(20))
def test_a_backlog_that_shrinks_by_itself_is_never_shed(seed: int) -> None:
    rng, wobble = random.Random(seed), noise(seed)
    begin_s, per_s = rng.uniform(100, 20_000), rng.choice([0.15, 0.5, 3.0])
    assert shed_s(lambda at: begin_s - per_s * at + wobble(at)) == [], f"seed {seed}"


def test_a_takeover_of_20_s_is_far_from_it() -> None:
    assert shed_s(lambda at: 0 if at < 100 else 45 - 0.1 * (at - 100)) == []


def test_an_outage_of_minutes_in_which_nothing_moves_is_no_overload() -> None:
    seconds = [*range(100), *range(400, HOUR_S)]
    rule = Overload(AFTER_MS)
    assert not any(rule.see(at * 1000, max(0, 300_000 - 400 * max(0, at - 400)) if at >= 400 else 0) for at in seconds)


def test_pauses_between_which_it_catches_up_are_none_either() -> None:
    """Three pauses of 90 s, each before what the one before left behind is worked off."""
    rule, behind_ms, shed = Overload(AFTER_MS), 0, []
    for at in range(600):
        if at % 120 == 60:
            behind_ms += 90_000
        behind_ms = max(0, behind_ms - 400)
        shed.append(rule.see((at + 90 * (at // 120)) * 1000, behind_ms))
    assert not any(shed)


def test_a_lag_that_neither_grows_nor_shrinks_beyond_the_limit_is_shed() -> None:
    wobble = noise(1)
    assert shed_s(lambda at: 100 + wobble(at))


def test_below_the_limit_nothing_is_shed_however_long() -> None:
    wobble = noise(2)
    assert shed_s(lambda at: 57 + wobble(at)) == []


def test_nought_never_sheds() -> None:
    assert shed_s(lambda at: at * 1.0, after_ms=0) == []


def test_other_partitions_begin_a_new_comparison() -> None:
    rule = Overload(AFTER_MS)
    for at in range(55):
        assert not rule.see(at * 1000, 70_000 + at * 100)
    rule.begin()
    assert not any(rule.see(at * 1000, 90_000 - (at - 55) * 100) for at in range(55, 200))


def test_what_is_shed_stays_so_over_an_assignment_until_it_is_caught_up() -> None:
    rule = Overload(AFTER_MS)
    for at in range(200):
        rule.see(at * 1000, 70_000 + at * 100)
    assert rule.sheds
    rule.begin()
    assert rule.see(300_000, 40_000)
    assert not rule.see(301_000, 29_000)
