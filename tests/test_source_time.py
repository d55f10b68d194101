"""How far event time has come in a source that says only what is past, and that batches and restarts leave no trace in it."""

from __future__ import annotations

import random
from itertools import pairwise

import msgspec
import numpy as np
from columns_by_hand import block_of, steps_of
from hypothesis import given
from hypothesis import strategies as st

from detectors.block import Block
from detectors.columns import Int64s, int32s, int64s
from detectors.inbox import Inbox
from detectors.source_time import SourceTime
from detectors.watermark import ARRIVAL_GRID_MS, LAG_MS, RECORDS, UNKNOWN_MS, SourceClock, Steps

START_MS = 1_664_812_800_000
WEEK_MS = 7 * 86_400_000
IDLE_AFTER_MS = 2_000
MAX_BEHIND_MS = 60_000
END = 2_500


def traffic(rng: random.Random, count: int = 400) -> tuple[Int64s, Int64s, Int64s]:
    """Return offsets, times, and brokers' times of a source with holes, bad clocks, pauses, and stretches of the past."""
    steps = [rng.choice([1, 1, 2, 3]) if rng.random() < 0.98 else rng.randrange(20, 70) for _ in range(count)]
    offset = np.cumsum(int64s(steps))
    now_ms, behind_ms, times, arrived = START_MS, 0, [], []
    for _ in range(count):
        now_ms += rng.choice([1, 10, 100, 100, 300, 4_000]) if rng.random() < 0.9 else 0
        if rng.random() < 0.02:
            behind_ms = rng.choice([0, 0, 3_600_000, WEEK_MS])
        times.append(now_ms - behind_ms - rng.randrange(1_500))
        # a new leader's clock may be behind
        arrived.append(now_ms - (300 if rng.random() < 0.05 else 0))
    return offset, int64s(times), int64s(arrived)


def passed(steps: list[Steps], offsets: Int64s) -> list[int]:
    """Return how far time had come for a row at each offset, as a shard adds it up."""
    time, at, ms = SourceTime(), [int64s([-1])], [int64s([UNKNOWN_MS])]
    for part in steps:
        ms.append(time.add(part, IDLE_AFTER_MS, MAX_BEHIND_MS)[1:])
        at.append(part.offset)
        time = SourceTime(**msgspec.msgpack.decode(msgspec.msgpack.encode(time.snapshot())))
    found = np.concatenate(ms)[np.searchsorted(np.concatenate(at), offsets, side="right") - 1]
    return found.tolist()  # type: ignore[no-any-return]


def observed(clock: SourceClock, traffic: tuple[Int64s, Int64s, Int64s], bounds: list[int]) -> list[Steps]:
    """Observe the offsets between each two bounds at once."""
    offset, ts_ms, arrived_ms = traffic
    out = []
    for start, end in pairwise(bounds):
        chosen = (offset >= start) & (offset < end)
        out.append(clock.observe(offset[chosen], ts_ms[chosen], arrived_ms[chosen], end))
    return out


@given(st.integers(0, 100_000), st.lists(st.integers(1, END - 1), max_size=30), st.integers(0, END))
def test_how_records_are_cut_and_where_somebody_begins_again_changes_nothing(
    seed: int, cuts: list[int], begin: int
) -> None:
    mine = traffic(random.Random(seed))
    whole = passed(observed(SourceClock(), mine, [0, END]), mine[0])
    bounds = [0, *sorted(set(cuts)), END]
    assert passed(observed(SourceClock(), mine, bounds), mine[0]) == whole
    again = SourceClock()
    observed(again, mine, [max(0, begin - RECORDS), begin])
    parts = observed(SourceClock(), mine, [0, begin]) + observed(again, mine, [begin, *(b for b in bounds if b > begin)])
    assert passed(parts, mine[0]) == whole


def test_the_traffic_above_has_sources_that_pass_by_the_brokers_clock() -> None:
    """So that the test above says something."""
    found = 0
    for seed in range(40):
        mine = traffic(random.Random(seed))
        steps = observed(SourceClock(), mine, [0, END])
        found += passed(steps, mine[0])[-1] > int(steps[0].ms.max())
    assert found >= 10


def sent_at(arrived_s: list[float], ts_ms: list[int]) -> list[int]:
    """Return how far time had come for each of the rows and for one after them."""
    at = int64s([round(START_MS + second * 1_000) for second in arrived_s])
    offset = int64s(range(len(at)))
    steps = SourceClock().observe(offset, int64s(ts_ms), at, len(at) + 8)
    return passed([steps], int64s(range(len(at) + 1)))


