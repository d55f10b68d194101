"""What suspect votes would change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.cases.impact import (
    NONE_SUSPECT,
    SuspectVotes,
    integrity,
    outcome,
    poll_impact,
    surge_suspects,
    together,
)

TALLIES = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 10_000), max_size=4)
SUSPECTS = st.integers(0, 20_000).map(lambda high: SuspectVotes(high=high))


def test_a_surge_alone_makes_nothing_suspect_for_certain() -> None:
    assert surge_suspects(500.2) == SuspectVotes(votes=0, low=0, high=500, accounts=0)
    assert surge_suspects(-7) == NONE_SUSPECT


@pytest.mark.parametrize(
    ("tally", "high", "leader", "flips"),
    [
        ({"yes": 60, "no": 40}, 0, "yes", "no"),
        ({"yes": 60, "no": 40}, 19, "yes", "no"),
        ({"yes": 60, "no": 40}, 20, "yes", "uncertain"),
        ({"no": 40, "yes": 60}, 99, "yes", "uncertain"),
        ({"yes": 50, "no": 50}, 0, "no", "no"),
        ({"yes": 5}, 99, "yes", "no"),
        ({"yes": 0, "no": 0}, 5, None, "no"),
        ({}, 5, None, "no"),
    ],
)
def test_the_outcome_is_uncertain_when_the_suspect_votes_could_have_made_the_leader(
    tally: dict[str, int], high: int, leader: str | None, flips: str
) -> None:
    found = outcome(tally, SuspectVotes(high=high))
    assert (found.leader, found.adjusted_leader, found.flips) == (leader, leader, flips)


@given(TALLIES, SUSPECTS)
def test_every_share_lies_within_its_bounds(tally: dict[str, int], suspect: SuspectVotes) -> None:
    estimate = integrity("p", tally, suspect, 7)
    assert estimate.votes == sum(tally.values())
    assert list(estimate.options) == list(estimate.adjusted) == sorted(tally)
    for share in estimate.adjusted.values():
        assert 0 <= share.low <= share.share <= share.high <= 1
    assert 0 <= estimate.suspect_share_low <= estimate.suspect_share_high <= 1
    impact = poll_impact("p", tally, suspect).suspect
    assert impact.share_low <= impact.share <= impact.share_high


@given(TALLIES.filter(lambda tally: sum(tally.values()) > 0), st.data())
def test_the_bounds_hold_for_every_way_the_suspect_votes_can_lie(tally: dict[str, int], data: st.DataObject) -> None:
    """Take out any suspect votes: each option's share of the rest is within what was told."""
    high = data.draw(st.integers(0, sum(tally.values()) - 1))
    gone = {option: data.draw(st.integers(0, min(votes, high))) for option, votes in tally.items()}
    while sum(gone.values()) > high:
        most = max(gone, key=lambda option: gone[option])
        gone[most] -= min(gone[most], sum(gone.values()) - high)
    rest = sum(tally.values()) - sum(gone.values())
    for option, share in integrity("p", tally, SuspectVotes(high=high), 0).adjusted.items():
        left = (tally[option] - gone[option]) / rest
        assert share.low - 1e-5 <= left <= share.high + 1e-5


@given(TALLIES)
def test_without_suspects_nothing_is_adjusted(tally: dict[str, int]) -> None:
    estimate = integrity("p", tally, NONE_SUSPECT, 0)
    assert all(share.low == share.share == share.high for share in estimate.adjusted.values())
    assert (estimate.suspect_votes, estimate.suspect_share_high, estimate.outcome.flips) == (0, 0, "no")


