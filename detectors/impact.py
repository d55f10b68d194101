"""What suspect votes would change: shares of the options without them, and whether another option would lead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from detectors.alert import AdjustedShare, Flips, Integrity, Outcome, PollImpact, Suspect
from detectors.findings import rounded


@dataclass(frozen=True, slots=True)
class SuspectVotes:
    """How many of a poll's votes are suspect: the estimate and the ends of its 95 % interval, in votes."""

    votes: int = 0
    low: int = 0
    high: int = 0
    accounts: int = 0


NONE_SUSPECT = SuspectVotes()


def surge_suspects(observed: float, expected: float) -> SuspectVotes:
    """Say what a surge alone makes suspect: nothing for certain, at most the votes beyond the expected ones."""
    return SuspectVotes(high=max(0, round(observed - expected)))


def poll_impact(poll_id: str, tally: Mapping[str, int], suspect: SuspectVotes) -> PollImpact:
    """Return what `suspect` means for a poll with these votes by option."""
    total = max(1, sum(tally.values()))
    return PollImpact(
        poll_id=poll_id,
        suspect=Suspect(
            votes=suspect.votes,
            accounts=suspect.accounts,
            share=_share(suspect.votes, total),
            share_low=_share(suspect.low, total),
            share_high=_share(suspect.high, total),
        ),
        outcome=outcome(tally, suspect),
    )


def integrity(poll_id: str, tally: Mapping[str, int], suspect: SuspectVotes, updated_ms: int) -> Integrity:
    """Return the running estimate of a poll with these votes by option."""
    votes = sum(tally.values())
    return Integrity(
        poll_id=poll_id,
        votes=votes,
        options=dict(sorted(tally.items())),
        suspect_votes=suspect.votes,
        suspect_share_low=_share(suspect.low, max(1, votes)),
        suspect_share_high=_share(suspect.high, max(1, votes)),
        adjusted={option: _adjusted(count, votes, suspect) for option, count in sorted(tally.items())},
        outcome=outcome(tally, suspect),
        updated_ms=updated_ms,
    )


def outcome(tally: Mapping[str, int], suspect: SuspectVotes) -> Outcome:
    """Return who leads; `uncertain` when the suspect votes, all cast for the leader, would make another lead."""
    ranked = sorted(tally.items(), key=lambda item: (-item[1], item[0]))
    leader = ranked[0][0] if ranked and ranked[0][1] else None
    runner_up = ranked[1][1] if len(ranked) > 1 else 0
    flips: Flips = "no"
    if leader is not None and len(ranked) > 1 and ranked[0][1] - suspect.high <= runner_up:
        flips = "uncertain" if suspect.high else "no"
    return Outcome(leader=leader, adjusted_leader=leader, flips=flips)


def _adjusted(count: int, votes: int, suspect: SuspectVotes) -> AdjustedShare:
    """Bound an option's share: the suspect votes are all its own, or none of them is."""
    least, most = max(0, count - suspect.high), votes - suspect.high
    return AdjustedShare(
        share=_share(count, max(1, votes)),
        low=_share(least, max(1, least + votes - count)),
        high=_share(count, max(1, count, most)),
    )


def _share(part: int, whole: int) -> float:
    return rounded(min(1.0, part / whole))
