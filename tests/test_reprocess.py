"""Where a group is sent back to: from what was asked for to an offset for each partition, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.reprocess_plan import (
    Place,
    ReprocessError,
    consequences,
    from_offsets,
    from_start,
    from_time,
    parse_offsets,
    parse_time_ms,
    table,
)

WHOLE = Place("poll.votes/0", first=0, end=1_000, committed=900)
CUT = Place("poll.votes/1", first=300, end=1_000, committed=1_000)
UNREAD = Place("poll.replies/0", first=5, end=50, committed=None)
PLACES = [WHOLE, CUT, UNREAD]


def test_from_the_start_is_from_what_the_topics_still_hold() -> None:
    assert [move.to for move in from_start(PLACES)] == [0, 300, 5]


def test_from_a_time_after_the_last_record_is_from_the_end() -> None:
    moves = from_time(PLACES, {"poll.votes/0": 400, "poll.votes/1": None, "poll.replies/0": 5})
    assert [move.to for move in moves] == [400, 1_000, 5]
    assert [move.records for move in moves] == [600, 0, 45]


def test_partitions_that_are_not_named_go_on_where_they_are() -> None:
    assert [move.to for move in from_offsets(PLACES, {"poll.votes/1": 310})] == [900, 310, 5]


def test_what_expired_since_the_commit_is_not_asked_for() -> None:
    expired = Place("poll.votes/0", first=500, end=1_000, committed=100)
    assert [move.to for move in from_offsets([expired, CUT], {"poll.votes/1": 400})] == [500, 400]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"poll.votes/7": 0}, "poll.votes/7 is no input partition: these are poll.votes/0, poll.votes/1, poll.replies/0"),
        ({"poll.votes/1": 299}, "poll.votes/1 holds offsets 300 to 1000, not 299"),
        ({"poll.votes/1": 1_001}, "poll.votes/1 holds offsets 300 to 1000, not 1001"),
    ],
)
def test_an_offset_that_is_not_there_is_refused_with_those_that_are(wanted: dict[str, int], told: str) -> None:
    with pytest.raises(ReprocessError, match=told):
        from_offsets(PLACES, wanted)


def test_offsets_may_stand_in_a_file_and_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "offsets"
    path.write_text("# as of this morning\npoll.votes/0=12\n\n  poll.replies/1=7\n")
    assert parse_offsets([str(path), "poll.votes/1=3"]) == {"poll.votes/0": 12, "poll.replies/1": 7, "poll.votes/1": 3}


@pytest.mark.parametrize("words", [["poll.votes/0=-1"], ["poll.votes=5"], ["poll.votes/0=5", "poll.votes/0=6"], ["/no/such/file"]])
def test_what_is_no_offset_is_refused(words: list[str]) -> None:
    with pytest.raises(ReprocessError):
        parse_offsets(words)


@pytest.mark.parametrize("text", ["yesterday", "", "-5", "2026-13-01", "٣"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ReprocessError, match="is no time"):
        parse_time_ms(text)


def test_the_table_shows_what_is_read_and_where_older_records_are_gone() -> None:
    head, *rows = table(from_start(PLACES))
    assert head.split() == ["partition", "committed", "read", "from", "end", "records"]
    assert rows[0].split() == ["poll.votes/0", "900", "0", "1,000", "1,000"]
    assert rows[1].split() == ["poll.votes/1", "1,000", "300", "1,000", "700", "the", "topic", "begins", "here"]
    assert rows[2].split() == ["poll.replies/0", "–", "5", "50", "45", "the", "topic", "begins", "here"]


def test_it_is_said_that_counts_get_smaller_unless_all_that_ever_came_is_read() -> None:
    assert "smaller" in " ".join(consequences(from_start(PLACES)))
    assert "smaller" not in " ".join(consequences(from_start([WHOLE])))
