"""What findings mean together, when that is told, and when it is taken back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from told_cases import CLOSE_MS, PARAMS, Told, crowd, finding, people, sighting, stands

from detectors.cases.claim import Claim
from detectors.cases.verdict import judge


def test_a_surge_alone_is_insufficient_and_claims_nothing() -> None:
    told = Told()
    told.tell(10, finding(5, tally={"yes": 90, "no": 30}))
    data = told.said[0].data
    assert (data.verdict, data.confidence, data.severity) == ("insufficient", 0.0, "warning")
    assert data.polls[0].suspect.votes == 0
    assert data.polls[0].suspect.share_high > 0.4, "50 of 120 votes could be a script's"
    assert data.summary.endswith("Crowd or script: not known yet.")


def test_a_detector_that_is_sure_makes_it_coordinated_at_once() -> None:
    told = Told()
    told.tell(10, finding(5), sighting(6, "p", score=1.0), sighting(7, "p", score=1.1, accounts=people(100)))
    assert told.verdicts() == [("opened", "insufficient"), ("updated", "coordinated")]
    assert told.news()[1] == ("updated", 2, 7), "not a minute after the opening"
    data = told.said[1].data
    assert 0.85 < data.confidence < 1
    assert (data.polls[0].suspect.votes, data.polls[0].suspect.accounts) == (100, 100)
    assert data.kinds == ["account_cluster", "vote_spike"]


def test_a_script_that_is_found_before_the_rate_speaks_opens_a_case() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", phase="opened"))
    assert told.verdicts() == [("opened", "coordinated")]


def test_a_crowd_is_organic_and_never_pages() -> None:
    told = Told()
    told.tell(10, finding(5), crowd(6, "p"))
    assert told.verdicts() == [("opened", "insufficient"), ("updated", "organic")]
    data = told.said[1].data
    assert (data.severity, data.recommended.action) == ("info", "none")
    assert data.confidence >= 0.8
    assert data.summary.startswith("Real crowd: ")


def test_a_crowd_that_was_seen_before_the_surge_had_a_case_is_remembered_for_a_while() -> None:
    told = Told()
    told.tell(10, crowd(4, "p"), finding(5))
    assert told.verdicts() == [("opened", "organic")]
    late = Told()
    seen = crowd(4, "p")
    late.tell(1000, seen, finding(5 + CLOSE_MS / 1000))
    assert late.verdicts()[0] == ("opened", "insufficient"), "that was another surge"


def test_a_script_inside_a_crowd_that_was_seen_is_mixed() -> None:
    told = Told()
    told.tell(7, finding(5), crowd(6, "p"))
    told.tell(20, sighting(8, "p", detector="crowd", cluster="script"))
    assert told.verdicts()[-1] == ("updated", "mixed")
    assert told.said[-1].data.severity != "info"
    later = Told()
    later.tell(7, finding(5), crowd(6, "p"))
    later.tell(70, sighting(65, "p", detector="crowd", cluster="script"))
    assert later.verdicts()[-1] == ("updated", "coordinated"), "the crowd had gone when the script came"


@pytest.mark.parametrize(("votes", "verdict"), [(500, "mixed"), (900, "coordinated")])
def test_a_script_is_hidden_in_a_surge_that_is_much_larger(votes: float, verdict: str) -> None:
    told = Told()
    told.tell(10, finding(5, observed=1010.0), sighting(6, "p", votes=votes))
    assert told.said[-1].data.verdict == verdict


def test_what_was_called_mixed_stays_so_while_it_is_nearly_alone() -> None:
    told = Told()
    told.tell(10, finding(5, observed=1010.0), sighting(6, "p", votes=500), sighting(7, "p", votes=700))
    assert told.verdicts()[-1] == ("updated", "mixed")
    told.tell(20, sighting(15, "p", votes=900))
    assert told.verdicts()[-1] == ("updated", "coordinated")


def test_a_surge_is_weighed_as_it_was_when_the_script_was_counted() -> None:
    """Six hundred scripted votes are most of one minute, and not of the surge of five; between counts nobody knows."""
    told = Told()
    opened = finding(5, observed=700.0, tally={"yes": 800})
    told.tell(10, opened, sighting(6, "p", votes=600, tally={"yes": 800}))
    told.tell(20, finding(15, observed=700.0, score=9.0, phase="update", tally={"yes": 2500}))
    assert [verdict for _, verdict in told.verdicts()] == ["insufficient", "coordinated"]
    told.tell(30, sighting(25, "p", votes=600, tally={"yes": 2500}))
    assert [verdict for _, verdict in told.verdicts()] == ["insufficient", "coordinated", "mixed"]


@pytest.mark.parametrize("script_a_s", [10, 100, 1000])
def test_a_verdict_holds_while_a_script_goes_on_as_it_began(script_a_s: int) -> None:
    """The rate speaks once a minute, the counts of the script come late and in leaps; the crowd sends 100 votes a second."""
    told = Told()
    told.tell(1, finding(1, observed=110.0, tally={"yes": 1110}))
    for at_s in range(2, 100):
        tally, counted = {"yes": 1000 + (100 + script_a_s) * at_s}, script_a_s * (at_s - at_s % 4)
        if at_s % 60 == 0:
            told.tell(at_s, finding(at_s, score=5.0, observed=60.0 * (100 + script_a_s), phase="update", tally=tally))
        elif at_s % 3 == 0 and at_s > 4:
            told.tell(at_s, sighting(at_s, "p", detector="crowd", votes=counted, tally=tally))
    said = [verdict for _, verdict in told.verdicts() if verdict != "insufficient"]
    assert set(said) == {"coordinated" if script_a_s == 1000 else "mixed"}


def test_each_surge_of_a_poll_is_weighed_alone() -> None:
    """The second surge of a case is the script's, whatever came with the first."""
    told = Told()
    told.tell(9, finding(5, observed=900.0, tally={"yes": 1000}), finding(8, phase="update", tally={"yes": 3000}))
    again = finding(65, score=9.0, observed=800.0, tally={"yes": 4000})
    told.tell(70, again, sighting(66, "p", votes=790, tally={"yes": 4000}))
    assert told.verdicts()[-1] == ("updated", "coordinated")


