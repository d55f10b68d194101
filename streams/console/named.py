"""Whom a case names, from its moderation items: counted whole, and listed up to a bound. Pure.

A case's accounts are counted by their set of reasons however many there are; at most MOST_LISTED of them (250 bytes each) and as
many cleared ones are kept by name.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field

from detectors.cases.moderation import ModerationItem, NamedAccount
from detectors.findings import Reason

MOST_LISTED = 20_000
MOST_PARTS = 2_000
"""Parts of a revision that are counted: a million accounts, ten times what a worker ever names in one case."""


def mark(account_id: str) -> str:
    """Return what stands for an account in a form: ids may hold what no form gives back unchanged.

    >>> mark("ann")
    '8d3adf6abf23f3a5'
    """
    return hashlib.blake2b(account_id.encode(errors="surrogatepass"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class _Part:
    reasons: Counter[tuple[Reason, ...]]
    accounts: list[NamedAccount]
    cleared: list[str]
    cleared_count: int


@dataclass(slots=True)
class Named:
    """The latest revision of a case's items; `let_go` says that the lists were given back for want of room."""

    revision: int = 0
    parts_told: int = 0
    created_ms: int = 0
    poll_ids: list[str] = field(default_factory=list)
    let_go: bool = False
    _parts: dict[int, _Part] = field(default_factory=dict)
    _listed: int = 0

    def add(self, item: ModerationItem) -> bool:
        """Take an item and tell whether it was news; a later revision makes the earlier one void."""
        if item.revision < self.revision or (item.revision == self.revision and item.part in self._parts):
            return False
        if item.revision > self.revision:
            self._parts, self._listed, self.let_go = {}, 0, False
        if len(self._parts) >= MOST_PARTS:
            return False
        self.revision, self.parts_told, self.created_ms = item.revision, item.parts, item.created_ms
        self.poll_ids = item.poll_ids
        room = 0 if self.let_go else max(0, MOST_LISTED - self._listed)
        reasons = Counter(tuple(sorted(account.reasons)) for account in item.accounts)
        part = _Part(reasons, item.accounts[:room], item.cleared[:room], len(item.cleared))
        self._listed += len(part.accounts) + len(part.cleared)
        self._parts[item.part] = part
        return True

    def let_lists_go(self) -> None:
        """Give the names back, keep the counts; a later revision brings names again."""
        for number, part in self._parts.items():
            self._parts[number] = _Part(part.reasons, [], [], part.cleared_count)
        self._listed, self.let_go = 0, True

    @property
    def held(self) -> int:
        """Return how many names are kept."""
        return self._listed

    @property
    def is_whole(self) -> bool:
        """Tell whether all parts of the revision have come."""
        return len(self._parts) >= self.parts_told

    @property
    def count(self) -> int:
        """Return how many accounts are named."""
        return sum(self.sorts().values())

    @property
    def victims(self) -> int:
        """Return how many of them look taken over."""
        return sum(count for reasons, count in self.sorts().items() if "taken_over" in reasons)

    @property
    def cleared_count(self) -> int:
        """Return how many accounts were named earlier and are not any more."""
        return sum(part.cleared_count for part in self._parts.values())

    def sorts(self) -> Counter[tuple[Reason, ...]]:
        """Return how many accounts have exactly the same reasons."""
        return sum((part.reasons for part in self._parts.values()), Counter())

    def accounts(self) -> list[NamedAccount]:
        """Return the named accounts that are kept, in the order of the parts."""
        return [account for _, part in sorted(self._parts.items()) for account in part.accounts]

    def cleared(self) -> list[str]:
        """Return the cleared accounts that are kept."""
        return [account_id for _, part in sorted(self._parts.items()) for account_id in part.cleared]
