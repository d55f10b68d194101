"""A case rebuilt from what was published of it: complete, whatever came twice or in another order, and safe to show."""

from __future__ import annotations

import json
import random

import msgspec
import pytest
from told_cases import START_MS, Told, crowd, finding, people, sighting

from detectors.alert import Alert
from detectors.cases.decision import Decision
from streams.explain import history as explaining
from streams.explain.history import History
from streams.explain.text import as_json, as_text
from streams.publish import alert

GANG = people(30)


def accused() -> Told:
    told = Told()
    told.tell(10, finding(5), sighting(6, "p", votes=700, accounts=GANG, options={"yes": 700}, reasons=["few_networks", "born_together"]))
    return told


def told_of(cases: Told, *decisions: Decision, order: int = 0) -> explaining.Told:
    """Return what a reader of the topics hears, twice, in an order of its own."""
    said: list[object] = [alert(one, "/test") for one in cases.said] + list(cases.items) + list(decisions)
    said = [msgspec.json.decode(msgspec.json.encode(one), type=type(one)) for one in said] * 2
    random.Random(order).shuffle(said)
    told = explaining.Told(cases.said[0].data.case_id)
    for one in said:
        told.hear(one)  # type: ignore[arg-type]
    return told


def history_of(cases: Told, *decisions: Decision) -> History:
    history = told_of(cases, *decisions).history()
    assert history is not None
    return history


def decision(case_id: str, note: str = "these are students") -> Decision:
    return Decision(case_id, "false_positive", "anna", START_MS + 7_000, None, note)


def test_a_case_nobody_told_of_has_no_history() -> None:
    cases = accused()
    told = explaining.Told("0" * 16)
    told.hear(alert(cases.said[0], "/test"))
    assert told.history() is None


def test_revisions_stand_in_order_each_with_what_changed() -> None:
    history = history_of(accused())
    assert [(one.revision, one.news, one.verdict) for one in history.steps] == [
        (1, "opened", "insufficient"),
        (2, "updated", "coordinated"),
    ]
    assert history.steps[0].changes[0].startswith("Votes rose suddenly")
    assert history.steps[1].changes[0] == "The verdict is coordinated, it was insufficient."
    assert [verdict for verdict, _ in history.why_not] == ["mixed", "organic", "insufficient"]
    assert not history.is_over


def test_order_and_repeats_change_nothing() -> None:
    cases = accused()
    case_id = cases.said[0].data.case_id
    said = {as_json(history) for order in range(5) if (history := told_of(cases, decision(case_id), order=order).history()) is not None}
    assert len(said) == 1


def test_accounts_are_counted_with_their_reasons() -> None:
    accounts = history_of(accused()).accounts
    assert (accounts.named, accounts.taken_over, accounts.cleared) == (30, 0, [])
    assert accounts.reasons == {"born_together": 30, "few_networks": 30}


def test_what_was_withdrawn_must_be_taken_back() -> None:
    cases = accused()
    assert history_of(cases).undo == []
    cases.decide("false_positive", at_s=7)
    history = history_of(cases, decision(cases.said[0].data.case_id))
    assert history.is_over
    assert [one.split(":")[0] for one in history.undo] == [
        "It accused somebody and no longer does",
        "What was recommended is withdrawn",
        "30 accounts were named and are cleared",
        "It said that another option would lead in 'p', and no longer does.",
    ]
    assert set(history.accounts.cleared) == set(GANG)
    assert history.decisions == [decision(history.case_id)]
    assert any("'anna' decided false_positive" in change for change in history.steps[-1].changes)


def test_the_text_has_all_of_it_and_the_json_too() -> None:
    cases = accused()
    cases.decide("false_positive", at_s=7)
    history = history_of(cases, decision(cases.said[0].data.case_id))
    text = as_text(history)
    for word in ("Why insufficient", "Why not", "For a script", "For a crowd", "Accounts", "To be taken back", "The decision that stands", "Decisions sent", "History"):
        assert f"\n{word}\n" in text
    assert "anna false_positive, the latest of 1 that were taken" in text
    assert "these are students" in text
    assert max(map(len, text.splitlines())) <= 110
    told = json.loads(as_json(history))
    assert set(told) >= {"case_id", "why", "why_not", "evidence", "accounts", "undo", "review", "decisions", "steps", "merged_into"}


def test_a_decision_that_was_refused_does_not_stand() -> None:
    cases = accused()
    text = as_text(history_of(cases, decision(cases.said[0].data.case_id)))
    assert "The decision that stands\n  - none\n" in text


def test_hostile_texts_are_made_visible() -> None:
    cases = Told()
    poll = "\x1b[2Jp\u202e\n  - faked"
    cases.tell(10, finding(5, poll=poll), sighting(6, poll, accounts=["\x1b]0;x\x07", "\u200b"]), crowd(7, poll))
    cases.decide("false_positive", by="\x1b[31m", note="a\nHistory\n\x9b1m", at_s=8)
    about = Decision(cases.said[0].data.case_id, "false_positive", "\x1b[31m", START_MS, None, "a\nHistory\n\x9b1m")
    text = as_text(history_of(cases, about))
    assert not set(text) & set("\x1b\x07\x9b\u202e\u200b")
    assert text.splitlines().count("History") == 1


def test_an_alert_of_a_later_version_is_none_of_this_one() -> None:
    later = msgspec.json.encode(alert(accused().said[0], "/test")).replace(b'"summary"', b'"mood":"good","summary"')
    with pytest.raises(msgspec.ValidationError, match="mood"):
        msgspec.json.decode(later, type=Alert)
