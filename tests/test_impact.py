"""What suspect votes would change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.impact import NONE_SUSPECT, SuspectVotes, integrity, outcome, poll_impact, surge_suspects

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
