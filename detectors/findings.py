"""What a shard says to the cases: findings, and how the votes of its polls stand. Plain data that travels as it is."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from detectors.spans import Span

Kind = Literal["vote_spike", "slow_drip", "rate_shape", "composition", "account_cluster", "copied_replies"]
Phase = Literal["opened", "update", "calm"]
Lean = Literal["coordinated", "organic", "none"]
Reason = Literal[
    "born_together",
    "new_account",
    "few_networks",
    "one_client",
    "one_country",
    "few_followers",
    "generated_handle",
    "no_referrer",
    "same_option",
    "in_the_burst",
    "clockwork",
    "lockstep",
    "copied_text",
    "taken_over",
]
"""Why an account stands in a moderation item. `taken_over` marks a victim: it is never recommended for action."""

PUBLISHED_DIGITS = 6


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One reason for a side; `observed`, `expected` and `p_value` are null where nothing was measured."""

    detector: str
    """Who says it: `rate`, `shape`, `crowd`, `lockstep`, `copies`, or `overload` where nobody looked."""
    direction: Literal["coordinated", "organic"]
    """The side it speaks for."""
    sentence: Annotated[str, Meta(min_length=1)]
    """The reason in words. Ids in it stand as they came: escape them."""
    observed: float | None
    """What was counted, in the unit that the sentence tells."""
    expected: float | None
    """What of a crowd, or of the usual, would have been."""
    p_value: Annotated[float, Meta(ge=0, le=1)] | None
    """The chance of so much if nothing were wrong."""


class Member(msgspec.Struct, frozen=True, array_like=True):
    """An account of a cluster: `score` from 0 to 1 is how sure it is that it belongs; 0.5 or more names it."""

    account_id: str
    score: float
    reasons: list[Reason]


class PollSuspects(msgspec.Struct, frozen=True, array_like=True):
    """How many of a poll's votes a detector makes suspect: estimate, 95 % interval, estimate by option.

    `tally` is the poll's votes by option at the finding's `at_ms`.
    """

    poll_id: str
    votes: float
    low: float
    high: float
    options: dict[str, float]
    tally: dict[str, int]


class Finding(msgspec.Struct, frozen=True, array_like=True):
    """What one detector saw in one poll; all times are event time, `arrived_ms` is the broker's and measures latency.

    `observed` and `expected` are the numbers the score is made of; those of the rate detector are votes in
    [start_ms, end_ms). `tally` is the poll's votes by option at `at_ms`. `option` is None where the whole poll is meant.
    `cluster` and what follows are what `detectors.watcher.Sighting` says of itself.
    """

    at_ms: int
    poll_id: str
    option: str | None
    detector: str
    kind: Kind
    phase: Phase
    score: float
    p_value: float
    observed: float
    expected: float
    start_ms: int
    end_ms: int
    tally: dict[str, int]
    arrived_ms: int
    cluster: str = ""
    lean: Lean = "none"
    evidence: list[Evidence] = []
    suspects: list[PollSuspects] = []
    members: list[Member] = []
    cleared: list[str] = []


def without_account(finding: Finding, account_id: str) -> Finding:
    """Return a finding that neither names nor clears an account."""
    members = [member for member in finding.members if member.account_id != account_id]
    cleared = [one for one in finding.cleared if one != account_id]
    return msgspec.structs.replace(finding, members=members, cleared=cleared)


class Standings(msgspec.Struct, frozen=True, array_like=True):
    """Votes of the options whose count changed, as they stand now (not the change): entry i is one option of a poll.

    `updated_ms` is when the poll's votes last changed (event time).
    """

    poll_ids: list[str]
    options: list[str]
    votes: list[int]
    updated_ms: list[int]


class Rates(msgspec.Struct, frozen=True, array_like=True):
    """How fast polls are expected to vote, for people to look at: entry i is one poll.

    `expected_per_s` is None where there is nothing to compare with; `scores` are above 1 where the rate is anomalous, and 0
    where nothing is suspected.
    """

    poll_ids: list[str]
    expected_per_s: list[float | None]
    scores: list[float]


class Retired(msgspec.Struct, frozen=True, array_like=True):
    """A poll that left memory at `at_ms` (event time), with its last votes by option."""

    at_ms: int
    poll_id: str
    votes: dict[str, int]


class Report(msgspec.Struct, frozen=True, array_like=True):
    """All that one shard has to say about event time [from_ms, to_ms); reports of a shard follow on each other.

    `retired` are polls that left memory; `standings` speaks of the time after that. In the spans `shed` only the rate was
    looked at: the workers could not keep up. `canary` is what is found in the poll that is kept apart (`detectors.canary`): a
    report of shard 0 of 1. `rates` are of polls that have changed, and of those whose rate is or was just under suspicion.
    """

    shard: int
    from_ms: int
    to_ms: int
    findings: list[Finding]
    standings: Standings
    retired: list[Retired]
    ended: bool
    shed: list[Span] = []
    canary: Report | None = None
    rates: Rates = Rates([], [], [])


def rounded(value: float) -> float:
    """Return `value` to the digits that are published, so that the last bits of a sum can't change an alert."""
    return float(f"{value:.{PUBLISHED_DIGITS}g}")
