"""When a surge is called a real crowd: that its people look like others is not enough where something is at stake."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from told_cases import Told, crowd, finding, sighting

from detectors.cases.vouching import is_little, people_differ
from detectors.findings import Evidence, Finding

BEFORE = {"yes": 600, "no": 400}
AFTER = {"yes": 600, "no": 1400}


def verdict_of(*told: Finding) -> str:
    cases = Told()
    cases.tell(100, *told)
    return cases.said[-1].data.verdict


def surge(observed: float = 40.0) -> Finding:
    return finding(5, observed=observed, tally=BEFORE)


def test_people_like_others_who_all_say_one_thing_may_be_taken_over() -> None:
    assert verdict_of(surge(), crowd(60, "p", reasons=1, tally=AFTER)) == "insufficient"


def test_a_post_that_sent_them_makes_a_crowd_of_them() -> None:
    assert verdict_of(surge(), crowd(60, "p", reasons=2, tally=AFTER)) == "organic"


def test_the_same_reason_for_two_surges_is_one_reason() -> None:
    first, second = (crowd(at_s, "p", reasons=1, cluster=f"surge-{at_s}", tally=AFTER) for at_s in (50, 60))
    assert verdict_of(surge(), first, second) == "insufficient"


def test_a_fade_makes_a_crowd_of_them() -> None:
    fade = sighting(90, "p", votes=0, lean="organic", score=0.5, detector="shape", kind="rate_shape", tally=AFTER)
    assert verdict_of(surge(), crowd(60, "p", reasons=1, tally=AFTER), fade) == "organic"


def test_people_who_answer_otherwise_make_a_crowd_of_them() -> None:
    assert verdict_of(surge(), crowd(60, "p", reasons=1, tally={"yes": 700, "no": 1300})) == "organic"


def test_a_few_votes_that_decide_nothing_may_be_a_crowd() -> None:
    few = crowd(60, "p", reasons=1, tally={"yes": 600, "no": 440})
    assert verdict_of(surge(observed=12.0), few) == "organic"
    assert verdict_of(surge(observed=40.0), few) == "insufficient", "at such a pace they are many in a minute"
    close = finding(5, observed=12.0, tally={"yes": 500, "no": 490})
    assert verdict_of(close, crowd(60, "p", reasons=1, tally={"yes": 500, "no": 520})) == "insufficient"


def test_what_nobody_vouches_for_stays_in_doubt_with_all_that_came() -> None:
    told = Told()
    later = finding(58, score=3.0, observed=40.0, phase="update", tally=AFTER)
    told.tell(100, surge(), later, crowd(60, "p", reasons=1, tally=AFTER))
    suspect = told.said[-1].data.polls[0].suspect
    assert (suspect.votes, suspect.share_low) == (0, 0.0)
    assert 0.35 < suspect.share_high < 0.5, "a thousand of 2,000, less what is usual"
    assert "taken over" in told.said[-1].data.summary


def test_a_verdict_does_not_go_to_and_fro_where_little_becomes_a_little_more() -> None:
    told = Told()
    told.tell(10, surge(observed=12.0), crowd(6, "p", reasons=1, tally={"yes": 600, "no": 440}))
    told.tell(70, crowd(60, "p", reasons=1, tally={"yes": 600, "no": 475}))
    assert [verdict for _, verdict in told.verdicts()] == ["insufficient", "organic"], "it would not begin at 75 of 1,075"
    told.tell(170, crowd(160, "p", reasons=1, tally=AFTER))
    assert told.verdicts()[-1] == ("updated", "insufficient")


def test_reasons_that_differ_in_numbers_only_are_given_once_with_the_strongest() -> None:
    told = Told()
    weak, strong = (crowd(60, "p", cluster=cluster) for cluster in ("surge-1", "surge-2"))
    strong.evidence[0] = Evidence("crowd", "organic", "The clients of 90 votes are like those of other polls.", 0.9, None, None)
    told.tell(100, surge(), weak, strong)
    said = [one.sentence for one in told.said[-1].data.evidence if one.detector == "crowd"]
    assert said[0] == "The clients of 90 votes are like those of other polls. It was so in 2 surges, most of all in this one."
    assert len(said) == 2


@pytest.mark.parametrize(
    ("now", "usual", "differ"),
    [
        ({"yes": 700, "no": 1300}, 0, True),
        ({"yes": 700, "no": 1300}, 150, False),
        ({"yes": 640, "no": 1360}, 0, False),
        ({"yes": 605, "no": 420}, 0, False),
        ({"yes": 600, "no": 1000, "new": 400}, 0, True),
    ],
)
def test_people_differ_where_enough_beyond_the_usual_say_otherwise(now: dict[str, int], usual: float, differ: bool) -> None:
    assert people_differ(BEFORE, now, usual) == differ


@given(st.integers(30, 3_000), st.integers(0, 600), st.integers(0, 1_000_000))
def test_those_who_always_vote_beside_a_script_do_not_vouch_for_it(script: int, usual: int, seed: int) -> None:
    """By chance they may, once in many: a script of hundreds is not vouched for by its poll's own votes."""
    rng = np.random.default_rng(seed)
    own = int(rng.binomial(usual, 0.6))
    now = {"yes": 600 + own, "no": 400 + usual - own + script}
    assert not people_differ(BEFORE, now, usual) or own - 0.6 * usual > 2 * math.sqrt(0.6 * usual), f"seed {seed}"


@given(st.integers(1, 2_000), st.integers(0, 2_000), st.floats(0, 500))
def test_what_could_change_who_leads_is_never_little(yes: int, no: int, a_minute: float) -> None:
    now = {"yes": yes, "no": no}
    if is_little({}, now, a_minute):
        pytest.fail("everything came since")
    before = {"yes": yes, "no": max(0, no - 10)}
    if is_little(before, now, a_minute):
        assert abs(yes - no) >= max(no - before["no"], a_minute)
