"""A poll's course: bounded, exact where it matters, and cut into bars whose votes add up."""

import math
import random
import time

import msgspec
import pytest
from console_records import START_MS, estimate, surge
from hypothesis import given
from hypothesis import strategies as st

from detectors.alert import Integrity
from streams.console import reading
from streams.console.course import MOST_STATES, Course
from streams.console.spans_of_course import MOST_BARS, bars, shares

EVER_MS = 1 << 62


def course(records: list[bytes]) -> Course:
    made = Course()
    for value in records:
        made.add(reading.estimate(value))
    return made


def of_surge() -> Course:
    return course([value for _, value in surge("p", 1)])


def test_a_script_shows_as_suspect_votes_where_it_was_and_nowhere_else() -> None:
    found = bars(of_surge().read(), -EVER_MS, EVER_MS, 0)
    assert found is not None
    assert found.span_ms == 1_000
    assert [round(bar.suspect) for bar in found.bars] == [0] * 59 + [100] * 30 + [0] * 30
    assert {round(bar.crowd) for bar in found.bars} == {10}
    assert {bar.expected for bar in found.bars} == {10.0}


def test_suspects_that_are_learnt_late_are_laid_back_on_the_votes_that_came_before() -> None:
    """The estimate jumps at the end from none to all: they can't have come in that second."""
    told = [estimate("p", second, 10 * second + 100 * max(0, second - 59), 3_000 * (second == 89))[1] for second in range(90)]
    late = course(told)
    found = bars(late.read(), -EVER_MS, EVER_MS, START_MS + 55_000)
    assert found is not None
    assert sum(bar.suspect for bar in found.bars) == pytest.approx(3_000)
    assert all(bar.suspect == 0 for bar in found.bars[:50])
    assert all(bar.crowd >= -1e-9 for bar in found.bars)


def test_suspects_that_are_cleared_are_taken_off_again() -> None:
    records = [value for _, value in surge("p", 1)] + [estimate("p", 130, 4_300, 0)[1]]
    found = bars(course(records).read(), -EVER_MS, EVER_MS, 0)
    assert found is not None
    assert sum(bar.suspect for bar in found.bars) == pytest.approx(0)


def test_a_long_course_is_bounded_and_keeps_a_surge_of_ten_seconds_exactly() -> None:
    dice = random.Random(1)
    votes, records = 0, []
    for second in range(20_000):
        votes += dice.randint(5, 15) + 500 * (9_000 <= second < 9_010)
        records.append(estimate("p", second, votes)[1])
    began_s = time.perf_counter()
    made = course(records)
    assert time.perf_counter() - began_s < 10
    assert len(made.at_ms) < 2 * MOST_STATES
    near = bars(made.read(), START_MS + 8_980_000, START_MS + 9_030_000, 0)
    assert near is not None
    high = [bar.votes > 300 for bar in near.bars]
    assert 10 <= sum(high) <= 12
    whole = bars(made.read(), -EVER_MS, EVER_MS, 0)
    assert whole is not None
    assert len(whole.bars) <= MOST_BARS + 1
    assert sum(bar.votes for bar in whole.bars) == pytest.approx(votes, rel=0.001)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10**7), st.integers(0, 10**7)), min_size=2, max_size=60))
def test_bars_of_any_course_are_finite_and_never_negative(states: list[tuple[int, int, int]]) -> None:
    made = Course()
    for second, votes, suspect in states:
        made.add(reading.estimate(estimate("p", second, votes, min(suspect, votes))[1]))
    found = bars(made.read(), START_MS + 10_000, START_MS + 9_000_000, START_MS + 30_000)
    for bar in found.bars if found else []:
        assert 0 <= bar.suspect <= bar.votes + 1e-6
        assert math.isfinite(bar.votes)
    for point in shares(made.read(), -EVER_MS, EVER_MS):
        assert 0 <= point.share <= 1


def test_counts_that_begin_again_are_no_negative_votes() -> None:
    again = course([estimate("p", second, votes)[1] for second, votes in enumerate((100, 110, 5, 15))])
    found = bars(again.read(), -EVER_MS, EVER_MS, 0)
    assert found is not None
    assert [bar.votes for bar in found.bars] == [10, 0, 10]


def test_one_state_is_no_course_yet_and_nothing_is_known_outside_of_it() -> None:
    assert bars(course([estimate("p", 1, 5)[1]]).read(), -EVER_MS, EVER_MS, 0) is None
    assert bars(of_surge().read(), START_MS - 99_000, START_MS - 9_000, 0) is None
    assert bars(of_surge().read(), EVER_MS, -EVER_MS, 0) is None


def test_what_is_not_expected_is_not_drawn_as_nothing() -> None:
    unknown = course(
        [msgspec.json.encode(msgspec.structs.replace(_estimate(second), expected_per_s=None)) for second in range(5)]
    )
    found = bars(unknown.read(), -EVER_MS, EVER_MS, 0)
    assert found is not None
    assert {bar.expected for bar in found.bars} == {None}


def test_shares_are_few_and_the_last_one_is_among_them() -> None:
    points = shares(of_surge().read(), -EVER_MS, EVER_MS)
    assert len(points) == MOST_BARS
    assert points[-1].share == pytest.approx(3_000 / 4_200)


def test_an_older_state_is_a_repeat_and_a_later_word_on_the_same_time_holds() -> None:
    made = of_surge()
    before = made.version, made.votes.tolist()
    made.add(_estimate(5))
    assert (made.version, made.votes.tolist()) == before
    made.add(reading.estimate(estimate("p", 119, 77)[1]))
    assert (len(made.votes), made.votes[-1]) == (len(before[1]), 77)


def _estimate(second: int) -> Integrity:
    return reading.estimate(estimate("p", second, 10 * second)[1])
