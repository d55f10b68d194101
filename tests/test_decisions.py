"""What a reviewer's decision does to its case: shown, taken back, given back, and never more than that."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from told_cases import CLOSE_MS, MADE_BY, PARAMS, START_MS, Told, finding, people, sighting, stands

from detectors.alert import DecisionKind
from detectors.cases.book import CaseBook
from detectors.cases.decision import MOST_DECISIONS, DecisionParams, NotTaken

GANG = people(100)
TALLY = {"yes": 700, "no": 300}
HOUR_S = 3600


def gang(at_s: float, votes: float = 100, accounts: list[str] = GANG, score: float = 3.0, **said: object) -> object:
    return sighting(at_s, "p", votes=votes, accounts=accounts, score=score, detector="crowd", cluster="script", **said)  # type: ignore[arg-type]


def accused(**settings: int) -> Told:
    told = Told(decisions=DecisionParams(**settings))
    told.tell(10, finding(5), gang(6), standings=stands(6, p=TALLY))  # type: ignore[arg-type]
    assert told.verdicts()[-1] == ("updated", "coordinated")
    return told


def suspect(told: Told) -> tuple[int, float]:
    estimate = told.book.integrity("p")
    return estimate.suspect_votes, estimate.suspect_share_high


@pytest.mark.parametrize("decision", [one for one in get_args(DecisionKind) if one != "false_positive"])
def test_a_decision_is_shown_and_lowers_nothing(decision: DecisionKind) -> None:
    told = accused()
    before, estimate = told.said[-1].data, suspect(told)
    assert told.decide(decision, at_s=7).outcome == "taken"
    last = told.said[-1]
    assert last.news == "updated"
    review = last.data.review
    assert review is not None
    assert (review.decision, review.by, review.note, review.count) == (decision, "anna", "why", 1)
    assert review.decided_ms == START_MS + 7_000
    assert (last.data.verdict, last.data.confidence, last.data.severity) == (before.verdict, before.confidence, before.severity)
    assert last.data.recommended.action == "review"
    assert suspect(told) == estimate
    assert told.named() == set(GANG)


def test_a_false_positive_takes_everything_back() -> None:
    told = accused()
    assert suspect(told)[0] == 100
    assert told.decide("false_positive").outcome == "taken"
    last = told.said[-1]
    assert last.news == "retracted"
    assert (last.data.verdict, last.data.severity, last.data.recommended.action) == ("insufficient", "info", "none")
    assert last.data.summary.startswith("A reviewer called this a false positive: ")
    assert last.data.polls[0].suspect.share_high == 0
    assert suspect(told) == (0, 0.0)
    assert told.named() == set()
    assert [item.recommended.action for item in told.items[-1:]] == ["none"]
    assert set(told.items[-1].cleared) == set(GANG)
    assert told.open() == 0


def test_the_same_evidence_does_not_open_it_again() -> None:
    told = accused()
    told.decide("false_positive")
    said = len(told.said)
    told.tell(100, gang(20, votes=150), finding(30, phase="update"), finding(31, phase="calm"), gang(40, phase="opened"))  # type: ignore[arg-type]
    told.tell(2 * HOUR_S, finding(HOUR_S), gang(HOUR_S + 1))  # type: ignore[arg-type]
    assert len(told.said) == said
    assert suspect(told) == (0, 0.0)
    assert told.named() == set()


@pytest.mark.parametrize(
    "more",
    [
        gang(20, votes=200),
        gang(20, score=6.1),
        gang(20, accounts=people(100, "other")),
        sighting(20, "p", accounts=people(40, "b"), detector="crowd", cluster="another"),
        sighting(20, "p", accounts=GANG, detector="lockstep"),
        finding(20, score=4.1),
        finding(20, option="yes"),
        gang(7 * HOUR_S),
    ],
    ids=["twice the votes", "twice the score", "twice the accounts", "other people", "another detector", "a higher rate", "an option", "later"],
)
def test_more_than_was_decided_on_opens_it_again_and_is_yet_to_be_decided(more: object) -> None:
    told = accused()
    told.decide("false_positive")
    told.tell(8 * HOUR_S, more)  # type: ignore[arg-type]
    news = [(one.news, one.data.case_id) for one in told.said]
    reopened = next(one for one in told.said[3:] if one.news == "opened")
    assert reopened.data.review is None
    assert reopened.data.case_id == news[0][1]
    assert reopened.data.severity != "info"
    assert reopened.data.summary.endswith("It is more than what a reviewer decided on.")


def test_the_same_accounts_under_another_name_are_the_same_evidence() -> None:
    told = accused()
    told.decide("false_positive")
    said = len(told.said)
    told.tell(100, sighting(20, "p", accounts=GANG[:60], detector="crowd", cluster="renamed"))
    assert len(told.said) == said


def test_another_poll_is_not_covered() -> None:
    told = accused()
    told.decide("false_positive")
    told.tell(100, sighting(20, "q", votes=100, accounts=GANG, detector="crowd", cluster="script"))
    assert told.verdicts()[-1] == ("opened", "coordinated")


@pytest.mark.parametrize("decision", ["confirmed", "disputed", "needs_more"])
def test_another_decision_in_its_place_gives_everything_back(decision: DecisionKind) -> None:
    told = accused()
    before = told.said[-1].data
    told.decide("false_positive", at_s=7)
    told.decide(decision, by="ben", at_s=8)
    last = told.said[-1]
    assert last.news == "opened"
    assert last.data.review is not None
    assert (last.data.review.by, last.data.review.count) == ("ben", 2)
    assert (last.data.verdict, last.data.polls) == (before.verdict, before.polls)
    assert suspect(told)[0] == 100
    assert told.named() == set(GANG)
    assert told.open() == 1
    told.tell(20 + CLOSE_MS / 1000)
    assert told.said[-1].news == "resolved"


def test_the_latest_stands_whenever_it_comes() -> None:
    told = accused()
    told.decide("false_positive", by="ben", at_s=9)
    assert told.decide("confirmed", at_s=8).outcome == "too_late"
    assert told.said[-1].news == "retracted"
    assert told.decide("false_positive", by="ben", at_s=9).outcome == "repeated"
    assert told.decide("confirmed", at_s=10).outcome == "taken"
    review = told.said[-1].data.review
    assert review is not None
    assert review.count == 3


def test_what_was_decided_by_a_clock_ahead_is_decided_when_it_came() -> None:
    told = accused()
    told.decide("disputed", at_s=10**8)
    review = told.said[-1].data.review
    assert review is not None
    assert review.decided_ms == START_MS + 10**9


def test_some_accounts_alone_are_cleared_and_their_share_of_the_votes() -> None:
    told = accused()
    assert told.decide("false_positive", accounts=[*GANG[:40], "nobody"], at_s=7).accounts == 40
    assert told.said[-1].news == "updated"
    assert told.verdicts()[-1][1] == "coordinated"
    assert told.named() == set(GANG[40:])
    assert set(told.items[-1].cleared) == set(GANG[:40])
    assert suspect(told)[0] == 60
    told.tell(200, gang(100))  # type: ignore[arg-type]
    assert told.named() == set(GANG[40:]), "saying it again names nobody again"
    told.decide("confirmed", accounts=GANG[:10], at_s=8)
    assert told.named() == {*GANG[40:], *GANG[:10]}
    told.decide("confirmed", at_s=9)
    assert told.named() == set(GANG)
    assert suspect(told)[0] == 100


def test_a_case_of_which_everybody_is_cleared_is_retracted_and_its_surge_stays_open() -> None:
    told = accused()
    told.decide("false_positive", accounts=GANG, at_s=7)
    assert (told.said[-1].news, told.said[-1].data.severity) == ("retracted", "warning")
    assert told.open() == 1, "nobody said that the surge was no attack"
    assert told.named() == set()
    assert suspect(told)[0] == 0
    told.decide("confirmed", accounts=GANG[:50], at_s=8)
    assert told.verdicts()[-1] == ("updated", "coordinated")
    assert told.named() == set(GANG[:50])


def test_after_a_false_positive_some_accounts_may_be_confirmed_alone() -> None:
    told = accused()
    told.decide("false_positive", at_s=7)
    told.decide("confirmed", accounts=GANG[:30], at_s=8)
    assert told.verdicts()[-1] == ("opened", "coordinated")
    assert told.named() == set(GANG[:30])
    assert suspect(told)[0] == 30
    told.decide("disputed", at_s=9)
    assert told.named() == set(GANG)


def test_decisions_that_can_not_be_taken_say_why() -> None:
    told = accused(bulk_accounts=99)
    assert told.decide("confirmed", case_id="0" * 16).outcome is NotTaken.UNKNOWN_CASE
    assert told.decide("false_positive", accounts=["nobody"]).outcome is NotTaken.UNKNOWN_ACCOUNTS
    assert told.decide("false_positive", note=None).outcome is NotTaken.NO_NOTE
    assert told.decide("confirmed", note="  ").outcome is NotTaken.NO_NOTE
    assert [one.data.review for one in told.said] == [None, None]
    assert told.decide("disputed", note=None).outcome == "taken", "it touches nobody"
    assert told.decide("false_positive", accounts=GANG[:99], note=None).outcome == "taken"


def test_a_case_that_is_over_stays_over_and_can_still_be_decided() -> None:
    told = accused()
    told.tell(20 + CLOSE_MS / 1000)
    told.decide("confirmed", at_s=8)
    assert told.open() == 0
    told.decide("false_positive", at_s=9)
    assert [news for news, _ in told.verdicts()[-3:]] == ["resolved", "resolved", "retracted"]
    assert suspect(told)[0] == 0
    told.tell(20 + (CLOSE_MS + PARAMS.remember_ms) / 1000 + 1)
    assert told.decide("confirmed", at_s=10).outcome is NotTaken.UNKNOWN_CASE


def test_a_decision_on_a_merged_case_is_one_on_the_case_that_goes_on() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", accounts=GANG, cluster="c"), sighting(6, "q", accounts=people(100, "b"), cluster="d"))
    first, second = (one.data.case_id for one in told.said)
    told.tell(20, sighting(15, "p", "q", accounts=[*GANG, *people(100, "b")], cluster="c"))
    assert told.said[-1].data.merged_into is None
    survivor = next(one.data.merged_into for one in told.said if one.data.merged_into)
    assert {first, second} >= {survivor}
    loser = second if survivor == first else first
    assert told.decide("confirmed", case_id=loser).case_id == survivor
    assert told.said[-1].data.case_id == survivor


def test_decisions_on_some_accounts_each_add_up_in_any_order() -> None:
    told = accused()
    for start in (40, 0, 20):
        assert told.decide("false_positive", accounts=GANG[start : start + 20], at_s=7).outcome == "taken"
    assert told.decide("false_positive", accounts=GANG[60:70], at_s=6).outcome == "taken"
    assert told.named() == set(GANG[70:])
    told.decide("confirmed", at_s=9)
    assert told.decide("false_positive", accounts=GANG[:10], at_s=8).outcome == "too_late"
    assert told.named() == set(GANG)


def test_the_snapshot_of_a_worker_that_knew_no_decisions_is_taken_over() -> None:
    told = accused()
    state = told.book.snapshot()
    cases = msgspec.msgpack.decode(state["shelf"]["cases"])
    for case in cases:
        for name in ("decisions", "decided", "overruled", "decided_before"):
            del case[name]
        for claim in case["claims"]:
            del claim["dismissal"], claim["pardoned"]
    old = state | {"shelf": state["shelf"] | {"cases": msgspec.msgpack.encode(cases)}}
    del old["lessons"], old["shelf"]["merged"]
    told.book = CaseBook(1, PARAMS, MADE_BY)
    told.book.restore(old)
    told.decide("false_positive")
    assert told.said[-1].news == "retracted"


def test_so_many_decisions_are_remembered_and_all_are_counted() -> None:
    told = accused()
    for number in range(3 * MOST_DECISIONS):
        assert told.decide("disputed", by=f"voice {number}", at_s=number).outcome == "taken"
    assert told.decide("false_positive", by="voice 0", at_s=0).outcome == "too_late"
    review = told.said[-1].data.review
    assert review is not None
    assert review.count == 3 * MOST_DECISIONS
    assert len(told.book.snapshot()["shelf"]["cases"]) < 30_000


def test_an_erased_account_is_in_no_decision() -> None:
    told = accused()
    told.decide("false_positive", by="a7", at_s=6)
    told.decide("false_positive", by="a7", accounts=["a3", "a4"], note="a4 is my aunt", at_s=7)
    for account_id in ("a3", "a4", "a7"):
        told.book.erase(account_id, f"{account_id}/0")
    cases = told.book.snapshot()["shelf"]["cases"]
    assert b"\xa2a3" not in cases
    assert b"\xa2a4" not in cases
    assert b"\xa2a7" not in cases
    assert b"aunt" not in cases
    assert [one["by"] for one in told.book.snapshot()["lessons"]] == ["erased"]
