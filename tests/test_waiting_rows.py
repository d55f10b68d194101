"""Rows wait for slow sources, but not for ever: for whom, how many, and how long."""

from __future__ import annotations

import random
from dataclasses import replace

import msgspec
import pytest
from columns_by_hand import Event, block_of
from test_inbox import take

from detectors.block import Block, Standing
from detectors.inbox import Inbox, InboxLimits
from detectors.watermark import LAG_MS

START_MS = 1_664_812_800_000
HOUR_MS = 3_600_000
SOURCES = ["votes/0", "votes/1"]
LIMITS = InboxLimits(max_rows=1_000, step_ms=250)


def waiting_blocks(rng: random.Random, rows: int = 4_000) -> list[Block]:
    """Return blocks of two sources, of which one says nothing for long and then sends what happened meanwhile."""
    blocks: list[Block] = [block_of(source, 0, 1, steps=[(1, START_MS)]) for source in SOURCES]
    at = 1
    while at < rows:
        end = min(rows, at + rng.choice([5, 50, 300]))
        events = [Event(n, START_MS + n * 10 + rng.randrange(300), n) for n in range(at, end)]
        blocks.append(block_of(SOURCES[0], at, end, events, [(end, START_MS + end * 10 - 300)]))
        at = end
    late = [Event(n, START_MS + n * 10, n + 10**6) for n in range(1, rows)]
    blocks.append(block_of(SOURCES[1], 1, rows, late, [(rows, START_MS + rows * 10)]))
    return blocks


