"""Blocks of all sources become one sequence: nothing missing, nothing twice, one place for everything."""

from __future__ import annotations

import random
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from columns_by_hand import Event, block_of, rows_of, shed_block

from detectors.block import Block, Standing
from detectors.columns import int32s
from detectors.inbox import Gap, Inbox, InboxLimits, UnknownSource
from detectors.waiting_rows import Sequence
from detectors.watermark import UNKNOWN_MS

A, B, C = "votes/0", "votes/1", "replies/0"


def take(inbox: Inbox, block: Block) -> bool:
    """Give a block as a shard does; tell whether anything of it was new."""
    unseen = inbox.unseen(block)
    inbox.accept(unseen, int32s([0] * len(unseen.rows)))
    return len(unseen.parts) > 0


def events(*at: tuple[int, int]) -> list[Event]:
    """Return events from (offset, time); the event's number is its offset."""
    return [Event(offset, ts_ms, offset) for offset, ts_ms in at]


def released(inbox: Inbox, until_ms: int) -> list[tuple[int, int]]:
    rows = inbox.release(until_ms)
    return list(zip(rows.event.tolist(), rows.effective_ms.tolist(), strict=True))


def test_rows_come_out_in_order_of_time_and_then_of_event() -> None:
    inbox = Inbox([A, B])
    take(inbox, block_of(A, 0, 4, [Event(0, 30, 1), Event(1, 10, 9), Event(2, 20, 4), Event(3, 10, 3)]))
    take(inbox, block_of(B, 0, 2, [Event(0, 20, 2), Event(1, 40, 8)]))
    assert released(inbox, 40) == [(3, 10), (9, 10), (2, 20), (4, 20), (1, 30)]
    assert released(inbox, 41) == [(8, 40)]
    assert released(inbox, 99) == []


def test_the_slowest_source_holds_event_time_back() -> None:
    inbox = Inbox([A, B])
    take(inbox, block_of(A, 0, 1, steps=[(1, 1_000)]))
    assert inbox.frontier_ms() == UNKNOWN_MS, "nothing was heard of B"
    take(inbox, block_of(B, 0, 1, steps=[(1, 400)]))
    assert inbox.frontier_ms() == 400
    take(inbox, block_of(B, 1, 2, steps=[(2, 3_000)]))
    assert inbox.frontier_ms() == 1_000


def test_offsets_that_are_missing_between_blocks_are_refused_by_name() -> None:
    inbox = Inbox([A])
    take(inbox, block_of(A, 5, 9))
    with pytest.raises(Gap, match=r"votes/0: offsets 9 to 11 never reached this shard"):
        inbox.unseen(block_of(A, 12, 15))
    assert take(inbox, block_of(A, 9, 12)), "a refused block leaves everything as it was"


def test_of_a_block_of_several_sources_each_is_taken_from_where_it_is_unseen() -> None:
    inbox = Inbox([A, B])
    take(inbox, block_of(A, 0, 3, events((0, 10), (1, 11), (2, 12)), steps=[(3, 100)]))
    one, other = block_of(A, 1, 5, events((1, 11), (2, 12), (4, 13))), block_of(B, 7, 9, events((7, 5), (8, 6)), steps=[(9, 100)])
    again = Block([*one.parts, *other.parts], rows_of(events((1, 11), (2, 12), (4, 13), (7, 5), (8, 6))))
    unseen = inbox.unseen(again)
    assert [(part.source, part.start, part.end, part.rows) for part in unseen.parts] == [(A, 3, 5, 1), (B, 7, 9, 2)]
    take(inbox, again)
    assert inbox.frontier_ms() == 100
    assert released(inbox, 101) == [(7, 5), (8, 6), (0, 10), (1, 11), (2, 12), (4, 100)], "the last came after its time"
    assert not take(inbox, block_of(A, 0, 2, events((0, 10))))


def test_a_gap_in_one_part_of_a_block_leaves_the_others_unapplied() -> None:
    inbox = Inbox([A, B])
    take(inbox, block_of(B, 0, 3))
    with pytest.raises(Gap, match=r"votes/1: offsets 3 to 4 never reached this shard"):
        inbox.unseen(Block([*block_of(A, 0, 3).parts, *block_of(B, 5, 9).parts]))
    assert take(inbox, block_of(A, 7, 9)), "it may still begin anywhere"


def test_the_first_block_of_a_source_may_begin_anywhere() -> None:
    inbox = Inbox([A])
    assert take(inbox, block_of(A, 7_000, 7_002, events((7_000, 5))))
    assert released(inbox, 10) == [(7_000, 5)]


def test_a_source_that_is_not_ours_is_refused_with_what_to_do() -> None:
    with pytest.raises(UnknownSource, match=r"votes/9 is not among the sources of this worker: check topics\.partitions"):
        Inbox([A]).unseen(block_of("votes/9", 0, 1))


