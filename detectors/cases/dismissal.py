"""When what a reviewer called a false positive is more than he saw. Pure numbers; knows no claim and no case."""

from __future__ import annotations

import msgspec

from detectors.findings import Finding

_TWICE = 2.0
# twice a handful is no more than chance
_FEW_VOTES = 10.0
_FEW_ACCOUNTS = 8


class Dismissal(msgspec.Struct, frozen=True):
    """What a claim said when it was called a false positive, until when that holds (event time), and whether it stood or would now."""

    until_ms: int
    score: float
    votes: float
    accounts: int
    held: bool


def dismissal_of(finding: Finding, accounts: int, held: bool, until_ms: int) -> Dismissal:
    """Return the dismissal of a finding that stands and names so many accounts."""
    return Dismissal(until_ms, finding.score, suspect_votes(finding), accounts, held)


def is_outdone(dismissed: Dismissal, finding: Finding, accounts: int) -> bool:
    """Tell whether a later finding, by which so many accounts are named, is twice as strong, or comes when the time is over."""
    return finding.phase != "calm" and (
        finding.at_ms >= dismissed.until_ms
        or finding.score >= _TWICE * max(1.0, dismissed.score)
        or suspect_votes(finding) >= _TWICE * max(_FEW_VOTES, dismissed.votes)
        or accounts >= _TWICE * max(_FEW_ACCOUNTS, dismissed.accounts)
    )


def suspect_votes(finding: Finding) -> float:
    """Return the votes that a finding makes suspect, in all its polls."""
    return sum(of.votes for of in finding.suspects)