def test_a_verdict_that_is_withdrawn_is_retracted_at_once_and_everybody_cleared() -> None:
    told = Told()
    told.tell(7, finding(5), sighting(6, "p", accounts=people(100)))
    assert len(told.named()) == 100
    told.tell(20, sighting(8, "p", score=0.69, phase="update"))
    assert told.verdicts()[-1] == ("retracted", "insufficient")
    assert told.news()[-1][2] == 8
    assert told.said[-1].data.polls[0].suspect.votes == 0
    assert told.named() == set()
    assert sorted(told.items[-1].cleared) == sorted(people(100))
    assert [item.revision for item in told.items] == [1, 2]


def test_a_verdict_is_withdrawn_when_everybody_is_cleared() -> None:
    told = Told()
    told.tell(7, finding(5), sighting(6, "p", accounts=people(100)))
    told.tell(20, sighting(8, "p", score=0.0, lean="none", phase="calm", cleared=people(100)))
    assert told.verdicts()[-1] == ("retracted", "insufficient")


@pytest.mark.parametrize("held", [{"score": 0.71}, {"score": 0.71, "lean": "none"}, {"score": 0.0, "phase": "calm"}])
def test_a_verdict_holds_while_the_score_hovers_and_when_the_attack_is_over(held: dict[str, object]) -> None:
    told = Told()
    told.tell(7, finding(5), sighting(6, "p", accounts=people(100)))
    told.tell(2_000, sighting(8, "p", **held))  # type: ignore[arg-type]
    assert [verdict for _, verdict in told.verdicts()] == ["insufficient", "coordinated", "coordinated"]
    assert told.verdicts()[-1][0] == "resolved"
    assert len(told.named()) == 100


def test_one_of_two_detectors_that_withdraws_takes_back_only_what_it_said() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", accounts=people(100)))
    told.tell(10.5, sighting(10.2, "p", accounts=people(60), detector="crowd", votes=60))
    told.tell(20, sighting(12, "p", score=0.1))
    assert "retracted" not in {news for news, _ in told.verdicts()}
    told.tell(100)
    assert told.named() == set(people(60))
    assert told.book.census().verdicts["coordinated"] == 1


