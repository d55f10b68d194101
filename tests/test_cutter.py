"""Rows of a source partition become one block for each shard; what its silence and its control records say."""

from __future__ import annotations

import json
import random
import zlib
from itertools import pairwise

import numpy as np
import pytest
from columns_by_hand import assert_same_parts, assert_same_rows
from cut_by_hand import ReadOfOne, cut_one, only

from detectors.block import Block, Part, Standing
from detectors.columns import int64s
from detectors.watermark import LAG_MS, RECORDS, UNKNOWN_MS
from streams.control import Control, closing, opening
from streams.cut import ShardOf, cut, without_rows
from streams.cutter import NOTHING_DECODED, Cutter, Read, SourceRange, source_name, take
from streams.decode import Decoded, Decoder

START_MS = 1_664_812_800_000
SHARDS = 3
DECODER = Decoder(bytes(16), 1_000_000, None, 300_000)


def line(at_s: float, poll: str = "p", event: str = "") -> bytes:
    fields = {"type": "vote", "event_id": event or f"{poll}{at_s}", "poll_id": poll, "account_id": "a", "option": "x"}
    return json.dumps({**fields, "ts": START_MS + round(at_s * 1000)}).encode()


def part(start: int, lines: list[bytes], end: int | None = None, arrived_ms: int = 2**52) -> ReadOfOne:
    """Return a range whose lines stand at offsets `start` and on."""
    decoded = DECODER.recording(lines)
    arrived = np.full(len(decoded), arrived_ms)
    return ReadOfOne(start, end or start + len(lines), decoded.index.astype(np.int64) + start, arrived, decoded)


def control(at: int, what: Control) -> ReadOfOne:
    return ReadOfOne(at, at + 1, int64s(), int64s(), NOTHING_DECODED, [(at, what)])


def begun(at: int = 0, waiting: bool = True) -> Cutter:
    cutter = Cutter("votes/0")
    cutter.warm_up(int64s(), int64s(), int64s(), at, waiting)
    return cutter


def offsets(blocks: list[Block]) -> list[int]:
    """Return the offsets of all rows of the poll shards, after a look at the last block: it has them all too."""
    found = sorted(offset for block in blocks[:SHARDS] for offset in block.rows.offset.tolist())
    assert blocks[SHARDS].rows.offset.tolist() == found
    return found


def passed_ms(blocks: list[Block]) -> int:
    """Return how far the blocks say that time has come; all shards are told the same."""
    (ms,) = {max(only(block).steps.ms.tolist(), default=UNKNOWN_MS) for block in blocks}
    return int(ms)


def standing(part: Part | None) -> Standing | None:
    return None if part is None else part.standing


def test_every_row_goes_to_the_shard_of_its_poll_and_every_shard_hears_of_the_range() -> None:
    lines = [line(i, f"poll-{i % 7}") for i in range(100)]
    blocks = cut_one(begun(), part(0, lines), SHARDS)
    assert [(only(block).start, only(block).end) for block in blocks] == [(0, 100)] * (SHARDS + 1)
    assert offsets(blocks) == list(range(100))
    for shard, block in enumerate(blocks[:SHARDS]):
        polls = {block.rows.poll_ids[code] for code in block.rows.poll.tolist()}
        assert {zlib.crc32(poll.encode()) % SHARDS for poll in polls} <= {shard}
        assert block.rows.offset.tolist() == sorted(block.rows.offset.tolist())


