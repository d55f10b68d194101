"""Which accounts the moderation items of a scan name, at the end and ever. Knows nothing of the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streams.evaluate_files import Account, Item

NAMED_FROM = 0.5
TAKEN_OVER = "taken_over"


@dataclass(frozen=True, slots=True)
class Named:
    """Accounts that each case accuses at the end, victims named as such at the end, and everybody who was ever accused."""

    by_case: dict[str, frozenset[str]]
    victims: frozenset[str]
    ever_accused: frozenset[str]

    @property
    def accused(self) -> frozenset[str]:
        """Everybody who stands accused at the end."""
        return frozenset().union(*self.by_case.values())


def named(items: Sequence[Item]) -> Named:
    """Read items in the order in which they were written.

    An item replaces the one of the same case and part; parts beyond its `parts` are void, and accounts it clears leave
    the other parts of its case. An account that any case accuses is accused, also where another calls it a victim.
    """
    parts: dict[str, dict[int, dict[str, Account]]] = {}
    ever: set[str] = set()
    for item in items:
        of_case = parts.setdefault(item.case_id, {})
        for part in [part for part in of_case if part > item.parts]:
            del of_case[part]
        for accounts in of_case.values():
            for account_id in item.cleared:
                accounts.pop(account_id, None)
        of_case[item.part] = {account.account_id: account for account in item.accounts}
        ever.update(account.account_id for account in item.accounts if _is_accused(account))
    standing = {case_id: [one for held in of.values() for one in held.values()] for case_id, of in parts.items()}
    by_case = {
        case_id: frozenset(account.account_id for account in accounts if _is_accused(account))
        for case_id, accounts in standing.items()
    }
    victims = {one.account_id for accounts in standing.values() for one in accounts if TAKEN_OVER in one.reasons}
    return Named(by_case, frozenset(victims.difference(*by_case.values())), frozenset(ever))


def _is_accused(account: Account) -> bool:
    return account.score >= NAMED_FROM and TAKEN_OVER not in account.reasons
