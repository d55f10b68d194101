"""How many votes of a poll all claims of a case make suspect."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from told_cases import finding, people, sighting

from detectors.cases.claim import Claim, bare
from detectors.cases.impact import NONE_SUSPECT
from detectors.cases.suspects import suspects_in
from detectors.findings import Finding


def claim(said: Finding, standing: bool = True) -> Claim:
    return Claim(bare(said), standing=standing, named={member.account_id: member for member in said.members})


def test_the_rate_alone_makes_suspect_at_most_the_votes_beyond_the_expected() -> None:
    found = suspects_in("p", [claim(finding(5, observed=60), False), claim(finding(5, observed=40, option="yes"), False)])
    assert (found.votes, found.low, found.high) == (0, 0, 50)


def test_who_looked_at_the_voters_knows_better_than_the_rate() -> None:
    crowd = sighting(6, "p", votes=7, lean="organic", detector="crowd")
    found = suspects_in("p", [claim(finding(5, observed=6000), False), claim(crowd, False)])
    assert (found.votes, found.low, found.high) == (0, 0, 12)
    sure = sighting(6, "p", votes=0, lean="organic", detector="crowd")
    assert suspects_in("p", [claim(finding(5, observed=6000), False), claim(sure, False)]) == NONE_SUSPECT
    other_surge = claim(finding(90, observed=60, option="yes"), False)
    assert suspects_in("p", [claim(sure, False), other_surge]).high == 50, "of which nobody spoke"


def test_a_claim_that_does_not_stand_makes_nothing_suspect() -> None:
    assert suspects_in("p", [claim(sighting(5, "p"), standing=False)]) == NONE_SUSPECT


def test_two_views_of_one_group_count_once() -> None:
    in_poll = claim(sighting(5, "p", votes=300, accounts=people(300), detector="crowd", options={"yes": 300.0}))
    across = claim(sighting(5, "p", "q", votes=280, accounts=people(500), options={"yes": 280.0}))
    found = suspects_in("p", [across, in_poll])
    assert (found.votes, found.options) == (300, {"yes": 300.0})
    assert suspects_in("q", [across, in_poll]).votes == 280


def test_the_interval_reaches_to_the_highest_end_of_all_views() -> None:
    sure = claim(sighting(5, "p", votes=300, accounts=people(300), detector="crowd"))
    unsure = sighting(5, "p", "q", votes=280, accounts=people(300))
    wide = msgspec.structs.replace(unsure.suspects[0], low=10.0, high=900.0)
    found = suspects_in("p", [sure, claim(msgspec.structs.replace(unsure, suspects=[wide, unsure.suspects[1]]))])
    assert (found.votes, found.low, found.high) == (300, 282, 900)


def test_two_groups_add_up_but_for_those_in_both() -> None:
    one = claim(sighting(5, "p", votes=300, accounts=people(300), detector="crowd", options={"yes": 300.0}))
    other = claim(sighting(5, "p", votes=100, accounts=people(100, "b"), detector="copies", options={"no": 100.0}))
    assert suspects_in("p", [one, other]).votes == 400
    assert suspects_in("p", [one, other]).options == {"no": 100.0, "yes": 300.0}
    some_in_both = claim(sighting(5, "p", votes=100, accounts=[*people(20), *people(80, "b")], detector="copies"))
    assert suspects_in("p", [one, some_in_both]).votes == 380


def test_votes_nobody_can_name_may_hold_those_that_are_named() -> None:
    named = claim(sighting(5, "p", votes=100, accounts=people(100)))
    unnamed = claim(sighting(5, "p", votes=1800, detector="shape", kind="rate_shape"))
    found = suspects_in("p", [named, unnamed])
    assert (found.votes, found.accounts) == (1800, 100)
    fewer = claim(sighting(5, "p", votes=60, detector="shape", kind="rate_shape"))
    assert suspects_in("p", [named, fewer]).votes == 100


def test_a_claim_on_one_poll_is_of_at_least_the_accounts_it_names() -> None:
    assert suspects_in("p", [claim(sighting(5, "p", votes=90, accounts=people(100)))]).votes == 100
    assert suspects_in("p", [claim(sighting(5, "p", "q", votes=90, accounts=people(100)))]).votes == 90


@pytest.mark.parametrize("reverse", [False, True])
def test_the_order_in_which_detectors_spoke_changes_nothing(reverse: bool) -> None:
    claims = [
        claim(sighting(5, "p", votes=100, accounts=people(100), detector=name, cluster=cluster))
        for name in ("crowd", "copies")
        for cluster in ("c1", "c2")
    ]
    assert suspects_in("p", claims[::-1] if reverse else claims).votes == 100


GROUPS = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 60), st.integers(0, 60), st.booleans(), st.booleans()), max_size=5
)


@given(GROUPS)
def test_the_interval_holds_the_estimate_and_every_claim_s_highest(groups: Sequence[tuple[int, int, int, bool, bool]]) -> None:
    claims = []
    for number, (votes, first, count, many, standing) in enumerate(groups):
        names = [f"a{n}" for n in range(first, first + count)]
        polls = ("p", "q") if many else ("p",)
        claims.append(claim(sighting(5, *polls, votes=votes, accounts=names, cluster=f"c{number}"), standing))
    found = suspects_in("p", claims)
    assert 0 <= found.low <= found.votes <= found.high
    standing_claims = [one for one in claims if one.standing and one.finding.suspects]
    assert found.high >= max((one.finding.suspects[0].high for one in standing_claims), default=0)
    assert found.votes >= max((round(one.finding.suspects[0].votes) for one in standing_claims), default=0)
    assert found.votes <= sum(max(one.finding.suspects[0].votes, len(one.named)) for one in standing_claims) + 1