@pytest.mark.parametrize("seed", range(10))
def test_sources_that_are_cut_together_are_told_the_same_as_each_by_itself(seed: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    logs = [[line(i + rng.uniform(0, 3), f"poll-{rng.randrange(9)}") for i in range(rng.randrange(60))] for _ in range(4)]
    names = [f"votes/{number}" for number in range(4)]
    decoded = DECODER.recording([text for log in logs for text in log])
    ends = np.cumsum([len(log) for log in logs]).tolist()
    ranges = [SourceRange(0, len(log), slice(end - len(log), end)) for log, end in zip(logs, ends, strict=True)]
    offset = np.concatenate([np.arange(len(log)) for log in logs])
    read = Read(offset, np.full(len(offset), 2**52), decoded)
    together = cut(ShardOf(SHARDS), read, list(zip(map(Cutter, names), ranges, strict=True)))
    apart = [cut_one(Cutter(name), part(0, log), SHARDS) for name, log in zip(names, logs, strict=True)]
    for shard, block in enumerate(together):
        for (its, rows), alone in zip(block.shares(), (blocks[shard] for blocks in apart), strict=True):
            share = Block([its], block.rows.take(rows))
            assert_same_parts(share, alone)
            assert_same_rows(share.rows, alone.rows)


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
            blocks = cut_one(cutter, part(start, lines[start:end]), SHARDS)
            rows += offsets(blocks)
            steps += zip(only(blocks[0]).steps.offset.tolist(), only(blocks[0]).steps.ms.tolist(), strict=True)
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
    shed, usual = cut_one(begun(), part(0, lines), SHARDS, shed=True), cut_one(begun(), part(0, lines), SHARDS)
    assert all(only(block).shed for block in shed)
    assert not any(only(block).shed for block in usual)
    for mine, theirs in zip(map(only, shed), map(only, usual), strict=True):
        assert (mine.start, mine.end, mine.steps.ms.tolist()) == (theirs.start, theirs.end, theirs.steps.ms.tolist())
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
    cut_one(cutter, part(cutter.continues_at(9), [line(1)] * 3, end=12), SHARDS)
    assert cutter.continues_at(20) == 12
    assert Cutter("s").continues_at(7) == 7


def test_a_clock_ahead_of_the_brokers_does_not_move_event_time_past_what_can_have_happened() -> None:
    lines = [line(1_000_000 + i) for i in range(64)]
    blocks = cut_one(begun(), part(0, lines, arrived_ms=START_MS), SHARDS)
    assert passed_ms(blocks) == START_MS - LAG_MS
    assert blocks[ShardOf(SHARDS)(["p"])[0]].rows.ts_ms[0] == START_MS + 1_000_000_000, "the row itself is not touched"


def test_silence_lets_time_pass_by_what_elapsed() -> None:
    cutter = begun()
    before = passed_ms(cut_one(cutter, part(0, [line(0)] * 64), SHARDS))
    idle = cutter.idle(7_000)
    assert idle is not None
    assert (idle.start, idle.end, idle.rows) == (64, 64, 0)
    assert passed_ms(without_rows([idle], SHARDS)) == before + 7_000


def test_a_source_that_never_had_a_record_says_so_once() -> None:
    cutter = begun(waiting=False)
    assert standing(cutter.idle(2_000)) is Standing.ABSENT
    assert cutter.idle(4_000) is None
    assert {only(block).standing for block in cut_one(cutter, part(0, [line(1)]), SHARDS)} == {Standing.OPEN}


def test_a_source_with_records_behind_or_ahead_of_it_is_not_absent() -> None:
    cutter = Cutter("s")
    cutter.warm_up(int64s([3]), int64s([START_MS]), int64s([START_MS]), 4, waiting=False)
    assert standing(cutter.idle(2_000)) is Standing.OPEN


def test_a_recording_that_begins_says_where_time_begins_and_one_that_ends_that_it_does() -> None:
    cutter = begun()
    first = cut_one(cutter, control(0, opening(START_MS)), SHARDS)
    assert passed_ms(first) == START_MS - 10_000
    assert {only(block).standing for block in first} == {Standing.OPEN}
    cut_one(cutter, part(1, [line(i) for i in range(60)]), SHARDS)
    last = cut_one(cutter, control(61, closing(START_MS + 59_000, 60_000)), SHARDS)
    assert passed_ms(last) == START_MS + 60_000
    assert {only(block).standing for block in last} == {Standing.ENDED}
    assert cutter.idle(3_600_000) is None, "after its end no time passes"


def test_rows_after_an_end_begin_anew_and_rows_before_it_do_not() -> None:
    cutter = begun()
    decoded = part(0, [line(1), line(2)])
    end = Control(START_MS + 1, end=True)
    before = ReadOfOne(0, 3, decoded.offset, decoded.arrived_ms, decoded.decoded, [(2, end)])
    assert {only(block).standing for block in cut_one(cutter, before, SHARDS)} == {Standing.ENDED}
    after = ReadOfOne(3, 6, decoded.offset + 4, decoded.arrived_ms, decoded.decoded, [(3, end)])
    assert {only(block).standing for block in cut_one(cutter, after, SHARDS)} == {Standing.OPEN}


def test_a_control_record_holds_from_its_own_offset_on() -> None:
    decoded = part(10, [line(1), line(2)])
    mixed = ReadOfOne(
        10, 13, int64s([10, 12]), decoded.arrived_ms, decoded.decoded, [(11, Control(START_MS + 5_000, end=False))]
    )
    (steps,) = {tuple(zip(b.steps.offset.tolist(), b.steps.ms.tolist(), strict=True)) for b in map(only, cut_one(begun(10), mixed, SHARDS))}
    assert steps == ((12, START_MS + 5_000),)


@pytest.mark.parametrize("at", [1, 20, 31, 32, 33, 60, 100])
def test_a_cutter_that_looked_back_goes_on_like_one_that_was_there(at: int) -> None:
    lines = [line(i * 0.7 + (i * 7 % 5)) for i in range(140)]
    there, back = begun(), Cutter("votes/0")
    cut_one(there, part(0, lines[:at]), SHARDS)
    first = max(0, at - RECORDS)
    past = part(first, lines[first:at])
    back.warm_up(past.offset, past.decoded.ts_ms, past.arrived_ms, at, waiting=True)
    of_back, of_there = back.idle(5_000), there.idle(5_000)
    assert of_back
    assert of_there
    assert of_back.steps.ms.tolist() == of_there.steps.ms.tolist()
    one, other = cut_one(there, part(at, lines[at:]), SHARDS), cut_one(back, part(at, lines[at:]), SHARDS)
    assert [only(b).steps.ms.tolist() for b in one] == [only(b).steps.ms.tolist() for b in other]


def test_a_cutter_that_looked_back_on_an_end_knows_that_it_ended() -> None:
    """Else a worker that is restarted after a recording lets time pass that does not pass without the restart."""
    past = part(0, [line(1), line(2)])
    cutter = Cutter("votes/0")
    cutter.warm_up(past.offset, past.decoded.ts_ms, past.arrived_ms, 3, waiting=False, controls=[(2, Control(START_MS, end=True))])
    assert cutter.idle(3_600_000) is None
    cutter.warm_up(past.offset, past.decoded.ts_ms, past.arrived_ms, 3, waiting=False, controls=[(0, Control(START_MS, end=True))])
    assert cutter.idle(3_600_000) is not None, "rows came after that end"
    cutter.warm_up(int64s(), int64s(), int64s(), 1, waiting=False, controls=[(0, Control(START_MS, end=True))])
    assert cutter.idle(3_600_000) is None, "an end without a row is an end too"


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
