"""The console's memory: what it makes of records in any order, repeated, bad, or too many."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain

import pytest
from console_records import START_MS, Record, alert, case_id, decision, estimate, item, surge, title
from hypothesis import given, settings
from hypothesis import strategies as st

from config import TopicRole
from streams.console import board as board_module
from streams.console.board import MOST_CASES, MOST_OPTIONS, MOST_TITLE_CHARS, Board
from streams.console.case_file import MOST_DECISIONS, MOST_REVISIONS, State
from streams.console.named import MOST_LISTED, Named

TOPICS: list[list[Record]] = [
    [alert(1), alert(2, verdict="organic"), alert(1, 2, news="updated"), alert(1, 3, news="retracted", verdict="insufficient")],
    [item(1), item(2), item(1, 2, 1, 2), item(1, 2, 2, 2), item(1, 3, accounts=[], cleared=["a1-1-0"])],
    [estimate("p", 1, 10), estimate("q", 1, 5), estimate("p", 2, 30, 10), estimate("p", 3, 40, 10)],
    [title("p", "The plan"), title("q", "The question"), title("p", "The peace plan")],
    [decision(1), decision(3), decision(1, "false_positive", second=1)],
]
BAD = [b"", b"null", b"[]", b"{", b"\xff", b"{}", b'{"case_id": 1}', b'{"data": {"case_id": "x"}}', b"[" * 100_000, b"1e999"]


def folded(records: Sequence[tuple[TopicRole, bytes | None]]) -> Board:
    board = Board()
    for role, value in records:
        board.take(role, value)
    return board


def seen(board: Board) -> object:
    """Return all that a page could show, without what only counts records."""
    cases = {
        key: (one.latest, one.state if one.latest else None, one.retracted_ms, one.revisions(), one.named.sorts(), one.named.accounts(), one.named.cleared(), one.decisions)
        for key, one in sorted(board.cases.items())
    }  # fmt: skip
    polls = {
        key: (one.estimate, [column.tolist() for column in one.course._columns()] if one.course else None)
        for key, one in sorted(board.polls.items())
    }
    return cases, polls, board.titles, board.last_ms


IN_ORDER = seen(folded(list(chain.from_iterable(TOPICS))))


@given(st.data())
@settings(max_examples=60)
def test_topics_may_come_in_any_order_with_repeats_and_bad_records(data: st.DataObject) -> None:
    """Each topic keeps its order, as a partition does; what was read before may be read again from any point."""
    left = [list(topic) for topic in TOPICS]
    records: list[tuple[TopicRole, bytes | None]] = []
    while any(left):
        topic = data.draw(st.sampled_from([number for number, rest in enumerate(left) if rest]))
        records.append(left[topic].pop(0))
        if data.draw(st.integers(0, 3)) == 0:
            again = TOPICS[topic][data.draw(st.integers(0, len(TOPICS[topic]) - 1)) : len(TOPICS[topic]) - len(left[topic])]
            records += again
        if data.draw(st.integers(0, 3)) == 0:
            records.append((data.draw(st.sampled_from([TOPICS[topic][0][0]])), data.draw(st.sampled_from(BAD))))
    assert seen(folded(records)) == IN_ORDER


@pytest.mark.parametrize("role", board_module.READ)
@pytest.mark.parametrize("value", BAD, ids=range(len(BAD)))
def test_a_bad_record_is_counted_and_changes_nothing(role: TopicRole, value: bytes) -> None:
    board = folded([(role, value)])
    assert (board.read, board.unreadable, board.version) == (1, 1, 0)
    assert not board.cases
    assert not board.polls


def test_a_record_whose_times_no_calendar_has_is_bad() -> None:
    board = folded(
        [alert(1, updated_ms=10**17), estimate("p", 10**14, 1), decision(1, second=10**14), item(1, created_ms=-(10**17))]
    )
    assert board.unreadable == 4


def test_fields_of_a_later_version_are_passed_over_and_those_of_an_earlier_one_are_not_missed() -> None:
    role, value = alert(1, of_a_later_version={"x": 1})
    later = json.loads(value)
    later["traceparent"] = "00-1"
    later["data"]["polls"][0]["suspect"]["method"] = "x"
    old = json.loads(estimate("p", 1, 10)[1])
    for name in ("expected_per_s", "rate_score"):
        del old[name]
    board = folded([(role, json.dumps(later).encode()), (TopicRole.INTEGRITY, json.dumps(old).encode())])
    assert board.unreadable == 0
    assert set(board.cases) == {case_id(1)}
    assert board.polls["p"].estimate.expected_per_s is None


def test_cases_come_newest_first_and_say_how_they_stand() -> None:
    board = folded([
        alert(1), alert(2, news="resolved"), alert(3), alert(3, 2, news="retracted", verdict="insufficient"), alert(3, 3, news="resolved", verdict="insufficient"),
        alert(4, merged_into=case_id(1)), alert(5, 1, news="retracted", verdict="insufficient"), alert(5, 2, news="updated", verdict="coordinated"),
    ])  # fmt: skip
    assert [(one.case_id, one.state) for one in board.told()] == [
        (case_id(5), State.OPEN),  # it accuses again
        (case_id(4), State.MERGED),
        (case_id(3), State.RETRACTED),  # resolved, but what it said before is void
        (case_id(2), State.RESOLVED),
        (case_id(1), State.OPEN),
    ]


def test_a_case_known_by_its_items_or_decisions_alone_is_not_told() -> None:
    board = folded([item(1), decision(2)])
    assert board.told() == []
    board.take(*alert(2))
    assert [one.is_decided for one in board.told()] == [True]


def test_cases_revisions_and_decisions_are_bounded_and_the_latest_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    board = folded([alert(1, revision) for revision in range(1, MOST_REVISIONS + 11)])
    assert [one.data.revision for one in board.cases[case_id(1)].revisions()] == list(range(11, MOST_REVISIONS + 11))
    for second in range(MOST_DECISIONS + 10):
        board.take(*decision(1, second=second))
    assert len(board.cases[case_id(1)].decisions) == MOST_DECISIONS
    assert board.cases[case_id(1)].decisions_told == MOST_DECISIONS + 10
    monkeypatch.setattr(board_module, "MOST_CASES", 20)
    for number in range(2, 30):
        board.take(*alert(number))
    assert len(board.cases) == 20 < MOST_CASES
    assert case_id(1) not in board.cases
    assert board.forgotten_cases == 9


def test_polls_and_courses_are_bounded_and_those_told_of_last_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_module, "MOST_POLLS", 10)
    monkeypatch.setattr(board_module, "MOST_COURSES", 4)
    monkeypatch.setattr(board_module, "MOST_TITLES", 3)
    board = folded([estimate(f"p{number}", 1, 1) for number in range(30)])
    assert list(board.polls) == [f"p{number}" for number in range(20, 30)]
    assert [poll_id for poll_id in board.polls if board.course(poll_id)] == ["p26", "p27", "p28", "p29"]
    board.take(*estimate("p20", 2, 2))
    assert board.course("p20") is not None
    assert board.course("p26") is None
    for number in range(9):
        board.take(*title(f"p{number}", "x" * 9_999))
    assert len(board.titles) == 3
    assert {len(words) for words in board.titles.values()} == {MOST_TITLE_CHARS}


def test_account_names_are_bounded_in_a_case_and_in_all_and_the_counts_stay_right(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [{"account_id": f"x{row}", "score": 0.9, "reasons": ["lockstep"]} for row in range(500)]
    parts = MOST_LISTED // 500 + 4
    board = folded([item(1, 1, part, parts, accounts=many) for part in range(1, parts + 1)])
    assert board.cases[case_id(1)].named.held == MOST_LISTED
    assert board.cases[case_id(1)].named.count == 500 * parts
    monkeypatch.setattr(board_module, "MOST_NAMES", 100)
    board.take(*item(2))
    named = board.cases[case_id(1)].named
    assert (named.held, named.let_go, named.count) == (0, True, 500 * parts)
    assert board.cases[case_id(2)].named.held == 6


def test_a_later_revision_of_items_makes_the_earlier_one_void() -> None:
    board = folded([item(1, 1, 1, 3), item(1, 1, 2, 3), item(1, 2, 1, 1)])
    assert [one.account_id for one in board.cases[case_id(1)].named.accounts()] == [f"a2-1-{row}" for row in range(6)]
    assert board.cases[case_id(1)].named.is_whole
    board.take(*item(1, 1, 3, 3))
    assert board.cases[case_id(1)].named.count == 6


def test_nothing_is_named_before_an_item_comes() -> None:
    named = Named()
    assert (named.count, named.victims, named.cleared_count, named.accounts()) == (0, 0, 0, [])


def test_a_poll_with_more_options_than_anybody_reads_keeps_those_with_most_votes() -> None:
    options = {f"o{number}": number for number in range(1_000)}
    shares = {name: {"share": 0.0, "low": 0.0, "high": 0.0} for name in options}
    board = folded([estimate("p", 1, 499_500, options=options, adjusted=shares)])
    kept = board.polls["p"].estimate.options
    assert sorted(kept.values()) == list(range(1_000 - MOST_OPTIONS, 1_000))


def test_an_option_without_an_adjusted_share_is_left_out() -> None:
    board = folded([estimate("p", 1, 3, adjusted={"yes": {"share": 1.0, "low": 1.0, "high": 1.0}})])
    assert list(board.polls["p"].estimate.options) == ["yes"]


def test_an_estimate_that_was_told_before_does_not_bring_the_past_back() -> None:
    records = surge("p", 1)
    board = folded([*records, *records[:50]])
    assert board.polls["p"].estimate.updated_ms == START_MS + 119_000
    assert board.version == len(records)
