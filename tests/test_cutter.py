"""Rows of a source partition become one block for each shard; what its silence and its control records say."""

from __future__ import annotations

import json
import random
import zlib
from itertools import pairwise

import numpy as np
import pytest

from detectors.block import Block, Standing
from detectors.columns import int64s
from detectors.watermark import LAG_MS, RECORDS, UNKNOWN_MS
from streams.control import Control, closing, opening
from streams.cutter import NOTHING_DECODED, Cutter, ShardOf, SourceRange, source_name, take
from streams.decode import Decoded, Decoder

START_MS = 1_664_812_800_000
SHARDS = 3
DECODER = Decoder(bytes(16), 1_000_000, None, 300_000)


def line(at_s: float, poll: str = "p", event: str = "") -> bytes:
    fields = {"type": "vote", "event_id": event or f"{poll}{at_s}", "poll_id": poll, "account_id": "a", "option": "x"}
    return json.dumps({**fields, "ts": START_MS + round(at_s * 1000)}).encode()


def part(start: int, lines: list[bytes], end: int | None = None, arrived_ms: int = 2**52) -> SourceRange:
    """Return a range whose lines stand at offsets `start` and on."""
    decoded = DECODER.recording(lines)
    arrived = np.full(len(decoded), arrived_ms)
    return SourceRange(start, end or start + len(lines), decoded.index.astype(np.int64) + start, arrived, decoded)


def control(at: int, what: Control) -> SourceRange:
    return SourceRange(at, at + 1, int64s(), int64s(), NOTHING_DECODED, [(at, what)])


def begun(at: int = 0, waiting: bool = True) -> Cutter:
    cutter = Cutter("votes/0", ShardOf(SHARDS))
    cutter.warm_up(int64s(), int64s(), int64s(), at, waiting)
    return cutter


def offsets(blocks: list[Block]) -> list[int]:
    """Return the offsets of all rows of the poll shards, after a look at the last block: it has them all too."""
    found = sorted(offset for block in blocks[:SHARDS] for offset in block.rows.offset.tolist())
    assert blocks[SHARDS].rows.offset.tolist() == found
    return found


def passed_ms(blocks: list[Block]) -> int:
    """Return how far the blocks say that time has come; all shards are told the same."""
    (ms,) = {max(block.steps.ms.tolist(), default=UNKNOWN_MS) for block in blocks}
    return int(ms)


def test_every_row_goes_to_the_shard_of_its_poll_and_every_shard_hears_of_the_range() -> None:
    lines = [line(i, f"poll-{i % 7}") for i in range(100)]
    blocks = begun().cut(part(0, lines))
    assert [(block.start, block.end) for block in blocks] == [(0, 100)] * (SHARDS + 1)
    assert offsets(blocks) == list(range(100))
    for shard, block in enumerate(blocks[:SHARDS]):
        polls = {block.rows.poll_ids[code] for code in block.rows.poll.tolist()}
        assert {zlib.crc32(poll.encode()) % SHARDS for poll in polls} <= {shard}
        assert block.rows.offset.tolist() == sorted(block.rows.offset.tolist())


