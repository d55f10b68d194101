"""How many votes of a poll the claims of one case make suspect, taken together. Knows nothing of other cases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from detectors.cases.claim import Claim, same_accounts
from detectors.cases.impact import SuspectVotes, surge_suspects
from detectors.findings import PollSuspects


def suspects_in(poll_id: str, claims: Sequence[Claim], vouched: bool = True) -> SuspectVotes:
    """Return the union of what claims make suspect in a poll; a crowd takes a surge out of doubt where it is `vouched` for.

    Who of a campaign of many polls voted in this one is not known, so votes are not counted by account. Two claims that
    share half of the accounts of the smaller are taken for two views of one group, of which the larger number holds;
    other groups add up, but for the share of their accounts that were counted before. Votes that a detector counts and
    cannot name may be the same ones: the larger of both numbers holds. The interval reaches up to the highest end of all, and
    is at least one standard deviation of a Poisson count wide to both sides: how many people happen to look like the
    script varies so, and no detector can know it better.
    """
    said = [(claim, of) for claim in claims if claim.standing and (of := claim.said_of(poll_id)) is not None]
    if not said:
        return _unaccused(poll_id, claims, vouched)
    union = _Union()
    for claim, of in sorted(said, key=lambda pair: (not pair[0].named, -_votes(*pair), *pair[0].rank)):
        if claim.named:
            union.add(claim, of)
        else:
            union.at_least(of)
    return union.result(max(of.high for _, of in said))


def _votes(claim: Claim, of: PollSuspects) -> float:
    """Return the votes a claim makes suspect: at least one of each account it names, where it is about one poll."""
    return max(of.votes, len(claim.named)) if len(claim.finding.suspects) == 1 else of.votes


@dataclass
class _Union:
    """Votes counted so far, each once; `groups` are the accounts of each group."""

    votes: float = 0.0
    low: float = 0.0
    high: float = 0.0
    options: dict[str, float] = field(default_factory=dict)
    groups: list[AbstractSet[str]] = field(default_factory=list)

    def add(self, claim: Claim, of: PollSuspects) -> None:
        """Add the votes of a group, unless a larger number of the same group was added."""
        names, votes = claim.named.keys(), _votes(claim, of)
        if any(same_accounts(names, group) for group in self.groups):
            return
        share = 1 - sum(len(names & group) for group in self.groups) / len(names)
        self.votes += share * votes
        self.low += share * min(of.low, votes)
        self.high += share * max(of.high, votes)
        for option, count in of.options.items():
            self.options[option] = self.options.get(option, 0.0) + share * count
        self.groups.append(names)

    def at_least(self, of: PollSuspects) -> None:
        """Take votes of unnamed accounts, which may hold all that were counted."""
        if of.votes > self.votes:
            self.votes, self.low, self.high, self.options = of.votes, of.low, max(of.high, self.high), dict(of.options)

    def result(self, high: float) -> SuspectVotes:
        """Return the union in whole votes."""
        votes, chance = round(self.votes), math.sqrt(self.votes)
        return SuspectVotes(
            votes,
            max(0, math.floor(min(self.low, self.votes - chance))),
            math.ceil(max(self.high, high, self.votes + chance)),
            min(votes, sum(map(len, self.groups))),
            dict(sorted(self.options.items())),
        )


def _unaccused(poll_id: str, claims: Sequence[Claim], vouched: bool) -> SuspectVotes:
    """Return what could be suspect where nobody is accused: the widest surge that is not known to be a crowd or no attack."""
    here = [claim for claim in claims if claim.finding.poll_id == poll_id and claim.dismissal is None]
    crowds = [claim for claim in here if claim.finding.lean == "organic"]
    unseen = [claim.excess for claim in here if not (vouched and any(claim.overlaps(crowd) for crowd in crowds))]
    doubt = [of.high for crowd in crowds if (of := crowd.said_of(poll_id)) is not None]
    return surge_suspects(max([*unseen, *doubt], default=0.0))
