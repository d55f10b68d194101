"""How many votes of a poll the claims of one case make suspect, taken together. Knows nothing of other cases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from detectors.claim import Claim
from detectors.findings import PollSuspects
from detectors.impact import SuspectVotes, surge_suspects


def suspects_in(poll_id: str, claims: Sequence[Claim]) -> SuspectVotes:
    """Return the union of what claims make suspect in a poll.

    Who of a campaign of many polls voted in this one is not known: accounts with one id are taken to have voted here
    in all claims, so a claim adds its votes times the share of its names that no weightier claim has. Votes that a
    detector counts but cannot name may be the same ones: the larger of both numbers holds. The interval reaches up to
    the highest end of all.
    """
    said = [(claim, of) for claim in claims if claim.standing and (of := claim.said_of(poll_id)) is not None]
    if not said:
        return _unaccused(poll_id, claims)
    union = _Union()
    for claim, of in sorted(said, key=lambda pair: (-pair[1].votes, *pair[0].rank)):
        if claim.named:
            union.add(of, claim, len(said) > 1)
    for claim, of in said:
        if not claim.named:
            union.at_least(of)
    return union.result(max(of.high for _, of in said))


@dataclass
class _Union:
    """Votes counted so far, each once."""

    votes: float = 0.0
    low: float = 0.0
    high: float = 0.0
    options: dict[str, float] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    accounts: int = 0

    def add(self, of: PollSuspects, claim: Claim, more_come: bool) -> None:
        """Add the votes of those who were not counted before."""
        known = len(self.names & claim.named.keys()) if self.names else 0
        share = 1 - known / len(claim.named)
        votes = max(of.votes, len(claim.named)) if len(claim.finding.suspects) == 1 else of.votes
        self.votes += share * votes
        self.low += share * min(of.low, votes)
        self.high += share * max(of.high, votes)
        for option, count in of.options.items():
            self.options[option] = self.options.get(option, 0.0) + share * count
        self.accounts += len(claim.named) - known
        if more_come:
            self.names |= claim.named.keys()

    def at_least(self, of: PollSuspects) -> None:
        """Take votes of unnamed accounts, which may hold all that were counted."""
        if of.votes > self.votes:
            self.votes, self.low, self.high, self.options = of.votes, of.low, max(of.high, self.high), dict(of.options)

    def result(self, high: float) -> SuspectVotes:
        """Return the union in whole votes."""
        votes = round(self.votes)
        return SuspectVotes(
            votes,
            min(votes, math.floor(self.low)),
            max(votes, math.ceil(max(self.high, high))),
            min(votes, self.accounts),
            dict(sorted(self.options.items())),
        )


def _unaccused(poll_id: str, claims: Sequence[Claim]) -> SuspectVotes:
    """Return what could be suspect where nobody is accused: by who looked at the voters, else the widest surge."""
    organic = [of for claim in claims if claim.finding.lean == "organic" and (of := claim.said_of(poll_id)) is not None]
    if organic:
        return surge_suspects(max(of.high for of in organic))
    here = [claim.excess for claim in claims if claim.finding.poll_id == poll_id]
    return surge_suspects(max(here, default=0.0))
