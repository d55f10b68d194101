"""A source of a scan from which nothing comes holds nobody back, and never runs ahead of those that speak."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cut_by_hand import cut_one
from test_cutter import SHARDS, START_MS, begun, line, part, passed_ms

import streams.scan_input
from config import Settings, with_overrides
from detectors.shard import Shard
from detectors.watermark import UNKNOWN_MS
from streams.cutter import Cutter
from streams.scan import scan
from streams.scan_silence import Silence

CHUNK_LINES = 500


def lines_from(start_s: int, count: int = 200) -> list[bytes]:
    return [line(start_s + number / 10) for number in range(count)]


def test_a_silent_source_comes_as_far_as_the_slowest_that_spoke_was_a_chunk_before() -> None:
    fast, slow = begun(), begun()
    slow.source, silent = "votes/1", Cutter("replies/0")
    silence = Silence([fast, slow, silent])
    told = []
    for chunk in range(3):
        for cutter, start_s in ((fast, 1_000), (slow, 900)):
            blocks = cut_one(cutter, part(200 * chunk, lines_from(start_s + 20 * chunk)), SHARDS)
            silence.hear(blocks[0].parts)
            slowest_ms = passed_ms(blocks)
        told.append((slowest_ms, [int(one.steps.ms.max()) for one in silence.end_chunk()]))
    (first_ms, first), (second_ms, second), (_, third) = told
    assert first == []
    assert second == [first_ms]
    assert third == [second_ms]
    assert UNKNOWN_MS < first_ms < second_ms


def test_without_anybody_who_speaks_no_time_passes() -> None:
    silence = Silence([begun()])
    assert [silence.end_chunk() for _ in range(3)] == [[]] * 3


def recording(path: Path, replies_at: list[int]) -> Path:
    """Write 4,000 votes, ten a second, and replies after some of them."""
    written = []
    for number in range(4_000):
        event = {"event_id": f"e{number}", "poll_id": f"p{number % 3}", "account_id": f"a{number * 7 % 1_009}"}
        written.append({"type": "vote", **event, "option": "yes", "ts": START_MS + 100 * number})
        if number in replies_at:
            written.append({"type": "reply", **event, "event_id": f"r{number}", "text": "No.", "ts": START_MS + 100 * number})
    path.write_text("\n".join(map(json.dumps, written)))
    return path


@pytest.mark.parametrize("replies_at", [[], [100, 3_900], [2_000]])
def test_rows_do_not_wait_for_the_end_of_the_recording(
    replies_at: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = []
    advance = Shard.advance

    def counted(shard: Shard) -> object:
        advanced = advance(shard)
        waiting.append(shard.sizes()["waiting_rows"])
        return advanced

    monkeypatch.setattr(Shard, "advance", counted)
    settings = with_overrides(Settings(), topics={"partitions": 2})
    path = recording(tmp_path / "r.jsonl", replies_at)
    scan([path], settings, tmp_path / "whole", False, lambda _: None)
    monkeypatch.setattr(streams.scan_input, "LINES_PER_CHUNK", CHUNK_LINES)
    waiting.clear()
    summary = scan([path], settings, tmp_path / "cut", False, lambda _: None)
    assert summary.events == 4_000 + len(replies_at)
    assert summary.late == 0
    assert max(waiting) <= 2 * CHUNK_LINES
    for name in ("alerts.jsonl", "moderation.jsonl", "integrity.jsonl"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
