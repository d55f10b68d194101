"""Finer work is shed by who can't keep up, and by nobody else: not after a stop, a takeover, an outage or a pause."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest
from faust.types import TP
from prometheus_client import CollectorRegistry

from config import Settings
from streams.load import Load
from streams.metrics import Metrics
from streams.overload import Overload
from streams.silence import BrokersClock
from streams.transport import Batch, Progress, Records

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
    reached = round(60 / growth)
    grows_s = reached + 200

    def behind(at: int) -> float:
        return growth * at if at < grows_s else growth * grows_s - 0.5 * (at - grows_s)

    shed = shed_s(behind)
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


VOTES, EXCHANGE = TP("poll.votes", 0), TP("pollwatch.exchange", 3)


def run_of(tp: TP, ago_s: float) -> Batch:
    records = Records(tp.topic, tp.partition)
    records.offsets.append(7)
    records.timestamps_ms.append(round((time.time() - ago_s) * 1000))
    return Batch(tp, records, 1)


def at(read: int, end: int, in_flight: int = 0) -> Progress:
    return Progress(read, end, in_flight)


def load_of(registry: CollectorRegistry, brokers: BrokersClock | None = None) -> Load:
    return Load(Settings(), Metrics(registry), brokers or BrokersClock())


def free(_tp: TP) -> str:
    return ""


def shown(registry: CollectorRegistry, stage: str) -> float:
    seconds = registry.get_sample_value("pollwatch_behind_seconds", {"stage": stage})
    assert seconds is not None
    return seconds


def test_how_long_what_is_worked_on_has_waited_is_told_for_each_stage() -> None:
    registry = CollectorRegistry()
    load = load_of(registry)
    load.took(run_of(VOTES, 90))
    load.took(run_of(EXCHANGE, 20))
    load.weigh({VOTES: at(8, 900), EXCHANGE: at(8, 900)}, free)
    assert shown(registry, "intake") == pytest.approx(90, abs=2)
    assert shown(registry, "polls") == pytest.approx(20, abs=2)
    assert shown(registry, "cases") == 0


def test_nobody_is_behind_where_nothing_waits_however_old_it_is() -> None:
    registry = CollectorRegistry()
    load = load_of(registry)
    load.took(run_of(VOTES, 3_600))
    load.weigh({VOTES: at(8, 8, in_flight=1)}, free)
    assert shown(registry, "intake") == pytest.approx(3_600, abs=2), "it is still being worked on"
    load.weigh({VOTES: at(8, 8)}, free)
    assert shown(registry, "intake") == 0
    load.weigh({VOTES: at(8, 9)}, free)
    assert shown(registry, "intake") < 2, "what came now did not wait for an hour"


def test_who_is_held_up_learns_nothing_of_its_own_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    load = load_of(CollectorRegistry())
    seen: list[int] = []
    monkeypatch.setattr(Overload, "see", lambda _self, _now_ms, behind_ms: seen.append(behind_ms))
    load.took(run_of(VOTES, 500))
    load.weigh({VOTES: at(8, 900)}, free)
    load.weigh({VOTES: at(8, 900)}, free)
    load.weigh({VOTES: at(8, 900)}, lambda _: "pollwatch.exchange takes no records")
    load.weigh({VOTES: at(900, 900)}, free)
    assert seen == [pytest.approx(500_000, abs=2_000), 0], "once for what was taken, once for nothing left"


def test_before_anything_was_read_nothing_is_known_of_how_long_it_waited() -> None:
    registry = CollectorRegistry()
    load = load_of(registry)
    load.took(run_of(VOTES, 3_600))
    load.assigned()
    load.weigh({VOTES: at(8, 900)}, free)
    assert shown(registry, "intake") == 0


def test_the_clock_of_this_machine_is_not_asked_where_that_of_the_brokers_is_known() -> None:
    registry, brokers = CollectorRegistry(), BrokersClock()
    hour_ms = 3_600_000
    brokers.saw(round(time.time() * 1000) - hour_ms, time.monotonic_ns() // 1_000_000)
    load = load_of(registry, brokers)
    load.took(run_of(VOTES, 3_600 + 5))
    load.weigh({VOTES: at(8, 900)}, free)
    assert shown(registry, "intake") == pytest.approx(5, abs=2)


def test_a_partition_that_waits_for_others_does_not_make_its_worker_late() -> None:
    registry = CollectorRegistry()
    load = load_of(registry)
    load.took(run_of(VOTES, 500))
    load.took(run_of(EXCHANGE, 3))
    load.weigh({VOTES: at(8, 900), EXCHANGE: at(8, 9)}, lambda tp: "it is far ahead" if tp == VOTES else "")
    assert shown(registry, "intake") == 0
    assert shown(registry, "polls") == pytest.approx(3, abs=2)
