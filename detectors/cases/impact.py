"""What suspect votes would change: shares of the options without them, and whether another option would lead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from detectors.alert import AdjustedShare, Flips, Integrity, Outcome, PollImpact, Suspect
from detectors.findings import rounded


@dataclass(frozen=True, slots=True)
class SuspectVotes:
    """How many of a poll's votes are suspect: the estimate and the ends of its 95 % interval, in votes.

    `options` is the estimate by option, empty where nobody knows; `accounts` are those named.
    """

    votes: int = 0
    low: int = 0
    high: int = 0
    accounts: int = 0
    options: dict[str, float] = field(default_factory=dict)


NONE_SUSPECT = SuspectVotes()


def surge_suspects(excess: float) -> SuspectVotes:
    """Say what a surge alone makes suspect: nothing for certain, at most the votes beyond the expected ones."""
    return SuspectVotes(high=max(0, round(excess)))


def together(parts: Iterable[SuspectVotes]) -> SuspectVotes:
    """Return the suspect votes of several cases in one poll: no vote is suspect in two of them."""
    parts = [part for part in parts if part != NONE_SUSPECT]
    if len(parts) < 2:
        return parts[0] if parts else NONE_SUSPECT
    options: dict[str, float] = {}
    for part in parts:
        for option, votes in part.options.items():
            options[option] = options.get(option, 0.0) + votes
    return SuspectVotes(
        sum(part.votes for part in parts),
        sum(part.low for part in parts),
        sum(part.high for part in parts),
        sum(part.accounts for part in parts),
        options,
    )


def within(suspect: SuspectVotes, votes: int) -> SuspectVotes:
    """Return `suspect` in a poll of so many votes: never more than those."""
    if suspect.high <= votes:
        return suspect
    return SuspectVotes(
        min(suspect.votes, votes), min(suspect.low, votes), votes, min(suspect.accounts, votes), suspect.options
    )


def poll_impact(poll_id: str, tally: Mapping[str, int], suspect: SuspectVotes) -> PollImpact:
    """Return what `suspect` means for a poll with these votes by option."""
    votes = sum(tally.values())
    total, capped = max(1, votes), within(suspect, votes)
    return PollImpact(
        poll_id=poll_id,
        suspect=Suspect(
            votes=capped.votes,
            accounts=capped.accounts,
            share=_share(capped.votes, total),
            share_low=_share(capped.low, total),
            share_high=_share(capped.high, total),
        ),
        outcome=outcome(tally, suspect),
    )


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a poll is expected to vote, and how unusual its rate is: as `detectors.findings.Rates` says it."""

    expected_per_s: float | None = None
    score: float = 0.0


UNKNOWN_PACE = Pace()


def integrity(
    poll_id: str, tally: Mapping[str, int], suspect: SuspectVotes, updated_ms: int, pace: Pace = UNKNOWN_PACE
) -> Integrity:
    """Return the running estimate of a poll with these votes by option."""
    votes = sum(tally.values())
    capped, rest = within(suspect, votes), _Rest.of(tally, suspect)
    return Integrity(
        poll_id=poll_id,
        votes=votes,
        options=dict(sorted(tally.items())),
        suspect_votes=capped.votes,
        suspect_share_low=_share(capped.low, max(1, votes)),
        suspect_share_high=_share(capped.high, max(1, votes)),
        adjusted={option: rest.adjusted(option) for option in sorted(tally)},
        outcome=outcome(tally, suspect),
        updated_ms=updated_ms,
        expected_per_s=pace.expected_per_s,
        rate_score=pace.score,
    )


def outcome(tally: Mapping[str, int], suspect: SuspectVotes) -> Outcome:
    """Return who leads, and who does without the suspect votes.

    `flips` is "no" or "yes" only where it is so for every number of suspect votes in the interval and wherever those
    lie whose option is not known.
    """
    rest = _Rest.of(tally, suspect)
    leader = _leader(tally)
    flips: Flips = "no"
    if leader is not None and len(tally) > 1 and suspect.high:
        flips = rest.flips(leader)
    return Outcome(leader=leader, adjusted_leader=leader if flips == "no" else _leader(rest.expected), flips=flips)


@dataclass(frozen=True, slots=True)
class _Rest:
    """A poll's votes by option without the suspect ones: `expected` by the estimate, `most` without those that are
    suspect at least; of `most`, up to `slack` more may be suspect, of any option."""

    expected: dict[str, float]
    most: dict[str, float]
    slack: float

    @classmethod
    def of(cls, tally: Mapping[str, int], suspect: SuspectVotes) -> _Rest:
        votes = sum(tally.values())
        suspect = within(suspect, votes)
        known = {option: min(suspect.options.get(option, 0.0), count) for option, count in tally.items()}
        scale = suspect.votes / sum(known.values()) if sum(known.values()) else 0.0
        gone = {option: min(known[option] * scale, count) for option, count in tally.items()}
        if not scale and votes:
            gone = {option: count * suspect.votes / votes for option, count in tally.items()}
        sure = suspect.low / suspect.votes if scale and suspect.votes else 0.0
        least = {option: gone[option] * sure for option in tally}
        return cls(
            {option: count - gone[option] for option, count in tally.items()},
            {option: count - least[option] for option, count in tally.items()},
            max(0.0, suspect.high - sum(least.values())),
        )

    def flips(self, leader: str) -> Flips:
        """Tell whether the leader stays one: wherever the slack lies, nowhere, or here and there."""
        mine = self.most[leader]
        others = [votes for option, votes in self.most.items() if option != leader]
        if mine - self.slack > max(others):
            return "no"
        must_go = sum(max(0.0, votes - mine) for votes in others)
        return "yes" if must_go > self.slack else "uncertain"

    def adjusted(self, option: str) -> AdjustedShare:
        """Bound an option's share: the slack is all its own, or none of it is."""
        mine, others = self.most[option], sum(votes for name, votes in self.most.items() if name != option)
        least, fewest = max(0.0, mine - self.slack), max(0.0, others - self.slack)
        return AdjustedShare(
            share=_share(self.expected[option], max(1e-9, sum(self.expected.values()))),
            low=_share(least, max(1.0, least + others)),
            high=_share(mine, max(1.0, mine + fewest)),
        )


def _leader(votes: Mapping[str, float]) -> str | None:
    """Return the option with the most votes, the first by name of several, None where there are none."""
    best = min(votes, key=lambda option: (-votes[option], option), default=None)
    return best if best is not None and votes[best] > 0 else None


def _share(part: float, whole: float) -> float:
    return rounded(min(1.0, part / whole))
