"""What operators are shown of all cases at once: how many are open, by what was said, and which of them nobody decided."""

from __future__ import annotations

from test_decisions import HOUR_S, accused
from told_cases import CLOSE_MS, START_MS, Told, crowd, finding, people, sighting

from detectors.alert import Severity


def open_by_severity(told: Told) -> dict[Severity, int]:
    return {severity: count for severity, count in told.book.census().severities.items() if count}


def test_a_false_positive_is_open_no_more() -> None:
    told = accused()
    assert open_by_severity(told) == {"warning": 1}
    told.decide("false_positive")
    assert open_by_severity(told) == {}


def test_who_accuses_waits_for_a_decision_also_when_it_is_over() -> None:
    told = accused()
    opened_ms = told.said[0].data.opened_ms
    assert told.book.census().undecided_since_ms == opened_ms
    told.tell(CLOSE_MS / 1000 + 60)
    assert told.open() == 0
    assert told.book.census().undecided_since_ms == opened_ms
    told.decide("needs_more", at_s=CLOSE_MS / 1000 + 61)
    assert told.book.census().undecided_since_ms == 0


def test_the_oldest_of_several_is_told_and_who_accuses_nobody_is_not_waited_for() -> None:
    told = Told()
    told.tell(20, finding(5, poll="q"), crowd(6, "q"), finding(8, poll="r"))
    assert told.book.census().undecided_since_ms == 0
    for at_s in (HOUR_S, 2 * HOUR_S):
        others = people(60, f"{at_s}-")
        told.tell(at_s + 20, sighting(at_s, f"p{at_s}", accounts=others, cluster=f"c{at_s}"))
    assert told.book.census().undecided_since_ms == START_MS + HOUR_S * 1_000