@pytest.mark.parametrize(
    ("again", "new"),
    [((0, 6), []), ((3, 6), []), ((0, 5), []), ((3, 9), [6, 7, 8]), ((6, 8), [6, 7]), ((0, 8), [6, 7])],
)
def test_of_a_block_that_is_sent_again_only_the_rows_past_the_mark_count(again: tuple[int, int], new: list[int]) -> None:
    inbox = Inbox([A])
    take(inbox, block_of(A, 0, 6, events(*((at, at) for at in range(6)))))
    take(inbox, block_of(A, *again, events(*((at, at) for at in range(*again)))))
    assert [event for event, _ in released(inbox, 100)] == [*range(6), *new]


def test_a_source_that_never_had_a_record_holds_nobody_back() -> None:
    inbox = Inbox([A, B])
    take(inbox, block_of(A, 0, 1, steps=[(1, 1_000)]))
    take(inbox, block_of(B, 0, 0, standing=Standing.ABSENT))
    assert inbox.frontier_ms() == 1_000


def test_an_ended_source_holds_nobody_back_and_time_ends_when_all_have() -> None:
    inbox = Inbox([A, B])
    take(inbox, block_of(A, 0, 1, steps=[(1, 1_000)], standing=Standing.ENDED))
    take(inbox, block_of(B, 0, 1, steps=[(1, 5_000)]))
    assert (inbox.frontier_ms(), inbox.ended()) == (5_000, False)
    take(inbox, block_of(B, 1, 2, steps=[(2, 9_000)], standing=Standing.ENDED))
    assert inbox.ended()
    assert inbox.frontier_ms() == 5_000, "what all had passed stays passed"


def test_when_all_have_ended_the_lowest_end_is_what_all_have_passed() -> None:
    inbox = Inbox([A, B, C])
    for source, ms in ((A, 7_000), (B, 8_000)):
        take(inbox, block_of(source, 0, 1, steps=[(1, ms)], standing=Standing.ENDED))
    take(inbox, block_of(C, 0, 0, standing=Standing.ABSENT))
    assert inbox.frontier_ms() == 7_000


def test_a_source_that_goes_on_after_its_end_holds_back_again() -> None:
    inbox = Inbox([A, B])
    take(inbox, block_of(A, 0, 1, steps=[(1, 1_000)], standing=Standing.ENDED))
    take(inbox, block_of(B, 0, 1, steps=[(1, 5_000)]))
    assert inbox.frontier_ms() == 5_000
    take(inbox, block_of(A, 1, 2, events((1, 2_000)), steps=[(2, 5_500)]))
    take(inbox, block_of(B, 1, 2, steps=[(2, 9_000)]))
    assert inbox.frontier_ms() == 5_500
    assert released(inbox, 5_500) == [(1, 5_000)], "what is behind the time that had come is late"


def test_time_never_goes_back() -> None:
    inbox = Inbox([A])
    take(inbox, block_of(A, 0, 1, steps=[(1, 5_000)]))
    take(inbox, block_of(A, 1, 2, steps=[(2, 1_000)]))
    assert inbox.frontier_ms() == 5_000


def test_a_late_row_stands_where_its_own_source_had_come_to() -> None:
    inbox = Inbox([A, B])
    take(inbox, block_of(A, 0, 9, events((0, 100), (3, 250), (4, 120), (8, 90)), steps=[(2, 200), (4, 300)]))
    take(inbox, block_of(B, 0, 1, events((0, 110)), steps=[(1, 900)]))
    rows = inbox.release(301)
    assert list(zip(rows.ts_ms.tolist(), rows.effective_ms.tolist(), strict=True)) == [
        (100, 100), (110, 110), (250, 250), (120, 300), (90, 300)
    ]  # fmt: skip
    assert rows.late.tolist() == [False, False, False, True, True]


def test_one_watermark_in_a_block_holds_for_the_blocks_after_it() -> None:
    inbox = Inbox([A])
    take(inbox, block_of(A, 0, 1, steps=[(1, 500)]))
    take(inbox, block_of(A, 1, 2, events((1, 100))))
    assert released(inbox, 1_000) == [(1, 500)]


def one_source(rng: random.Random) -> list[Event]:
    at_ms, made = 0, []
    for offset in range(60):
        at_ms += rng.randrange(30)
        made.append(Event(offset, max(0, at_ms - rng.choice([0, 0, 10, 200])), rng.getrandbits(40)))
    return made


def blocks(source: str, rows: list[Event], rng: random.Random) -> list[Block]:
    """Cut rows into blocks; a watermark is stated every eight offsets, wherever the cuts are."""
    bounds = sorted({0, *(rng.randrange(60) for _ in range(6)), 60})
    out = []
    for start, end in pairwise(bounds):
        steps = [(at, max(e.ts_ms for e in rows[:at]) - 20) for at in range(8, 61, 8) if start < at <= end]
        out.append(block_of(source, start, end, rows[start:end], steps))
    return out