def test_a_source_that_is_sent_last_week_again_passes_time_by_the_brokers_clock() -> None:
    """A hundred records a second: 10 s of now, then 30 s of last week."""
    arrived_s = [n / 100 for n in range(4_000)]
    now = [START_MS + n * 10 - (WEEK_MS if n >= 1_000 else 0) for n in range(4_000)]
    ms = sent_at(arrived_s, now)
    assert START_MS + 10_000 - LAG_MS - 200 < ms[1_000] <= START_MS + 10_000 - LAG_MS
    assert ms[1_000 + 190] == ms[1_010], "not before it is sure"
    behind = [round(START_MS + arrived_s[n] * 1_000) - ms[n] for n in range(1_300, 4_000)]
    assert max(behind) < LAG_MS + ARRIVAL_GRID_MS + 400, "as far behind as it always is"
    assert min(behind) >= LAG_MS, "and never ahead of it"


def test_it_speaks_for_itself_again_when_it_says_something_new() -> None:
    arrived_s = [n / 100 for n in range(4_000)]
    now = [START_MS + n * 10 - (WEEK_MS if 1_000 <= n < 2_000 else 0) for n in range(4_000)]
    last_rows = sent_at(arrived_s, now)[2_100:]
    plain_rows = sent_at(arrived_s, [START_MS + n * 10 for n in range(4_000)])[2_100:]
    assert max(abs(a - b) for a, b in zip(last_rows, plain_rows, strict=True)) <= ARRIVAL_GRID_MS + 100
    assert last_rows[-1] == plain_rows[-1]


def test_a_backlog_that_is_sent_after_an_outage_is_not_the_past() -> None:
    """For a minute no record reached the brokers; then all of that minute comes within two seconds, in order."""
    arrived_s = [n / 100 for n in range(1_000)] + [70 + n / 3_000 for n in range(6_000)]
    at_ms = [START_MS + n * 10 for n in range(7_000)]
    ms = sent_at(arrived_s, at_ms)
    assert all(mark <= ts for mark, ts in zip(ms, at_ms, strict=False)), "a row of the backlog was late"


def test_a_recording_sent_as_fast_as_it_goes_passes_by_what_it_says_alone() -> None:
    """Its sources may repeat themselves: a week of event time lies in a second of the brokers' clock."""
    rng = random.Random(1)
    at_ms = [START_MS - WEEK_MS + n * 150_000 - rng.choice([0, 0, 3_600_000]) for n in range(4_000)]
    offset = int64s(range(4_000))
    slow = passed([SourceClock().observe(offset, int64s(at_ms), int64s([START_MS] * 4_000), 4_000)], offset)
    assert sent_at([n / 4_000 for n in range(4_000)], at_ms)[:4_000] == slow


def test_a_source_that_never_said_a_time_says_none_by_going_on() -> None:
    time = SourceTime()
    told = time.add(steps_of([(8 * n, UNKNOWN_MS, START_MS + 1_000 * n) for n in range(1, 20)]), IDLE_AFTER_MS, MAX_BEHIND_MS)
    assert set(told.tolist()) == {UNKNOWN_MS}


def test_without_the_brokers_time_nothing_but_what_is_stated_passes() -> None:
    time = SourceTime()
    time.add(steps_of([(8 * n, 5_000 - n) for n in range(1, 100)]), IDLE_AFTER_MS, MAX_BEHIND_MS)
    assert time == SourceTime(4_999)


SOURCES = ["votes/0", "votes/1"]


def take(inbox: Inbox, block: Block) -> None:
    unseen = inbox.unseen(block)
    inbox.accept(unseen, int32s([0] * len(unseen.rows)))


def test_what_is_sent_again_says_nothing_again_of_when_it_came() -> None:
    inbox = Inbox(["votes/0"])
    first = block_of("votes/0", 0, 8, steps=[(8, 5_000, 1_000)])
    take(inbox, first)
    take(inbox, block_of("votes/0", 8, 16, steps=[(16, 6_000, 10_000)]))
    take(inbox, block_of("votes/0", 0, 24, steps=[(8, 5_000, 1_000), (16, 6_000, 10_000), (24, -90_000, 10_250)]))
    take(inbox, block_of("votes/0", 24, 32, steps=[(32, -90_000, 10_500)]))
    assert inbox.frontier_ms() == 6_000
    take(inbox, block_of("votes/0", 32, 40, steps=[(40, -90_000, 12_250)]))
    assert inbox.frontier_ms() == 8_000


def test_silence_after_the_past_passes_time_as_well() -> None:
    """Blocks of no offsets: intake lets time pass a week ago, since its last records are of then."""
    inbox = Inbox(["votes/0"])
    take(inbox, block_of("votes/0", 0, 8, steps=[(8, START_MS, START_MS)]))
    for second in range(1, 61):
        now_ms = START_MS + 1_000 * second
        take(inbox, block_of("votes/0", 8, 8, steps=[(8, now_ms - WEEK_MS, now_ms)]))
    assert inbox.frontier_ms() == START_MS + 59_750
