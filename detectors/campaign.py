"""When two cases are one. A campaign is its accounts: sharing a poll is not enough (docs/decisions/0013-verdict.md)."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from detectors.case import Case
from detectors.claim import Claim

_HALF = 2


def share_accounts(ours: AbstractSet[str], theirs: AbstractSet[str]) -> bool:
    """Tell whether at least half of the smaller of two sets of accounts is in the other."""
    smaller = min(len(ours), len(theirs))
    return smaller > 0 and _HALF * len(ours & theirs) >= smaller


def accounts_of(claims: Sequence[Claim]) -> AbstractSet[str]:
    """Return everybody whom standing claims name."""
    named = [claim.named.keys() for claim in claims if claim.standing and claim.named]
    return named[0] if len(named) == 1 else {account_id for one in named for account_id in one}


def explains(votes: float, bulk: float) -> bool:
    """Tell whether so many suspect votes are at least half of a surge of `bulk` votes."""
    return votes > 0 and _HALF * votes >= bulk


def one_campaign(one: Case, other: Case) -> bool:
    """Tell whether two open cases are one: they share accounts, or what one tells of a poll is the surge of the other."""
    ours, theirs = accounts_of(one.claims), accounts_of(other.claims)
    if ours and theirs:
        return share_accounts(ours, theirs)
    return _explained(one, by=other) if theirs else _explained(other, by=one) if ours else False


def _explained(surge: Case, by: Case) -> bool:
    """Tell whether a case without names is the surge that a case with names made."""
    return any(
        poll_id in by.estimates and explains(by.estimates[poll_id].votes, bulk(surge, poll_id)) for poll_id in surge.homes
    )


def bulk(case: Case, poll_id: str) -> float:
    """Return the votes a case is about in a poll: suspect ones, or those of its surge."""
    surges = [claim.excess for claim in case.claims if claim.finding.poll_id == poll_id]
    suspect = case.estimates[poll_id].votes if poll_id in case.estimates else 0
    return max(float(suspect), *surges, 0.0)
