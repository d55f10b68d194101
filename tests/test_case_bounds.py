"""What the cases hold never exceeds its bounds, and what is beyond them is counted all the same."""

from __future__ import annotations

import pytest
from told_cases import MADE_BY, PARAMS, Told, finding, people, sighting

from detectors.cases import case, shelf
from detectors.cases.book import CaseBook


def test_a_case_names_no_more_accounts_than_its_share_and_still_counts_their_votes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shelf, "MOST_NAMED_A_CASE", 100)
    told = Told()
    told.tell(6, sighting(5, "p", accounts=people(70), votes=70, tally={"yes": 9000}))
    told.tell(90, sighting(80, "p", accounts=people(70, "b"), votes=140, tally={"yes": 9000}))
    told.tell(200, sighting(190, "p", accounts=people(70, "c"), votes=210, tally={"yes": 9000}))
    assert len(told.named()) == 100
    assert told.said[-1].data.polls[0].suspect.votes == 210
    told.tell(300, sighting(290, "p", cleared=people(70), votes=140, tally={"yes": 9000}))
    told.tell(400, sighting(390, "p", accounts=people(70, "d"), votes=210, tally={"yes": 9000}), ended=True)
    assert len(told.named()) == 100, "room that was cleared is used again"


def test_all_cases_together_name_no_more_accounts_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "MOST_NAMED", 150)
    told = Told()
    for number in range(5):
        told.tell(number * 10 + 6, sighting(number * 10 + 5, f"p{number}", accounts=people(60, f"{number}-")))
    assert len(told.named()) == 150
    assert told.book.census().verdicts["coordinated"] == 5
    assert told.book.census().fullness == 1


def test_a_case_drops_its_weakest_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "MOST_CLAIMS", 8)
    told = Told()
    for number in range(50):
        score = 5.0 if number == 3 else 2.0
        told.tell(number + 5.5, sighting(number + 5, "p", cluster=f"c{number}", score=score, accounts=[f"a{number}"]))
    (held,) = told.book._shelf.cases.values()
    assert len(held.claims) == 8
    assert "c3" in {claim.finding.cluster for claim in held.claims}
    told.tell(2_000)
    assert told.named() == {claim_account for claim in held.claims for claim_account in claim.named}


def test_accounts_cleared_first_are_no_longer_told_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case, "MOST_LISTED", 50)
    told = Told()
    for number in range(10):
        before = people(20, f"{number - 1}-") if number else []
        at_s = number * 100 + 5
        told.tell(at_s + 90, sighting(at_s, "p", accounts=people(20, f"{number}-"), cleared=before))
    (held,) = told.book._shelf.cases.values()
    assert len(held.listed) == 50
    assert told.named() == set(people(20, "9-"))
    assert set(people(20, "8-")) <= set(told.items[-1].cleared)


def test_crowds_without_a_case_and_polls_of_closed_cases_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "MOST_BESIDE", 20)
    monkeypatch.setattr(shelf, "MOST_SETTLED", 20)
    told = Told()
    for number in range(100):
        crowd = sighting(number, f"p{number}", votes=0, lean="organic", score=0.2)
        told.tell(number + 0.5, crowd, finding(number, poll=f"q{number}"))
    state = told.book.snapshot()["shelf"]
    assert [one[1] for one in state["beside"]] == [f"p{number}" for number in range(80, 100)]
    told.tell(30 * 3600)
    state = told.book.snapshot()["shelf"]
    assert sorted(state["settled"]) == [f"q{number}" for number in range(80, 100)]
    assert (told.book._shelf.cases, state["by_poll"]) == ({}, {})


def test_of_closed_cases_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "MOST_CLOSED", 20)
    told = Told()
    for number in range(100):
        told.tell(number + 0.5, finding(number, poll=f"q{number:02}"))
    told.tell(1_215)
    state = told.book.snapshot()
    assert len(told.book._shelf._closed) == 16
    told.book = CaseBook(1, PARAMS, MADE_BY)
    told.book.restore(state)
    told.tell(5_000)
    assert sorted(case.poll_id for case in told.book._shelf.cases.values()) == [f"q{number}" for number in range(80, 100)]
    told.tell(30 * 3600)
    assert (told.book._shelf.cases, told.book._shelf._closed) == ({}, {})


def test_a_book_in_which_nothing_is_open_holds_nothing_but_what_polls_keep() -> None:
    told = Told()
    for number in range(30):
        at_s = number * 10
        polls = [f"p{number % 7}", f"p{number % 5}", f"r{number}"]
        told.tell(at_s + 1, sighting(at_s, *polls, accounts=people(9, f"{number % 3}-"), cluster=f"c{number % 3}"))
        told.tell(at_s + 5, finding(at_s + 3, poll=polls[0]))
    told.tell(3 * 24 * 3600)
    book = told.book
    assert (book._shelf.cases, book._shelf._by_poll, book._shelf._home) == ({}, {}, {})
    assert (book._due, book._wakes_ms) == ([], {})
