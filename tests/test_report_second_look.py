"""The second look at a recording: which votes it keeps of a case, that copies and order change nothing, and that it stays small."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from config import Settings
from streams.report import Sample, Wanted
from streams.report.chosen import Chosen
from streams.report.near import Bins
from streams.report.quotes import alike
from streams.report.sample import MOST_BARS, MOST_NAMED, MOST_OTHERS, MOST_QUOTES, Quote
from streams.report.second_look import look

START_MS = 1_664_812_800_000
MINUTE_MS = 60_000


def vote(number: int, account: str, at_ms: int, poll: str = "p", **more: Any) -> dict[str, Any]:
    return {
        "type": "vote", "event_id": f"{poll}-{account}-{number}", "poll_id": poll, "account_id": account, "option": "yes",
        "ts": START_MS + at_ms, **more,
    }  # fmt: skip


def traffic() -> list[dict[str, Any]]:
    """An hour of a poll: someone every 10 s, and from minute 30 on 500 accounts of a script within 2 minutes."""
    crowd = [vote(0, f"c{number}", number * 10_000, network=f"n{number}") for number in range(360)]
    script = [vote(0, f"s{number}", 30 * MINUTE_MS + number * 240, account_created_at=5) for number in range(500)]
    reply = {"type": "reply", "event_id": "r", "poll_id": "p", "account_id": "s1", "text": "no!", "ts": START_MS + 1}
    return sorted([*crowd, *script, reply, vote(0, "x", 5, poll="another")], key=lambda event: int(event["ts"]))


def wanted(account_ids: set[str]) -> Wanted:
    return Wanted("1" * 16, ["p"], START_MS + 30 * MINUTE_MS, START_MS + 32 * MINUTE_MS, account_ids)


SCRIPT = {f"s{number}" for number in range(500)}


def looked(folder: Path, events: list[dict[str, Any]], *cases: Wanted) -> dict[str, Sample]:
    recording = folder / "recording.jsonl"
    recording.write_text("\n".join(map(json.dumps, events)))
    return look([recording], Settings(), cases or [wanted(SCRIPT)])


def test_all_votes_about_the_named_ones_are_counted_and_some_of_both_sides_kept(tmp_path: Path) -> None:
    sample = looked(tmp_path, traffic())["1" * 16]
    near = sample.near["p"]
    assert sum(near.named) == 500
    assert near.start_ms <= START_MS + 29 * MINUTE_MS + 30_000
    assert near.end_ms >= START_MS + 32 * MINUTE_MS + 30_000
    inside = [event for event in traffic() if event["account_id"][0] == "c" and near.holds(event["ts"]) and event["poll_id"] == "p"]
    assert sum(near.others) == len(inside)
    assert len(near.named) == len(near.others) <= MOST_BARS
    named = [one for one in sample.votes if one.named]
    assert len(named) == MOST_NAMED
    assert {one.created_ms for one in named} == {5}
    others = [one for one in sample.votes if not one.named]
    assert len(others) == MOST_OTHERS
    assert sum(near.holds(one.at_ms) for one in others) == len(inside)  # the nearest come first
    assert {one.poll_id for one in sample.votes} == {"p"}
    assert [quote.text for quote in sample.quotes] == ["no!"]


def test_copies_and_the_order_of_lines_change_nothing(tmp_path: Path) -> None:
    events = traffic()
    plain = looked(tmp_path, events)
    mixed = events + events[::3]
    seed = random.randrange(1 << 30)
    random.Random(seed).shuffle(mixed)
    shuffled = looked(tmp_path, mixed)
    assert shuffled["1" * 16].near == plain["1" * 16].near, f"seed {seed}"
    named = [[one for one in some["1" * 16].votes if one.named] for some in (plain, shuffled)]
    assert named[0] == named[1], f"seed {seed}"


def test_a_case_that_names_nobody_is_seen_whole(tmp_path: Path) -> None:
    sample = looked(tmp_path, traffic(), wanted(set()))["1" * 16]
    assert not any(sample.near["p"].named)
    assert sum(sample.near["p"].others) > 500
    assert len(sample.votes) == MOST_OTHERS


def test_bad_lines_and_a_cut_off_file_are_looked_at_as_far_as_they_go(tmp_path: Path) -> None:
    recording = tmp_path / "cut.jsonl.gz"
    recording.write_bytes(b"\x1f\x8b")
    assert look([recording], Settings(), [wanted(SCRIPT)])["1" * 16].votes == []
    events = traffic()
    (tmp_path / "bad.jsonl").write_text("\n".join([*map(json.dumps, events), '{"type": "vote"', "[]"]))
    sample = look([tmp_path / "bad.jsonl"], Settings(), [wanted(SCRIPT)])["1" * 16]
    assert sum(sample.near["p"].named) == 500


def test_nothing_wanted_reads_nothing(tmp_path: Path) -> None:
    assert look([tmp_path / "not there"], Settings(), []) == {}


@pytest.mark.parametrize("length_ms", [1_000, 20_000, 3 * MINUTE_MS, 180 * MINUTE_MS, 40 * 24 * 60 * MINUTE_MS])
def test_however_long_a_case_lasts_its_bars_are_few_and_lose_no_vote(length_ms: int) -> None:
    start_ms = START_MS + 137
    bins = Bins(start_ms, start_ms + length_ms)
    times = [start_ms + number * length_ms // 200 for number in range(200)]
    assert all(bins.add(at_ms, True) for at_ms in times)
    assert not bins.add(START_MS - 41 * 24 * 60 * MINUTE_MS, True)
    near = bins.near()
    bars = [sum(near.start_ms <= at_ms - k * near.span_ms < near.start_ms + near.span_ms for at_ms in times) for k in range(len(near.named))]
    assert near.named == bars
    assert sum(bars) == 200
    assert len(bars) <= MOST_BARS
    assert near.start_ms % near.span_ms == 0
    assert len(bins._named) < 10_000


def test_what_is_chosen_does_not_depend_on_the_order() -> None:
    numbers = list(range(0, 1_000, 7))
    for _ in range(3):
        random.Random(1).shuffle(numbers)
        chosen: Chosen[int] = Chosen(5)
        for number in numbers:
            chosen.offer(number, number)
        assert chosen.values() == [0, 7, 14, 21, 28]


def test_the_quotes_shown_are_those_that_are_alike() -> None:
    copied = [Quote(f"u{n}", n, f"@{n} the plan reads like people wrote it who never left {n}") for n in range(7)]
    own = [Quote(f"v{n}", n, f"my {n} words are {n * 7} my own {n * 3} thoughts") for n in range(30)]
    shown = alike([*own, *copied])
    assert len(shown) == MOST_QUOTES
    assert {quote.account_id[0] for quote in shown} == {"u"}
