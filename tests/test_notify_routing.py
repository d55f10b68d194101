"""Who gets what: by severity and verdict, once, and to the end of whatever it was told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notify_messages import ALERTS, CASE, OTHER, alert, item, message

from config.target import Format, OfSeverity, OfVerdict, Sends, Target
from streams.notify.case_memory import CaseMemory
from streams.notify.message import Message

PAGER = Target(severities=(OfSeverity.CRITICAL,), verdicts=(OfVerdict.COORDINATED, OfVerdict.MIXED))


def sent(target: Target, messages: Sequence[Message]) -> list[str]:
    """Return the keys of what a target is sent."""
    memory = CaseMemory(target)
    return [one.key for one in messages if memory.wants(one)]


def test_severity_and_verdict_must_both_be_asked_for() -> None:
    told = [
        message(alert(f"{number:016x}", severity=severity, verdict=verdict))
        for number, (severity, verdict) in enumerate(
            [("critical", "coordinated"), ("critical", "organic"), ("warning", "mixed"), ("critical", "mixed"), ("dire", "unheard of")]
        )
    ]
    assert sent(PAGER, told) == [told[0].key, told[3].key]
    assert sent(Target(), told) == [one.key for one in told]


@pytest.mark.parametrize("end", ["resolved", "retracted"])
def test_whoever_was_told_of_a_case_is_told_how_it_ends_and_nobody_else_is(end: str) -> None:
    told = [
        message(alert(CASE, 1, "opened")),
        message(alert(OTHER, 1, "opened", severity="warning")),
        message(alert(CASE, 2, "updated", severity="info", verdict="organic")),
        message(alert(CASE, 3, end, severity="info", verdict="organic")),
        message(alert(OTHER, 2, end, severity="info")),
    ]
    assert sent(PAGER, told) == [f"{CASE}:1", f"{CASE}:2", f"{CASE}:3"]


def test_a_case_that_becomes_severe_later_is_told_from_then_on() -> None:
    told = [
        message(alert(CASE, 1, "opened", severity="info")),
        message(alert(CASE, 2, "updated")),
        message(alert(CASE, 3, "updated", severity="info")),
        message(alert(CASE, 4, "resolved", severity="info")),
    ]
    assert sent(PAGER, told) == [f"{CASE}:2", f"{CASE}:3", f"{CASE}:4"]


def test_a_case_that_was_over_is_judged_anew_when_it_opens_again_but_can_still_be_withdrawn() -> None:
    quiet_again = [
        message(alert(CASE, 1, "opened")),
        message(alert(CASE, 2, "resolved")),
        message(alert(CASE, 3, "opened", severity="info")),
        message(alert(CASE, 4, "resolved", severity="info")),
        message(alert(CASE, 5, "retracted", severity="info")),
    ]
    assert sent(PAGER, quiet_again) == [f"{CASE}:1", f"{CASE}:2", f"{CASE}:5"]


def test_an_alert_that_is_said_again_is_sent_once() -> None:
    told = [message(alert(CASE, 1)), message(alert(CASE, 2, "updated")), message(alert(CASE, 1)), message(alert(CASE, 2, "updated"))]
    assert sent(Target(), told) == [f"{CASE}:1", f"{CASE}:2"]


def test_what_is_only_to_be_looked_at_wakes_nobody_who_did_not_ask() -> None:
    told = [message(alert(CASE, 1, mode="shadow")), message(alert(CASE, 2, "resolved", mode="shadow"))]
    assert sent(Target(), told) == []
    assert sent(Target(shadow=True), told) == [f"{CASE}:1", f"{CASE}:2"]
    shadow_item = item(recommended={**item()["recommended"], "mode": "shadow"})
    assert sent(Target(sends=Sends.MODERATION), [message(shadow_item)]) == []


def test_parts_that_a_revision_has_no_more_are_named_once() -> None:
    memory = CaseMemory(Target(Format.COOP, sends=Sends.MODERATION))
    parts = [message(item(CASE, 1, part, 3)) for part in (1, 2, 3)]
    later = [message(item(CASE, 2, part, 2)) for part in (1, 2)]
    void = [list(found.void) for one in [*parts, *later] if (found := memory.wants(one))]
    assert void == [[], [], [], [3], []]
    assert [memory.wants(one) for one in [*parts, *later]] == [None] * 5, "said again"


def test_memory_is_bounded_and_forgets_what_it_heard_of_longest_ago() -> None:
    memory = CaseMemory(PAGER, most_cases=2)
    for number in (0, 1, 0, 2):
        memory.wants(message(alert(f"{number:016x}", severity="critical")))
    ends = {number: message(alert(f"{number:016x}", 2, "resolved", severity="info")) for number in range(3)}
    assert [memory.wants(ends[number]) is not None for number in (0, 2, 1)] == [True, True, False]


@dataclass(frozen=True)
class Told:
    """One revision of a made-up case."""

    case: int
    news: str
    severity: str
    verdict: str


REVISIONS = st.builds(
    Told,
    st.integers(0, 3),
    st.sampled_from(["opened", "updated", "updated", "resolved", "retracted"]),
    st.sampled_from(list(OfSeverity)),
    st.sampled_from(list(OfVerdict)),
)
RULES = st.builds(
    Target,
    severities=st.lists(st.sampled_from(list(OfSeverity)), max_size=3, unique=True).map(tuple),
    verdicts=st.lists(st.sampled_from(list(OfVerdict)), max_size=4, unique=True).map(tuple),
)


def as_messages(told: Sequence[Told]) -> list[Message]:
    numbers = [count(1) for _ in range(4)]
    return [
        message(alert(f"{one.case:016x}", next(numbers[one.case]), one.news, severity=one.severity, verdict=one.verdict), offset)
        for offset, one in enumerate(told)
    ]


@given(RULES, st.lists(REVISIONS, max_size=25))
def test_what_is_asked_for_is_sent_and_every_end_follows_its_beginning(rule: Target, told: list[Told]) -> None:
    messages, memory = as_messages(told), CaseMemory(rule)
    open_at_target, ever = set[int](), set[int]()
    for one, said in zip(messages, told, strict=True):
        is_sent = memory.wants(one) is not None
        asked = (not rule.severities or said.severity in rule.severities) and (not rule.verdicts or said.verdict in rule.verdicts)
        ends = said.news in ("resolved", "retracted")
        owed = (ends and said.case in open_at_target) or (said.news == "retracted" and said.case in ever)
        assert is_sent or not (asked or owed)
        if is_sent and not asked:
            assert said.case in ever, "nobody hears of a case for the first time by what was not asked for"
        if ends or said.news == "opened":
            open_at_target.discard(said.case)
        if is_sent:
            ever.add(said.case)
            open_at_target |= set() if ends else {said.case}


@given(RULES, st.lists(REVISIONS, max_size=20), st.data())
def test_reading_the_topic_again_gives_the_same_memory(rule: Target, told: list[Told], data: st.DataObject) -> None:
    messages = as_messages(told)
    cut = data.draw(st.integers(0, len(messages)))
    unbroken, again = CaseMemory(rule), CaseMemory(rule)
    whole = [unbroken.wants(one) is not None for one in messages]
    for one in messages[:cut]:
        again.wants(one)
    assert [again.wants(one) is not None for one in messages[cut:]] == whole[cut:]


def test_messages_of_a_case_are_told_apart_by_topic() -> None:
    assert message(alert()).case == (ALERTS[0], CASE) != message(item()).case
