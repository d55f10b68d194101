"""When two cases are one. A campaign is its accounts: sharing a poll is not enough (docs/decisions/0013-verdict.md)."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from detectors.case import Case
from detectors.claim import Claim, same_accounts

_HALF = 2
_AT_ONCE_MS = 300_000


def accounts_of(claims: Sequence[Claim]) -> AbstractSet[str]:
    """Return everybody whom standing claims name."""
    named = [claim.named.keys() for claim in claims if claim.standing and claim.named]
    return named[0] if len(named) == 1 else {account_id for one in named for account_id in one}


def explains(votes: float, surge: float) -> bool:
    """Tell whether so many suspect votes are at least half of a surge."""
    return votes > 0 and _HALF * votes >= surge


def made(campaign: Case, poll_id: str, surge: float, at_ms: int) -> bool:
    """Tell whether a campaign made a surge of a poll: it acted there about that time, with enough votes."""
    acted_ms = campaign.acted_ms.get(poll_id)
    if acted_ms is None or abs(acted_ms - at_ms) > _AT_ONCE_MS or poll_id not in campaign.estimates:
        return False
    return explains(campaign.estimates[poll_id].votes, surge)


def one_campaign(one: Case, other: Case) -> bool:
    """Tell whether two cases are one: they share accounts, or, both open, one made the surge that the other is about."""
    ours, theirs = accounts_of(one.claims), accounts_of(other.claims)
    if ours and theirs:
        return same_accounts(ours, theirs)
    if not (one.is_open and other.is_open):
        return False
    return _explained(one, by=other) if theirs else _explained(other, by=one) if ours else False


def _explained(surge: Case, by: Case) -> bool:
    """Tell whether a case without names is the surge that a case with names made."""
    return any(made(by, poll_id, bulk(surge, poll_id), surge.hot_ms) for poll_id in surge.homes)


def bulk(case: Case, poll_id: str) -> float:
    """Return the votes a case is about in a poll: suspect ones, or those of its surge."""
    surges = [claim.excess for claim in case.claims if claim.finding.poll_id == poll_id]
    suspect = case.estimates[poll_id].votes if poll_id in case.estimates else 0
    return max(float(suspect), *surges, 0.0)