def test_after_it_was_retracted_it_may_be_accused_again() -> None:
    told = Told()
    told.tell(10, finding(5), sighting(6, "p", accounts=people(9)), sighting(8, "p", score=0.1), sighting(9, "p"))
    assert [news for news, _ in told.verdicts()] == ["opened", "updated", "retracted", "updated"]
    assert told.named() == set(people(9)), "members come as changes: who was named before is so again"


def test_a_retraction_comes_also_after_the_case_was_resolved() -> None:
    told = Told()
    told.tell(400, sighting(5, "p", accounts=people(9)))
    told.tell(500, sighting(450, "p", score=0.1, end_s=5))
    assert [news for news, _ in told.verdicts()] == ["opened", "resolved", "retracted"]
    assert told.named() == set()


def test_it_never_repeats_itself_whatever_detectors_repeat() -> None:
    told = Told()
    told.tell(1, finding(0), sighting(0.5, "p", accounts=people(9)))
    for at_s in range(2, 250, 5):
        told.tell(at_s + 1, sighting(at_s, "p", end_s=0.5))
    assert len(told.said) == 2
    assert len(told.items) == 1


@pytest.mark.parametrize(
    ("tally", "votes", "options", "severity", "said"),
    [
        ({"yes": 950, "no": 50}, 100.0, {"yes": 100.0}, "warning", "they do not decide who leads"),
        ({"yes": 550, "no": 450}, 180.0, {"yes": 180.0}, "critical", "without them 'no' leads in 'p', not 'yes'"),
        ({"yes": 950, "no": 50}, 200.0, {"yes": 200.0}, "critical", "they do not decide who leads"),
        ({"yes": 550, "no": 450}, 100.0, {"yes": 100.0}, "warning", "they may decide who leads in 'p'"),
    ],
)
def test_the_summary_says_what_the_votes_do_and_it_is_critical_when_they_make_the_result(
    tally: dict[str, int], votes: float, options: dict[str, float], severity: str, said: str
) -> None:
    told = Told()
    told.tell(9, sighting(5, "p", votes=votes, tally=tally, options=options, accounts=people(9)))
    data = told.said[-1].data
    assert data.severity == severity
    assert data.summary == f"Script: {votes:,.0f} votes of accounts that meet within seconds again and again on poll 'p'; {said}."


def test_reasons_are_told_strongest_first_for_both_sides() -> None:
    told = Told()
    told.tell(9, finding(5, score=9.0), sighting(5, "p", score=3.0), sighting(5, "p", score=7.0, detector="crowd"))
    evidence = told.said[-1].data.evidence
    assert [one.detector for one in evidence if one.direction == "coordinated"] == ["crowd", "lockstep", "rate"]
    assert [one.sentence[:18] for one in evidence if one.direction == "organic"] == ["A crowd that a pos"]
    told.tell(20, sighting(15, "q"))
    assert told.said[-1].data.evidence[-1].sentence.startswith("Nothing that was looked at speaks for a crowd")


@given(st.lists(st.floats(1.01, 1e6), min_size=2, max_size=6))
def test_a_higher_score_is_never_less_sure(scores: list[float]) -> None:
    def sure(score: float) -> float:
        return judge([Claim(sighting(5, "p", score=score), standing=True)], {}, False, "insufficient").confidence

    found = [sure(score) for score in sorted(scores)]
    assert found == sorted(found)
    assert 0.5 < found[0] <= found[-1] < 1


def test_a_poll_stays_suspect_when_its_case_is_forgotten() -> None:
    told = Told()
    told.tell(10, sighting(5, "p", accounts=people(100), options={"yes": 100.0}))
    told.tell(11, standings=stands(0, p={"yes": 700, "no": 300}))
    before = told.book.integrity("p")
    told.tell(2 * 24 * 3600)
    assert told.book._shelf.cases == {}
    after = told.book.integrity("p")
    assert (after.suspect_votes, after.adjusted) == (before.suspect_votes, before.adjusted)
    assert before.suspect_votes == 100
    assert PARAMS.reopen_ms < 24 * 3_600_000
