"""Whom the cases name, kept from their moderation items: enough to count them and to find them again. Pure."""

from __future__ import annotations

from collections import Counter

from detectors.cases.moderation import ModerationItem
from streams.report.sample import Named


class Accounts:
    """The latest revision of every case's items: about 250 bytes an account that is named."""

    def __init__(self) -> None:
        self._items: dict[str, dict[int, ModerationItem]] = {}

    def add(self, item: ModerationItem) -> None:
        """Take an item; one of a later revision makes those of the earlier ones void."""
        parts = self._items.setdefault(item.case_id, {})
        for part in [part for part, older in parts.items() if older.revision < item.revision]:
            del parts[part]
        if all(one.revision == item.revision for one in parts.values()):
            parts[item.part] = item

    def ids(self, case_id: str) -> set[str]:
        """Return the accounts that a case names."""
        return {one.account_id for item in self._items.get(case_id, {}).values() for one in item.accounts}

    def named(self) -> dict[str, Named]:
        """Return for each case with items how many accounts it names, and why."""
        return {case_id: _counted(list(parts.values())) for case_id, parts in self._items.items()}


def _counted(items: list[ModerationItem]) -> Named:
    accounts = [one for item in items for one in item.accounts]
    reasons = Counter(str(reason) for one in accounts for reason in one.reasons)
    cleared = sum(len(item.cleared) for item in items)
    return Named(len(accounts), sum("taken_over" in one.reasons for one in accounts), cleared, reasons)
