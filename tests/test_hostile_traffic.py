"""Traffic that was made to cost much costs time in proportion, and memory that has a bound."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest
from cut_by_hand import ReadOfOne, cut_one

from benchmarks.hostile_traffic import SORTS, lines
from config import Settings, with_overrides
from detectors.polls import MAX_OPTIONS
from detectors.shard import Shard
from streams.cutter import Cutter
from streams.decode import Decoder
from streams.scan import Summary, scan
from streams.stages import build_decoder, build_shard

FEW = 3_000
MOST_EXPONENT = 1.3
"""What is quadratic has 2, and what is n log n 1.1; event time that passes costs the same for few lines as for many."""
# of the others time is what costs, not the lines
COSTLY = sorted(set(SORTS) - {"leaping times", "years", "colliding ids", "other ids"})


def scanned(sort: str, count: int, folder: Path) -> tuple[float, Summary]:
    """Return CPU seconds and summary of a scan of so many lines."""
    recording = folder / "recording.jsonl"
    recording.write_bytes(b"".join(lines(sort, count)))
    began_s = time.process_time()
    summary = scan([recording], Settings(), folder / "out", False, lambda _: None)
    return time.process_time() - began_s, summary


@pytest.mark.parametrize("sort", COSTLY)
def test_time_grows_with_the_number_of_lines_and_not_faster(sort: str, tmp_path: Path) -> None:
    found = []
    for _ in range(3):  # the best of some: others use the machine too
        few_s, few = scanned(sort, FEW, tmp_path)
        many_s, many = scanned(sort, 4 * FEW, tmp_path)
        assert (few.events, many.events) == (FEW, 4 * FEW)
        assert few.rejected == many.rejected == 0
        found.append(math.log(many_s / few_s, 4))
        if found[-1] < MOST_EXPONENT:
            return
    assert min(found) < MOST_EXPONENT


@pytest.mark.parametrize("count", [10_000, 20_000])
def test_ids_that_were_chosen_to_collide_cost_no_more_than_others(count: int, tmp_path: Path) -> None:
    found = []
    for _ in range(3):
        chosen_s, others_s = (scanned(sort, count, tmp_path)[0] for sort in ("colliding ids", "other ids"))
        found.append(chosen_s / others_s)
        if found[-1] < 1.7:
            return
    assert min(found) < 1.7


def fed(sort: str, count: int, settings: Settings, decoder: Decoder) -> Shard:
    """Return a shard that was given so many lines, a thousand at a time."""
    shard, cutter = build_shard(0, settings, ["s"]), Cutter("s", recorded=True)
    waiting = list(lines(sort, count))
    for start in range(0, count, 1_000):
        decoded = decoder.recording(waiting[start : start + 1_000])
        offset = decoded.index.astype("i8") + start
        block = cut_one(cutter, ReadOfOne(start, min(count, start + 1_000), offset, decoded.ts_ms, decoded), 1)[0]
        shard.accept(block)
        shard.advance()
    return shard


def test_of_polls_with_one_vote_each_no_more_are_held_than_may_be() -> None:
    settings = with_overrides(Settings(), polls={"max_polls": 160}, topics={"partitions": 1})
    shard = fed("many polls", 6_000, settings, build_decoder(settings))
    assert 150 <= len(shard.book) <= 170
    assert shard.book.names_held() <= 25_000
    few = fed("many polls", 2_000, settings, build_decoder(settings))
    assert len(shard.book.poll_ids) <= 2 * len(few.book.poll_ids)


def test_a_poll_of_which_every_vote_has_an_option_of_its_own_holds_few() -> None:
    settings = with_overrides(Settings(), topics={"partitions": 1})
    shard = fed("all different", 3_000, settings, build_decoder(settings))
    number = shard.book.number_of("p")
    assert number is not None
    assert len(shard.book.cells(number)) <= MAX_OPTIONS + 1
    assert sum(shard.book.tally(number).values()) > 2_500, "none is lost: they count together"
