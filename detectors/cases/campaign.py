"""When two cases are one. A campaign is its accounts: sharing a poll is not enough (docs/decisions/0013-verdict.md)."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from detectors.cases.case import Case
from detectors.cases.claim import Claim, named_in, polls_of, same_accounts
from detectors.findings import Finding


def accounts_of(claims: Sequence[Claim]) -> AbstractSet[str]:
    """Return everybody whom standing claims name."""
    named = [claim.named.keys() for claim in claims if claim.standing and claim.named]
    return named[0] if len(named) == 1 else {account_id for one in named for account_id in one}


def one_campaign(one: Case, other: Case) -> bool:
    """Tell whether two cases are one: they share accounts, or one, still open, accuses a poll where the other names nobody."""
    ours, theirs = accounts_of(one.claims), accounts_of(other.claims)
    if ours and theirs:
        return same_accounts(ours, theirs)
    surge, campaign = (other, one) if ours else (one, other)
    return campaign.is_open and not accused(campaign.claims).isdisjoint(surge.poll_ids())


def survivor_first(one: Case, other: Case) -> list[Case]:
    """Return two cases that are one, first the one that survives: a closed surge ends in a campaign, else the smaller."""
    closed_surge = [not case.is_open and not accounts_of(case.claims) for case in (one, other)]
    return sorted((one, other), key=lambda case: (closed_surge[case is other], case.sort_key))


def accused(claims: Sequence[Claim]) -> set[str]:
    """Return the polls in which standing claims make votes suspect."""
    return {of.poll_id for claim in claims if claim.standing for of in claim.finding.suspects}


def acts(case: Case, finding: Finding) -> bool:
    """Tell whether something happened since the last word on this: saying it again keeps no case open."""
    claim = next((one for one in case.claims if one.is_about(finding)), None)
    return claim is None or finding.detector == "rate" or finding.end_ms > claim.finding.end_ms


def are_others(finding: Finding, home: Case) -> bool:
    """Tell whether a finding names accounts in a poll whose case is a campaign of other accounts."""
    accounts, theirs = named_in(finding), accounts_of(home.claims)
    across = any(claim.standing and len(claim.finding.suspects) > 1 for claim in home.claims)
    return bool(accounts) and across and not same_accounts(accounts, theirs)


def belongs(finding: Finding, case: Case) -> bool:
    """Tell whether a case without an earlier word on this is the one it is about."""
    accounts = named_in(finding)
    theirs = accounts_of(case.claims)
    if theirs and accounts:
        return same_accounts(accounts, theirs)
    if not case.is_open or bool(theirs) == bool(accounts):
        return False
    return not set(polls_of(finding)).isdisjoint(accused(case.claims) if theirs else case.homes)
