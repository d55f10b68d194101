"""While a backlog is worked off, partitions come through event time together; otherwise nobody waits for anybody."""

from __future__ import annotations

import random

import pytest

from detectors.watermark import UNKNOWN_MS
from streams.alignment import LEAD_MS, Reached, too_far_ahead

LAGGING = 1_000
HOUR_MS = 3_600_000


def at(passed_ms: int, unread: int = 0, arrived_ms: int | None = None, answered_ago_ms: int | None = 100) -> Reached:
    return Reached(passed_ms, passed_ms if arrived_ms is None else arrived_ms, unread, answered_ago_ms)


def test_whoever_is_far_ahead_of_one_that_lags_waits_for_it() -> None:
    reached = {"a": at(0, 50_000), "b": at(LEAD_MS + 1, 50_000), "c": at(LEAD_MS, 50_000), "d": at(HOUR_MS)}
    assert too_far_ahead(reached, LAGGING) == {"b": "a", "d": "a"}


def test_nobody_waits_for_one_that_is_read_to_its_end_however_long_ago_its_last_record_was() -> None:
    assert too_far_ahead({"a": at(0, LAGGING), "b": at(HOUR_MS, 50_000)}, LAGGING) == {}


def test_nobody_waits_for_a_sender_whose_clock_is_hours_behind() -> None:
    """Its partition may have just as much to be read: what came is read in step."""
    slow_clock = at(0, 50_000, arrived_ms=3 * HOUR_MS)
    assert too_far_ahead({"a": slow_clock, "b": at(3 * HOUR_MS, 50_000)}, LAGGING) == {}
    assert too_far_ahead({"a": slow_clock, "b": at(3 * HOUR_MS + 1, 50_000)}, LAGGING) == {"b": "a"}


@pytest.mark.parametrize("answered_ago_ms", [None, 10_001])
def test_nobody_waits_for_a_partition_whose_broker_is_away(answered_ago_ms: int | None) -> None:
    reached = {"a": at(0, 50_000, answered_ago_ms=answered_ago_ms), "b": at(HOUR_MS, 50_000)}
    assert too_far_ahead(reached, LAGGING) == {}


def test_a_source_of_which_no_time_is_known_neither_waits_nor_is_waited_for() -> None:
    reached = {"a": at(UNKNOWN_MS, 50_000), "b": at(HOUR_MS, 50_000), "c": Reached(0, UNKNOWN_MS, 50_000, 100)}
    assert too_far_ahead(reached, LAGGING) == {}


@pytest.mark.parametrize("seed", range(20))
def test_some_partition_that_lags_always_goes_on_and_the_leads_stay_small(seed: int) -> None:
    """Partitions with a thousand to one as many votes an hour are read in turns, as a worker does."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    left = {name: rng.randrange(20_000, 400_000) for name in "abcdef"}
    every_ms = {name: 10 * HOUR_MS // count for name, count in left.items()}
    read = dict.fromkeys(left, 0)
    most_ms = 0
    for _ in range(100_000):
        reached = {name: at(read[name] * every_ms[name], left[name] - read[name]) for name in left}
        waiting = too_far_ahead(reached, LAGGING)
        going = [name for name in left if name not in waiting and read[name] < left[name]]
        if not going:
            break
        name = rng.choice(going)
        read[name] = min(left[name], read[name] + 1_000)
        lagging = [one.passed_ms for one in reached.values() if one.unread > LAGGING]
        most_ms = max([most_ms, *(reached[name].passed_ms - ms for ms in lagging)])
    assert read == left, "a deadlock"
    assert most_ms <= LEAD_MS