@pytest.mark.parametrize(
    ("tally", "suspect", "adjusted_leader", "flips"),
    [
        ({"yes": 60, "no": 40}, SuspectVotes(30, 28, 32, 30, {"yes": 30.0}), "no", "yes"),
        ({"yes": 60, "no": 40}, SuspectVotes(30, 5, 55, 30, {"yes": 30.0}), "no", "uncertain"),
        ({"yes": 60, "no": 40}, SuspectVotes(15, 10, 19, 15, {"yes": 15.0}), "yes", "no"),
        ({"yes": 60, "no": 40}, SuspectVotes(30, 28, 32, 30, {"no": 30.0}), "yes", "no"),
        ({"yes": 60, "no": 40}, SuspectVotes(30, 30, 30, 30), "yes", "uncertain"),
        ({"a": 50, "b": 49, "c": 48}, SuspectVotes(10, 9, 11, 10, {"a": 10.0}), "b", "yes"),
        ({"yes": 60, "no": 0}, SuspectVotes(60, 58, 60, 60, {"yes": 60.0}), None, "uncertain"),
    ],
)
def test_where_the_suspect_votes_lie_tells_who_leads_without_them(
    tally: dict[str, int], suspect: SuspectVotes, adjusted_leader: str | None, flips: str
) -> None:
    found = outcome(tally, suspect)
    assert (found.leader, found.adjusted_leader, found.flips) == (max(tally, key=lambda o: tally[o]), adjusted_leader, flips)


def test_without_the_suspect_votes_shares_are_those_of_the_others() -> None:
    suspect = SuspectVotes(4000, 4000, 4000, 4000, {"no": 3800.0, "yes": 200.0})
    estimate = integrity("p", {"yes": 900, "no": 4100}, suspect, 7)
    assert estimate.adjusted["yes"].share == estimate.adjusted["yes"].low == estimate.adjusted["yes"].high == 0.7
    assert (estimate.suspect_votes, estimate.suspect_share_low, estimate.suspect_share_high) == (4000, 0.8, 0.8)


@given(TALLIES.filter(lambda tally: sum(tally.values()) > 0), st.data())
def test_a_leader_that_is_told_for_sure_leads_wherever_the_rest_lies(tally: dict[str, int], data: st.DataObject) -> None:
    """Take out votes as the interval allows: the least by option as estimated, and any others up to the highest end."""
    options = {option: float(data.draw(st.integers(0, count))) for option, count in tally.items()}
    votes = round(sum(options.values()))
    low, more = data.draw(st.integers(0, votes)), data.draw(st.integers(0, 500))
    suspect = SuspectVotes(votes, low, votes + more, votes, options)
    left = {o: count - options[o] * (low / votes if votes else 0.0) for o, count in tally.items()}
    slack = float(votes + more - low)
    for option in data.draw(st.permutations(sorted(tally))):
        gone = min(left[option], slack, data.draw(st.floats(0, 1)) * slack)
        left[option] -= gone
        slack -= gone
    found = outcome(tally, suspect)
    others = [count for option, count in left.items() if option != found.leader]
    if found.leader is not None and others:
        assert found.flips != "no" or left[found.leader] > max(others) - 1e-6 or not suspect.high
        assert found.flips != "yes" or left[found.leader] < max(others) + 1e-6
    estimate = integrity("p", tally, suspect, 7)
    total = sum(left.values())
    if total >= 1:
        for option, share in estimate.adjusted.items():
            assert share.low - 1e-5 <= left[option] / total <= share.high + 1e-5


def test_cases_in_one_poll_add_up_and_no_more_than_all_votes_are_suspect() -> None:
    one, other = SuspectVotes(40, 38, 42, 40, {"a": 40.0}), SuspectVotes(90, 80, 99, 90, {"a": 30.0, "b": 60.0})
    both = together([one, NONE_SUSPECT, other])
    assert both == SuspectVotes(130, 118, 141, 130, {"a": 70.0, "b": 60.0})
    assert together([NONE_SUSPECT, one]) == one
    capped = poll_impact("p", {"a": 60, "b": 60}, both).suspect
    assert (capped.votes, capped.share, capped.share_high) == (120, 1.0, 1.0)
