"""Why a case has this verdict and no other, and what changed from one revision to the next, as people are told it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from told_cases import Told, crowd, finding, people, sighting

from detectors.alert import CaseData, Review, Verdict
from detectors.cases.changes import changes
from detectors.cases.why_not import VERDICTS, why, why_not
from detectors.findings import Finding

BEFORE, AFTER = {"yes": 600, "no": 400}, {"yes": 600, "no": 1400}
SCRIPT = sighting(8, "p", detector="crowd", cluster="script", accounts=people(60))


def said(*findings: Finding, shed: tuple[tuple[float, float], ...] = ()) -> CaseData:
    told = Told()
    told.tell(100, *findings, shed=shed)
    return told.said[-1].data


def told_of(data: CaseData, verdict: Verdict) -> str:
    return dict(why_not(data))[verdict]


def refuted(data: CaseData) -> CaseData:
    return msgspec.structs.replace(data, review=Review("false_positive", "anna", 5, None, 1))


def test_each_verdict_but_its_own_is_told_once_and_in_one_order() -> None:
    for data in (said(finding(5)), said(finding(5), crowd(6, "p")), said(finding(5), SCRIPT)):
        assert [verdict for verdict, _ in why_not(data)] == [one for one in VERDICTS if one != data.verdict]
        assert all(sentence.endswith(".") for _, sentence in why_not(data))


def test_a_surge_alone_lacks_everything() -> None:
    data = said(finding(5))
    assert "There is only the rate." in told_of(data, "coordinated")
    assert told_of(data, "mixed") == told_of(data, "coordinated")
    assert told_of(data, "organic").startswith("Nothing was measured that speaks for a crowd")


def test_people_like_others_lack_somebody_who_vouches_for_them() -> None:
    data = said(finding(5, observed=40.0, tally=BEFORE), crowd(5, "p", reasons=1, tally=AFTER))
    assert data.verdict == "insufficient"
    assert told_of(data, "organic").startswith("One measured reason speaks for a crowd, but accounts that were taken over look alike")


def test_where_nobody_looked_a_crowd_lacks_the_look() -> None:
    data = said(finding(5, observed=40.0), crowd(6, "p"), shed=((0, 5.9),))
    assert data.verdict == "insufficient"
    assert "nobody looked at who voted" in why(data)
    assert "nobody looked at who voted" in told_of(data, "organic")


def test_a_script_alone_lacks_a_crowd() -> None:
    data = said(finding(5), SCRIPT)
    assert data.verdict == "coordinated"
    assert "No crowd was seen" in told_of(data, "mixed")
    assert "at least 60%" in told_of(data, "mixed")
    assert "by crowd" in told_of(data, "organic")
    assert "score of 3" in told_of(data, "insufficient")


def test_a_campaign_over_polls_is_not_weighed_against_a_surge() -> None:
    assert "A campaign over several polls" in told_of(said(sighting(5, "p", "q", accounts=people(20))), "mixed")


@pytest.mark.parametrize("beside", [crowd(6, "p"), None])
def test_a_script_in_a_crowd_tells_what_was_beside_it(beside: Finding | None) -> None:
    votes = sighting(8, "p", detector="crowd", cluster="script", votes=100)
    data = said(finding(5, observed=1010.0), *([beside] if beside else []), votes)
    assert data.verdict == "mixed"
    expected = "2 measured reasons speak for a crowd" if beside else "less than 60% of what came"
    assert expected in told_of(data, "coordinated")
    assert expected in why(data)


def test_a_crowd_tells_that_something_vouches_for_it() -> None:
    data = said(finding(5), crowd(6, "p"))
    assert data.verdict == "organic"
    assert "vouches for it" in why(data)
    assert "There is only the rate." in told_of(data, "mixed")


def test_a_claim_that_was_withdrawn_is_told_as_such() -> None:
    data = said(finding(5), sighting(6, "p"), sighting(7, "p", score=0.3))
    assert data.verdict == "insufficient"
    assert "what lockstep said against somebody is too weak" in told_of(data, "coordinated")


def test_a_decision_is_the_reason_where_it_is_one() -> None:
    data = refuted(said(finding(5)))
    assert "A reviewer decided" in why(data)
    assert told_of(data, "coordinated").startswith("'anna' decided that it is a false positive.")
    accused = refuted(said(finding(5), SCRIPT))
    assert "anna" not in told_of(accused, "organic"), "more came than was decided on"


def test_a_revision_that_says_the_same_changed_nothing() -> None:
    data = said(finding(5), SCRIPT)
    assert changes(data, msgspec.structs.replace(data, revision=9, updated_ms=data.updated_ms + 5)) == []


def test_what_changed_is_told_the_weightiest_first() -> None:
    told = Told()
    told.tell(6, finding(5))
    told.tell(20, sighting(8, "p", "q", detector="crowd", accounts=people(60)))
    lines = changes(told.said[0].data, told.said[-1].data)
    assert lines[0] == "The verdict is coordinated, it was insufficient."
    assert "Poll 'q' is part of it: 100 suspect votes." in lines
    assert "60 accounts are named in 'p', 0 were." in lines
    assert "Another kind of finding: account_cluster." in lines
    assert "Its accounts are handed to moderators." in lines
    assert "New reason for a script, crowd: crowd saw c by 8 s" in lines


def test_a_reason_whose_numbers_changed_is_no_new_reason() -> None:
    told = Told()
    told.tell(20, sighting(8, "p", votes=100))
    told.tell(200, sighting(150, "p", votes=300))
    lines = changes(told.said[0].data, told.said[-1].data)
    assert any(line.startswith("300 votes of 'p' are suspect") for line in lines)
    assert not [line for line in lines if "reason" in line]


def test_decisions_are_told_and_so_is_that_they_no_longer_stand() -> None:
    data = said(finding(5))
    assert changes(data, refuted(data)) == ["'anna' decided false_positive"]
    assert changes(refuted(data), data) == [
        "What 'anna' decided (false_positive) no longer stands: there is more than was decided on."
    ]


@given(st.lists(st.sampled_from([finding(5), crowd(6, "p"), SCRIPT, sighting(9, "p", "q"), sighting(10, "p", score=0.3)]), min_size=1))
def test_every_revision_can_be_explained(findings: list[Finding]) -> None:
    told = Told()
    told.tell(100, *sorted(findings, key=lambda one: one.at_ms))
    for before, after in zip(told.said, told.said[1:], strict=False):
        assert len(why_not(after.data)) == 3
        assert changes(before.data, after.data), "a revision without news"