def told(order: list[Block], rng: random.Random) -> list[Sequence]:
    inbox, out = Inbox([A, B]), []
    for block in order:
        take(inbox, block)
        if rng.random() < 0.5 and inbox.frontier_ms() != UNKNOWN_MS:
            out.append(inbox.release(inbox.frontier_ms()))
        if rng.random() < 0.3:
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(inbox.snapshot()))
            inbox = Inbox([A, B])
            inbox.restore(state)
    return [*out, inbox.release(10**6)]


@pytest.mark.parametrize("seed", range(30))
def test_cuts_orders_and_restarts_leave_no_trace_in_the_sequence(seed: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    rows = {source: one_source(rng) for source in (A, B)}

    def sequence() -> list[tuple[int, int]]:
        waiting = {source: blocks(source, rows[source], rng) for source in (A, B)}
        order = []
        while any(waiting.values()):
            order.append(waiting[rng.choice([s for s in (A, B) if waiting[s]])].pop(0))
        parts = told(order, rng)
        return [pair for p in parts for pair in zip(p.effective_ms.tolist(), p.event.tolist(), strict=True)]

    first = sequence()
    assert first == sorted(first)
    assert len(first) == 120
    assert any(a != b for (a, _), b in zip(first, sorted(e.ts_ms for s in rows.values() for e in s), strict=True))
    for _ in range(5):
        assert sequence() == first


def test_a_snapshot_is_taken_over_whole() -> None:
    inbox = Inbox([A, B])
    take(inbox, block_of(A, 0, 9, events((0, 100), (8, 700)), steps=[(4, 500)]))
    take(inbox, block_of(B, 3, 4, steps=[(4, 600)], standing=Standing.ENDED))
    restored = Inbox([A, B])
    restored.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(inbox.snapshot())))
    assert len(restored) == 2
    assert restored.frontier_ms() == inbox.frontier_ms() == 500
    with pytest.raises(Gap, match="offsets 4 to 6"):
        restored.unseen(block_of(B, 7, 8))
    assert np.array_equal(restored.release(9_999).effective_ms, [100, 700])


def test_sources_of_a_topic_that_was_made_anew_are_not_those_of_the_old_one() -> None:
    old, new = Inbox(["votes@1/0"]), Inbox(["votes@2/0"])
    take(old, block_of("votes@1/0", 0, 9, steps=[(9, 500)]))
    new.restore(old.snapshot())
    assert take(new, block_of("votes@2/0", 0, 1, steps=[(1, 700)]))
    assert new.frontier_ms() == 700


def test_a_block_that_was_shed_sheds_the_time_that_its_source_passed_in_it_up_to_a_whole_minute() -> None:
    inbox = Inbox([A, B])
    take(inbox, block_of(A, 0, 1, steps=[(1, 30_100)]))
    take(inbox, shed_block(block_of(A, 1, 2, steps=[(2, 40_000)])))
    assert list(inbox.shed) == [(30_000, 60_000)]
    take(inbox, block_of(A, 2, 3, steps=[(3, 500_000)]))
    take(inbox, shed_block(block_of(B, 0, 1, steps=[(1, 58_500)])))
    ((start_ms, end_ms),) = inbox.shed
    assert end_ms == 120_000, "rows go two seconds past the watermark"
    assert start_ms <= UNKNOWN_MS, "from when on there were rows before is not known"


def test_the_time_of_a_minute_that_is_no_whole_number_of_ticks_is_shed_by_whole_ticks() -> None:
    inbox = Inbox([A], limits=InboxLimits(step_ms=7_000))
    take(inbox, block_of(A, 0, 1, steps=[(1, 15_000)]))
    take(inbox, shed_block(block_of(A, 1, 2, steps=[(2, 20_000)])))
    assert list(inbox.shed) == [(14_000, 63_000)]


def test_a_shed_block_that_is_sent_again_sheds_what_is_new_of_it() -> None:
    inbox = Inbox([A])
    take(inbox, block_of(A, 0, 4, steps=[(4, 70_000)]))
    assert not take(inbox, shed_block(block_of(A, 0, 2, steps=[(2, 10_000)])))
    take(inbox, shed_block(block_of(A, 2, 8, steps=[(4, 70_000), (8, 80_000)])))
    assert list(inbox.shed) == [(70_000, 120_000)]


def test_a_source_of_which_no_time_is_known_sheds_none() -> None:
    inbox = Inbox([A])
    take(inbox, shed_block(block_of(A, 0, 4, events((0, 5)))))
    assert not list(inbox.shed)


def test_what_is_shed_stands_in_snapshots() -> None:
    inbox, restored = Inbox([A]), Inbox([A])
    take(inbox, block_of(A, 0, 4, steps=[(4, 70_000)]))
    take(inbox, shed_block(block_of(A, 4, 8, steps=[(8, 80_000)])))
    restored.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(inbox.snapshot())))
    assert list(restored.shed) == [(70_000, 120_000)]
