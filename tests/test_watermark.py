"""How far event time has come in a partition: whatever the batches, the bad clocks and the holes."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.columns import Int64s, int64s
from detectors.watermark import GRID_MS, LAG_MS, RANK, RECORDS, STATED_EVERY, UNKNOWN_MS, SourceClock, Steps

START_MS = 1_664_812_800_000


def records(seed: int, count: int, holes: bool = False) -> tuple[Int64s, Int64s]:
    """Return offsets and times, three a second, a little out of order."""
    rng = random.Random(seed)
    offsets = sorted(rng.sample(range(count * 3), count)) if holes else range(count)
    return int64s(offsets), int64s([START_MS + i * 333 + rng.randrange(700) for i in range(count)])


def passed(steps: list[Steps], offsets: Int64s) -> list[int]:
    """Return the watermark that held for a row at each offset, as a shard adds the steps up."""
    offset = np.concatenate([part.offset for part in steps])
    highest = np.maximum.accumulate(np.concatenate([[UNKNOWN_MS], *(part.ms for part in steps)]))
    return highest[np.searchsorted(offset, offsets, side="right")].tolist()  # type: ignore[no-any-return]


def in_batches(clock: SourceClock, offset: Int64s, ts_ms: Int64s, bounds: list[int]) -> list[Steps]:
    """Observe offsets [bounds[i], bounds[i + 1]) one after the other."""
    out = []
    for start, end in pairwise(bounds):
        chosen = (offset >= start) & (offset < end)
        out.append(clock.observe(offset[chosen], ts_ms[chosen], ts_ms[chosen], end))
    return out


@given(st.integers(0, 10_000), st.integers(0, 150), st.booleans(), st.lists(st.integers(0, 450), max_size=20))
def test_how_records_are_cut_into_batches_changes_nothing(
    seed: int, count: int, holes: bool, cuts: list[int]
) -> None:
    offset, ts_ms = records(seed, count, holes)
    end = count * 3
    whole = passed([SourceClock().observe(offset, ts_ms, ts_ms, end)], offset)
    bounds = [0, *sorted(cut for cut in cuts if cut < end), end]
    assert passed(in_batches(SourceClock(), offset, ts_ms, bounds), offset) == whole


@given(st.integers(0, 10_000), st.integers(0, 450), st.booleans())
def test_reading_the_last_32_offsets_again_rebuilds_it(seed: int, begin: int, holes: bool) -> None:
    offset, ts_ms = records(seed, 150, holes)
    end = int(offset[-1]) + 1
    begin = min(begin, end)
    first, rebuilt = SourceClock(), SourceClock()
    before = in_batches(first, offset, ts_ms, [0, begin, end])[1]
    past = (offset >= begin - RECORDS) & (offset < begin)
    rebuilt.observe(offset[past], ts_ms[past], ts_ms[past], begin)
    after = in_batches(rebuilt, offset, ts_ms, [begin, end])[0]
    assert (before.offset.tolist(), before.ms.tolist()) == (after.offset.tolist(), after.ms.tolist())
    assert rebuilt.now_ms(0) == first.now_ms(0)


@pytest.mark.parametrize("bad", [1, RANK - 1])
def test_so_many_clocks_that_are_ahead_move_time_for_nobody(bad: int) -> None:
    offset, ts_ms = records(1, 200)
    honest = passed([SourceClock().observe(offset, ts_ms, ts_ms, 200)], offset)
    lied = ts_ms.copy()
    for at in range(10, 200, RECORDS):
        lied[at : at + bad] += 86_400_000
    with_liars = passed([SourceClock().observe(offset, lied, lied, 200)], offset)
    assert max(with_liars) < START_MS + 200 * 333 + 700, "a liar's clock became everybody's"
    off_ms = [abs(a - b) for a, b in zip(honest, with_liars, strict=True) if a != UNKNOWN_MS]
    assert max(off_ms) < 2_000


def test_more_bad_clocks_than_that_do_move_it() -> None:
    """So that the test above can fail."""
    offset, ts_ms = records(1, 200)
    ts_ms[10 : 10 + RANK] += 86_400_000
    assert max(passed([SourceClock().observe(offset, ts_ms, ts_ms, 200)], offset)) > START_MS + 86_400_000


def test_clocks_that_are_behind_hold_nobody_back() -> None:
    offset, ts_ms = records(1, 200)
    honest = passed([SourceClock().observe(offset, ts_ms, ts_ms, 200)], offset)
    ts_ms[np.arange(200) % 2 == 0] -= 86_400_000
    slow = passed([SourceClock().observe(offset, ts_ms, ts_ms, 200)], offset)
    assert slow[-1] > honest[-1] - 10_000


def test_it_is_about_a_second_behind_the_records_and_on_the_grid() -> None:
    offset = int64s(range(3_200))
    ts_ms = START_MS + offset * 10
    steps = SourceClock().observe(offset, ts_ms, ts_ms, 3_200)
    assert ((steps.ms - START_MS) % GRID_MS == 0).all()
    behind_ms = START_MS + 3_199 * 10 - int(steps.ms[-1])
    assert LAG_MS <= behind_ms <= LAG_MS + GRID_MS + (RANK + STATED_EVERY) * 10


def test_it_is_stated_only_at_multiples_of_eight_and_only_when_it_rises() -> None:
    offset, ts_ms = records(2, 500)
    steps = SourceClock().observe(offset, ts_ms, ts_ms, 500)
    assert len(steps.offset) > 30
    assert (steps.offset % STATED_EVERY == 0).all()
    assert (np.diff(steps.ms) > 0).all()
    assert (np.diff(steps.offset) > 0).all()


def test_with_fewer_than_four_records_nothing_is_known() -> None:
    clock = SourceClock()
    assert clock.now_ms(0) == UNKNOWN_MS
    few = clock.observe(int64s([0, 1, 2]), int64s([START_MS] * 3), int64s([START_MS] * 3), 64)
    assert few.ms.tolist() == [UNKNOWN_MS], "said only that something came"
    more = clock.observe(int64s([64]), int64s([START_MS]), int64s([START_MS]), 96)
    assert more.ms.tolist() == [UNKNOWN_MS], "the three are 32 offsets away"


def test_records_further_away_than_32_offsets_do_not_count() -> None:
    clock = SourceClock()
    early = int64s([START_MS + 10**6] * 8)
    clock.observe(int64s(range(8)), early, early, 8)
    late = clock.observe(int64s(range(100, 104)), int64s([START_MS] * 4), int64s([START_MS] * 4), 104)
    assert late.ms.tolist() == [START_MS - LAG_MS]


def test_it_holds_at_most_32_records() -> None:
    clock = SourceClock()
    ts_ms = START_MS + int64s(range(1_000))
    clock.observe(int64s(range(1_000)), ts_ms, ts_ms, 1_000)
    assert len(clock._offset) == len(clock._ts_ms) == len(clock._arrived_ms) == RECORDS


def test_the_time_where_records_come_from_is_the_brokers_less_their_usual_delay() -> None:
    clock = SourceClock()
    arrived_ms = START_MS + 1_000 * int64s(range(10))
    delay_ms = int64s([400] * 7 + [86_400_000] * 2 + [0])
    clock.observe(int64s(range(10)), arrived_ms - delay_ms, arrived_ms, 10)
    assert clock.now_ms(2_500) == START_MS + 9_000 - 400 + 2_500, "two clocks a day slow and one early decide nothing"
