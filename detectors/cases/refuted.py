"""What a reviewer's false positive does to the claims of a case, what undoes it, and which evidence is the same. Knows no decision.

The same evidence: a later word on a claim that was dismissed, or one of the same detector and kind, in the same case, that names
mostly the same accounts. It opens nothing until it is outdone (`detectors.cases.dismissal`). All else is other evidence.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from detectors.cases.claim import Claim, named_in, same_accounts
from detectors.cases.dismissal import Dismissal, dismissal_of, is_outdone
from detectors.findings import Finding


def dismiss(claims: Iterable[Claim], until_ms: int) -> None:
    """Let no claim stand; what is as strong and comes before `until_ms` (event time) does not stand either."""
    for claim in claims:
        claim.dismissal = dismissal_of(claim.finding, claim.held, claim.found, until_ms)
        claim.standing = False


def restore(claims: Iterable[Claim]) -> None:
    """Let claims stand again as far as their detectors go, and name again whom a reviewer cleared."""
    for claim in claims:
        claim.standing, claim.dismissal = claim.found, None
        _name_again(claim, list(claim.pardoned))


def pardon(claims: Iterable[Claim], account_ids: Collection[str], until_ms: int) -> None:
    """Clear accounts; a claim of which all are cleared is dismissed."""
    for claim in claims:
        for account_id in [one for one in account_ids if one in claim.named]:
            claim.pardoned[account_id] = claim.named.pop(account_id)
        if claim.pardoned and not claim.named:
            dismiss([claim], until_ms)


def accuse_again(claims: Iterable[Claim], account_ids: Collection[str]) -> None:
    """Name accounts again that a reviewer cleared. A claim that was dismissed stands again for these alone; its others stay cleared."""
    for claim in claims:
        again = [one for one in account_ids if one in claim.pardoned or (one in claim.named and claim.dismissal is not None)]
        if again and claim.dismissal is not None:
            claim.pardoned.update(claim.named)
            claim.named.clear()
            claim.standing, claim.dismissal = claim.found, None
        _name_again(claim, again)


def known(claims: Iterable[Claim], account_ids: Iterable[str]) -> list[str]:
    """Return those accounts that a claim names, or would had nobody cleared them."""
    claims = list(claims)
    return [one for one in dict.fromkeys(account_ids) if any(one in claim.named or one in claim.pardoned for claim in claims)]


def heir_of(claims: Sequence[Claim], finding: Finding) -> Dismissal | None:
    """Return the dismissal that a new claim takes over: its detector saw mostly these accounts before, under another name."""
    dismissed = [(one, one.dismissal) for one in claims if one.dismissal is not None]
    accounts = named_in(finding) if dismissed else set()
    for one, dismissal in dismissed:
        if _is_alike(one, finding, accounts):
            return msgspec.structs.replace(dismissal, held=False)
    return None


def is_dismissed(claims: Sequence[Claim], finding: Finding) -> bool:
    """Tell whether a finding says no more than what a reviewer called a false positive."""
    if all(one.dismissal is None for one in claims):
        return False
    claim = next((one for one in claims if one.is_about(finding)), None)
    if claim is not None:
        return not claim.outdoes(finding)
    heir = heir_of(claims, finding)
    return heir is not None and not is_outdone(heir, finding, len(named_in(finding)))


def _name_again(claim: Claim, account_ids: Iterable[str]) -> None:
    claim.named.update({account_id: claim.pardoned.pop(account_id) for account_id in account_ids})


def _is_alike(claim: Claim, finding: Finding, accounts: set[str]) -> bool:
    same_sort = (claim.finding.detector, claim.finding.kind) == (finding.detector, finding.kind)
    return same_sort and same_accounts(claim.named.keys() | claim.pardoned.keys(), accounts)
