"""What is posted next and when: in order for each case, past what fails, and committed only as far as all is done."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notify_messages import ALERTS, alert, message

from streams.notify.backlog import MOST_AHEAD, MOST_BYTES, Backlog, Waiting
from streams.notify.positions import as_commit, from_commit
from streams.notify.retries import LONGEST_ASKED_FOR_S, Backoff, asked_for_s, outcome_of

CASES = [f"{number:016x}" for number in range(4)]


def backlog(*cases: int, first: int = 0) -> Backlog:
    """Return a backlog of one message for each of these cases, at offsets from `first` on."""
    made = Backlog({ALERTS: first}, Backoff(random.Random(1)))
    for place, case in enumerate(cases):
        made.read(ALERTS, first + place, message(alert(CASES[case], place + 1, "updated"), first + place))
    return made


def taken(waiting: Waiting | None) -> Waiting:
    assert waiting is not None
    return waiting


def test_a_failing_message_holds_back_its_own_case_only() -> None:
    work = backlog(0, 0, 1, 1)
    work.failed(taken(work.next(0)), 0, 0)
    assert work.next(0.4) is None, "the target itself is left alone for a moment"
    for expected in (2, 3):
        waiting = taken(work.next(1))
        assert waiting.message.offset == expected
        work.answered()
        work.done(waiting)
    assert work.positions() == {ALERTS: 0}, "nothing passes what is not done"
    for expected in (0, 1):
        waiting = taken(work.next(100))
        assert waiting.message.offset == expected
        work.answered()
        work.done(waiting)
    assert work.positions() == {ALERTS: 4}
    assert work.next(1_000) is None
    assert work.next_s() is None
    assert work.oldest_ms() is None


def test_a_target_that_is_down_is_tried_less_and_less_often() -> None:
    work, now_s, tries = backlog(0, 1, 2, 3), 0.0, []
    while now_s < 3_600:
        waiting = work.next(now_s)
        if waiting is not None:
            tries.append(now_s)
            work.failed(waiting, now_s, 0)
        now_s = max(now_s, work.next_s() or 0.0)
    assert len(tries) < 130, "once in half a minute to a minute in the end"
    assert tries[3] < 10


def test_a_target_that_asks_for_time_gets_it() -> None:
    work = backlog(0, 1)
    work.failed(taken(work.next(0)), 0, 120)
    assert work.next(119.9) is None
    assert work.next(120) is not None


def test_waits_double_up_to_a_minute_and_chance_takes_at_most_half() -> None:
    backoff = Backoff(random.Random(7))
    waits = [backoff.wait_s(failures) for failures in range(1, 12)]
    assert waits == [Backoff(random.Random(7)).wait_s(1), *waits[1:]], "the same chance gives the same wait"
    for failures, wait_s in enumerate(waits, 1):
        whole_s = min(60.0, 2.0 ** (failures - 1))
        assert whole_s / 2 <= wait_s <= whole_s
    assert backoff.wait_s(10**6) <= 60


def test_no_more_is_read_than_memory_is_meant_for() -> None:
    work = Backlog({ALERTS: 0}, Backoff(random.Random(1)))
    big = message(alert(summary="x" * 1_000_000))
    for offset in range(8):
        assert work.has_room(ALERTS)
        work.read(ALERTS, offset, message(alert(summary="x" * 1_100_000), offset))
    assert len(big.value) * 8 < MOST_BYTES + 1_048_576
    assert not work.has_room(ALERTS)
    small = backlog(0)
    for offset in range(1, MOST_AHEAD):
        assert small.has_room(ALERTS)
        small.read(ALERTS, offset, None)
    assert not small.has_room(ALERTS), "what is passed over counts too, until the first is done"
    small.done(taken(small.next(0)))
    assert small.has_room(ALERTS)
    assert small.positions() == {ALERTS: MOST_AHEAD}


@given(st.lists(st.sampled_from([0, 1, 2, 3, None]), max_size=30), st.randoms(use_true_random=False))
def test_whatever_fails_each_case_arrives_in_order_and_nothing_is_lost(cases: list[int | None], chance: random.Random) -> None:
    work, now_s = Backlog({ALERTS: 5}, Backoff(random.Random(0))), 0.0
    for place, case in enumerate(cases):
        said = None if case is None else message(alert(CASES[case], place + 1, "updated"), place + 5)
        work.read(ALERTS, place + 5, said)
    arrived: list[int] = []
    for _ in range(10_000):
        if (waiting := work.next(now_s)) is None:
            if (due_s := work.next_s()) is None:
                break
            assert due_s > now_s
            now_s = due_s
        elif chance.random() < 0.6:
            work.failed(waiting, now_s, chance.choice([0, 0, 30]))
        else:
            work.answered()
            arrived.append(waiting.message.offset)
            work.done(waiting)
        undone = [place + 5 for place, case in enumerate(cases) if case is not None and place + 5 not in arrived]
        assert work.positions() == {ALERTS: min(undone, default=5 + len(cases))}
    assert sorted(arrived) == [place + 5 for place, case in enumerate(cases) if case is not None]
    for case in range(4):
        of_case = [offset for offset in arrived if cases[offset - 5] == case]
        assert of_case == sorted(of_case)


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ([200, 201, 202, 204, 299], "delivered"),
        ([400, 401, 403, 404, 409, 410, 413, 422, 499], "refused"),
        ([100, 301, 302, 307, 308, 408, 425, 429, 500, 502, 503, 504, 599, 999], "retried"),
    ],
)
def test_what_an_answer_means(statuses: list[int], outcome: str) -> None:
    assert {outcome_of(status).value for status in statuses} == {outcome}


@given(st.text(max_size=40))
def test_whatever_a_receiver_asks_for_is_a_bounded_time(header: str) -> None:
    assert 0 <= asked_for_s(header, 1.7e9) <= LONGEST_ASKED_FOR_S


@pytest.mark.parametrize("header", ["9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT", "٣", "-5", "", "1e9", "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_odd_ways_to_ask_for_time(header: str) -> None:
    assert 0 <= asked_for_s(header, 1.7e9) <= LONGEST_ASKED_FOR_S


@given(st.dictionaries(st.from_regex(r"[a-z0-9][a-z0-9-]{0,9}", fullmatch=True), st.integers(0, 2**62), min_size=1), st.integers(0, 2**62))
def test_each_target_goes_on_where_it_was_committed(positions: dict[str, int], end: int) -> None:
    offset, text = as_commit(positions)
    assert offset == min(positions.values())
    assert from_commit(offset, text, [*positions, "new"], end) == {**{name: min(at, end) for name, at in positions.items()}, "new": end}


@pytest.mark.parametrize("text", ["", "nonsense", "[1]", '{"a":"x"}', '{"a":true}', "9" * 5_000])
def test_a_commit_whose_text_cannot_be_read_repeats_rather_than_loses(text: str) -> None:
    assert from_commit(7, text, ["a", "b"], 9) == {"a": 7, "b": 7}
    assert from_commit(None, text, ["a", "b"], 9) == {"a": 9, "b": 9}