def told(blocks: list[Block], rng: random.Random, often: float) -> tuple[list[tuple[int, int, bool]], int]:
    """Return the sequence of a shard that releases after some blocks and is restored after some, and the most that waited."""
    inbox, out, most = Inbox(SOURCES, limits=LIMITS), [], 0
    for block in blocks:
        take(inbox, block)
        if rng.random() < often:
            out.append(inbox.release(inbox.frontier_ms() // 250 * 250))
            most = max(most, len(inbox))
        if rng.random() < 0.2:
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(inbox.snapshot()))
            inbox = Inbox(SOURCES, limits=LIMITS)
            inbox.restore(state)
    out.append(inbox.release(START_MS + 10**9))
    columns = [(part.effective_ms.tolist(), part.event.tolist(), part.late.tolist()) for part in out]
    return [row for of_part in columns for row in zip(*of_part, strict=True)], most


@pytest.mark.parametrize("seed", range(10))
def test_when_too_many_rows_wait_the_oldest_go_and_when_they_are_released_changes_nothing(seed: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    blocks = waiting_blocks(rng)
    rows, most = told(blocks, rng, 1.0)
    assert most <= LIMITS.max_rows + 100, "those of the last quarter second are not counted"
    assert len(rows) == 2 * 3_999, "nothing is lost"
    assert [row[:2] for row in rows] == sorted(row[:2] for row in rows)
    late = [event for _, event, is_late in rows if is_late]
    assert late, "nothing went early"
    assert min(late) > 10**6, "a row of the source that was on time is late"
    for often in (0.0, 0.1, 0.5):
        assert told(blocks, rng, often)[0] == rows


def test_how_many_went_early_is_told_once() -> None:
    inbox = Inbox(SOURCES, limits=LIMITS)
    for block in waiting_blocks(random.Random(3))[:-1]:
        take(inbox, block)
    assert inbox.take_early() >= 2_000
    assert inbox.take_early() == 0


def test_votes_of_one_millisecond_do_not_wait_for_ever() -> None:
    inbox = Inbox(SOURCES, limits=LIMITS)
    take(inbox, block_of(SOURCES[1], 0, 1, steps=[(1, START_MS)]))
    for n in range(50):
        take(inbox, block_of(SOURCES[0], n * 100, n * 100 + 100, [Event(n * 100 + i, START_MS + 7, i) for i in range(100)]))
    inbox.release(inbox.frontier_ms() // 250 * 250)
    assert len(inbox) <= LIMITS.max_rows


def stated(source: str, begin_ms: int, end_ms: int, behind_ms: int = 0, offset: int = 0) -> list[Block]:
    """Return blocks of a source that states every ten seconds, with a row each, what its clock says."""
    blocks = []
    for n, at_ms in enumerate(range(begin_ms, end_ms, 10_000)):
        at = offset + 8 * n
        rows = [Event(at, at_ms - behind_ms, at + (source == SOURCES[1]))]
        blocks.append(block_of(source, at, at + 8, rows, [(at + 8, at_ms - behind_ms - LAG_MS, at_ms)]))
    return blocks


def late_of(order: list[Block]) -> list[tuple[int, int]]:
    """Return time and delay of all late rows of a shard that took blocks in this order."""
    inbox = Inbox(SOURCES)
    for block in order:
        take(inbox, block)
    rows = inbox.release(START_MS + 10**9)
    return [(int(ts), int(effective - ts)) for ts, effective in zip(rows.ts_ms, rows.effective_ms, strict=True) if effective > ts]


def test_a_source_that_is_read_hours_later_than_another_is_waited_for() -> None:
    first, second = (stated(source, START_MS, START_MS + 3 * HOUR_MS) for source in SOURCES)
    assert late_of(first + second) == []
    assert late_of(second[:500] + first[:100] + second[500:] + first[100:]) == []


def test_a_source_whose_clocks_are_hours_behind_is_waited_for_for_a_minute() -> None:
    """However far the other one was read before."""
    first = stated(SOURCES[0], START_MS, START_MS + HOUR_MS)
    second = stated(SOURCES[1], START_MS, START_MS + HOUR_MS, behind_ms=3 * HOUR_MS)
    in_turns = [block for pair in zip(first, second, strict=True) for block in pair]
    for order in (in_turns, first[:100] + second[:100] + first[100:] + second[100:]):
        late = late_of(order)
        assert all(ts < START_MS - HOUR_MS for ts, _ in late), "a row of the good source is late"
        assert len(late) >= len(second) - 10


@pytest.mark.parametrize("behind_ms", [0, 30_000, 59_000])
def test_a_source_less_than_a_minute_behind_is_waited_for(behind_ms: int) -> None:
    first = stated(SOURCES[0], START_MS, START_MS + HOUR_MS)
    second = stated(SOURCES[1], START_MS, START_MS + HOUR_MS, behind_ms)
    assert late_of([block for pair in zip(first, second, strict=True) for block in pair]) == []


@pytest.mark.parametrize("seed", range(10))
def test_which_blocks_event_time_is_looked_at_after_changes_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those of sources that can change it are looked at; here, all of them are."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    sources = [f"votes/{number}" for number in range(5)]
    waiting = []
    for number, source in enumerate(sources):
        mine = stated(source, START_MS, START_MS + 900_000, behind_ms=rng.choice([0, 20_000, HOUR_MS]))
        some = rng.randrange(len(mine))
        mine[some:] = [replace(block, standing=rng.choice([*Standing, Standing.OPEN, Standing.OPEN])) for block in mine[some:]]
        waiting.append(mine[: rng.choice([50, 90])] if number else mine)
    order = []
    while any(waiting):
        order.append(rng.choice([mine for mine in waiting if mine]).pop(0))

    def frontiers() -> list[int]:
        inbox, seen = Inbox(sources), []
        for block in order:
            take(inbox, block)
            seen.append(inbox.frontier_ms())
        return seen

    found = frontiers()
    assert len(set(found)) > 10
    advance = Inbox._advance_frontier

    def always(inbox: Inbox) -> None:
        advance(inbox)
        inbox._decisive = set(sources)

    monkeypatch.setattr(Inbox, "_advance_frontier", always)
    assert frontiers() == found


def test_which_source_is_left_behind_is_told_and_a_restart_forgets_nothing_of_it() -> None:
    first = stated(SOURCES[0], START_MS, START_MS + 600_000)
    second = stated(SOURCES[1], START_MS, START_MS + 600_000, behind_ms=HOUR_MS)
    inbox, restarted = Inbox(SOURCES), Inbox(SOURCES)
    for a, b in zip(first, second, strict=True):
        for block in (a, b):
            take(inbox, block)
            take(restarted, block)
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(restarted.snapshot()))
        restarted = Inbox(SOURCES)
        restarted.restore(state)
        assert restarted.frontier_ms() == inbox.frontier_ms()
    assert inbox.left_behind() == restarted.left_behind() == SOURCES[1]
    assert inbox.frontier_ms() > START_MS + 500_000