@pytest.mark.parametrize("seed", range(10))
def test_ranges_follow_on_each_other_and_their_cuts_change_nothing(seed: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    lines = [line(i + rng.uniform(0, 3), f"poll-{rng.randrange(9)}") for i in range(200)]
    lines = [text if rng.random() < 0.9 else b"{" for text in lines]

    def passes(bounds: list[int]) -> tuple[list[int], list[tuple[int, int]]]:
        cutter, rows, steps = begun(), list[int](), list[tuple[int, int]]()
        for start, end in pairwise(bounds):
            assert cutter.continues_at(start) == start
            blocks = cutter.cut(part(start, lines[start:end]))
            rows += offsets(blocks)
            steps += zip(blocks[0].steps.offset.tolist(), blocks[0].steps.ms.tolist(), strict=True)
        highest, rises = UNKNOWN_MS, list[tuple[int, int]]()
        for at, ms in steps:
            if ms > highest:
                rises.append((at, ms))
                highest = ms
        return rows, rises

    whole = passes([0, 200])
    cuts = sorted({0, 200, *(rng.randrange(200) for _ in range(15))})
    assert passes(cuts) == whole
    assert len(whole[1]) > 10


def test_of_rows_that_are_shed_nobody_is_told_and_those_of_all_polls_stay_away() -> None:
    lines = [line(at, f"poll-{at % 7}") for at in range(40)]
    shed, usual = begun().cut(part(0, lines), shed=True), begun().cut(part(0, lines))
    assert all(block.shed for block in shed)
    assert not any(block.shed for block in usual)
    for one, other in zip(shed, usual, strict=True):
        assert (one.start, one.end, one.steps.ms.tolist()) == (other.start, other.end, other.steps.ms.tolist())
    for one, other in zip(shed[:SHARDS], usual[:SHARDS], strict=True):
        for name in ("offset", "ts_ms", "event", "account", "poll", "option"):
            assert getattr(one.rows, name).tolist() == getattr(other.rows, name).tolist()
        assert set(one.rows.sender.account_ids.texts()) == {""}
        assert set(other.rows.sender.account_ids.texts()) == {"a"}
    assert len(shed[SHARDS].rows) == 0
    assert len(usual[SHARDS].rows) == 40


def test_offsets_that_hold_no_records_belong_to_the_next_range() -> None:
    cutter = begun(at=5)
    assert cutter.continues_at(9) == 5, "5 to 8 were compacted away, or are a transaction's marks"
    cutter.cut(part(cutter.continues_at(9), [line(1)] * 3, end=12))
    assert cutter.continues_at(20) == 12
    assert Cutter("s", ShardOf(1)).continues_at(7) == 7


def test_a_clock_ahead_of_the_brokers_does_not_move_event_time_past_what_can_have_happened() -> None:
    lines = [line(1_000_000 + i) for i in range(64)]
    blocks = begun().cut(part(0, lines, arrived_ms=START_MS))
    assert passed_ms(blocks) == START_MS - LAG_MS
    assert blocks[ShardOf(SHARDS)(["p"])[0]].rows.ts_ms[0] == START_MS + 1_000_000_000, "the row itself is not touched"


def test_silence_lets_time_pass_by_what_elapsed() -> None:
    cutter = begun()
    before = passed_ms(cutter.cut(part(0, [line(0)] * 64)))
    idle = cutter.idle(7_000)
    assert [(block.start, block.end, len(block.rows)) for block in idle] == [(64, 64, 0)] * (SHARDS + 1)
    assert passed_ms(idle) == before + 7_000


def test_a_source_that_never_had_a_record_says_so_once() -> None:
    cutter = begun(waiting=False)
    assert {block.standing for block in cutter.idle(2_000)} == {Standing.ABSENT}
    assert cutter.idle(4_000) == []
    assert {block.standing for block in cutter.cut(part(0, [line(1)]))} == {Standing.OPEN}


def test_a_source_with_records_behind_or_ahead_of_it_is_not_absent() -> None:
    cutter = Cutter("s", ShardOf(1))
    cutter.warm_up(int64s([3]), int64s([START_MS]), int64s([START_MS]), 4, waiting=False)
    assert [block.standing for block in cutter.idle(2_000)] == [Standing.OPEN] * 2


def test_a_recording_that_begins_says_where_time_begins_and_one_that_ends_that_it_does() -> None:
    cutter = begun()
    first = cutter.cut(control(0, opening(START_MS)))
    assert passed_ms(first) == START_MS - 10_000
    assert {block.standing for block in first} == {Standing.OPEN}
    cutter.cut(part(1, [line(i) for i in range(60)]))
    last = cutter.cut(control(61, closing(START_MS + 59_000, 60_000)))
    assert passed_ms(last) == START_MS + 60_000
    assert {block.standing for block in last} == {Standing.ENDED}
    assert cutter.idle(3_600_000) == [], "after its end no time passes"


def test_rows_after_an_end_begin_anew_and_rows_before_it_do_not() -> None:
    cutter = begun()
    decoded = part(0, [line(1), line(2)])
    end = Control(START_MS + 1, end=True)
    before = SourceRange(0, 3, decoded.offset, decoded.arrived_ms, decoded.decoded, [(2, end)])
    assert {block.standing for block in cutter.cut(before)} == {Standing.ENDED}
    after = SourceRange(3, 6, decoded.offset + 4, decoded.arrived_ms, decoded.decoded, [(3, end)])
    assert {block.standing for block in cutter.cut(after)} == {Standing.OPEN}


def test_a_control_record_holds_from_its_own_offset_on() -> None:
    decoded = part(10, [line(1), line(2)])
    mixed = SourceRange(
        10, 13, int64s([10, 12]), decoded.arrived_ms, decoded.decoded, [(11, Control(START_MS + 5_000, end=False))]
    )
    (steps,) = {tuple(zip(b.steps.offset.tolist(), b.steps.ms.tolist(), strict=True)) for b in begun(10).cut(mixed)}
    assert steps == ((12, START_MS + 5_000),)


@pytest.mark.parametrize("at", [1, 20, 31, 32, 33, 60, 100])
def test_a_cutter_that_looked_back_goes_on_like_one_that_was_there(at: int) -> None:
    lines = [line(i * 0.7 + (i * 7 % 5)) for i in range(140)]
    there, back = begun(), Cutter("votes/0", ShardOf(SHARDS))
    there.cut(part(0, lines[:at]))
    first = max(0, at - RECORDS)
    past = part(first, lines[first:at])
    back.warm_up(past.offset, past.decoded.ts_ms, past.arrived_ms, at, waiting=True)
    assert passed_ms(back.idle(5_000)) == passed_ms(there.idle(5_000))
    one, other = there.cut(part(at, lines[at:])), back.cut(part(at, lines[at:]))
    assert [b.steps.ms.tolist() for b in one] == [b.steps.ms.tolist() for b in other]


def test_a_cutter_that_looked_back_on_an_end_knows_that_it_ended() -> None:
    """Else a worker that is restarted after a recording lets time pass that does not pass without the restart."""
    past = part(0, [line(1), line(2)])
    cutter = Cutter("votes/0", ShardOf(SHARDS))
    cutter.warm_up(past.offset, past.decoded.ts_ms, past.arrived_ms, 3, waiting=False, controls=[(2, Control(START_MS, end=True))])
    assert cutter.idle(3_600_000) == []
    cutter.warm_up(past.offset, past.decoded.ts_ms, past.arrived_ms, 3, waiting=False, controls=[(0, Control(START_MS, end=True))])
    assert cutter.idle(3_600_000) != [], "rows came after that end"
    cutter.warm_up(int64s(), int64s(), int64s(), 1, waiting=False, controls=[(0, Control(START_MS, end=True))])
    assert cutter.idle(3_600_000) == [], "an end without a row is an end too"


def test_a_poll_has_one_shard_and_shards_have_many_polls() -> None:
    shard_of = ShardOf(8)
    polls = [f"poll-{i}" for i in range(2_000)]
    first = shard_of(polls)
    assert (shard_of(polls) == first).all()
    assert np.bincount(first, minlength=8).min() > 150


def test_shards_are_remembered_for_so_many_polls_and_no_more() -> None:
    shard_of = ShardOf(8)
    for hundred in range(1_050):
        shard_of([f"{hundred}/{i}" for i in range(100)])
    assert len(shard_of._known) <= 100_100


def test_taking_rows_takes_all_their_columns() -> None:
    decoded: Decoded = DECODER.recording([line(1, "p"), b"{", line(2, "q"), line(3, "r")])
    taken = take(decoded, int64s([2, 0]))
    assert taken.ts_ms.tolist() == [START_MS + 3_000, START_MS + 1_000]
    assert [taken.poll_ids[code] for code in taken.poll.tolist()] == ["r", "p"]
    assert (taken.index.tolist(), taken.refused) == ([3, 0], [])


def test_a_source_is_named_by_topic_and_partition() -> None:
    assert source_name("poll.votes", 3) == "poll.votes/3"
