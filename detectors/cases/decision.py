"""What a reviewer decides on a case, its limits, and what of it is remembered. Knows no case.

The contract of `moderation.verdicts`. Who may write there may say anything: all that is kept has a bound.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from detectors.alert import DecisionKind

MOST_DECISIONS = 32
"""The latest decisions of a case that are remembered, at most 1.3 kB each; how many there were is counted."""

MOST_NOTE_CHARS = 1_000
MOST_ACCOUNT_IDS = 5_000
_MOST_ID_CHARS = 128
ERASED = "erased"
"""Stands for who decided, where that was an account that is erased."""
# integers stay exact in every JSON implementation up to 2**53
_LAST_MS = 2**53

Id = Annotated[str, Meta(min_length=1, max_length=_MOST_ID_CHARS)]


class Decision(msgspec.Struct, frozen=True):
    """One decision as it came; with `account_ids` it is about these accounts alone. `ts` is milliseconds since 1970, UTC."""

    case_id: Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
    """The case it is about."""
    decision: DecisionKind
    """What is decided (docs/how-to/review-cases.md says what each does)."""
    by: Id
    """Who decides; it stands in the alert."""
    ts: Annotated[int, Meta(ge=0, le=_LAST_MS)]
    """When, milliseconds since 1970, UTC; the latest stands."""
    account_ids: Annotated[list[Id], Meta(min_length=1, max_length=MOST_ACCOUNT_IDS)] | None = None
    """It is about these accounts alone; without them, about the whole case."""
    note: Annotated[str, Meta(max_length=MOST_NOTE_CHARS)] | None = None
    """Why; required where many accounts are touched. Alerts carry it."""


class Heard(msgspec.Struct, frozen=True, order=True):
    """What is remembered of a decision; in order, the last one stands. `decided_ms` is its `ts`, never after it came; `is_whole`
    tells whether it is about the whole case, and not some of its accounts."""

    decided_ms: int
    digest: str
    decision: DecisionKind
    by: str
    note: str | None
    is_whole: bool


class NotTaken(StrEnum):
    """Why a well-formed decision is refused: the dead letter's exception class."""

    UNKNOWN_CASE = "unknown_case"  # no case has this id, or it is no longer remembered
    UNKNOWN_ACCOUNTS = "unknown_accounts"  # the case names none of `account_ids`
    NO_NOTE = "no_note"  # it touches more accounts than `bulk_accounts` and gives no reason


@dataclass(frozen=True)
class DecisionParams:
    """What decisions may do.

    quiet_ms: so long (event time) after a false positive the same evidence opens its case only when it is twice as strong.
    bulk_accounts: a decision that touches more accounts than this is refused without a `note`.
    learn_from_ms: decisions made before this (milliseconds since 1970) teach nothing.
    """

    quiet_ms: int = 6 * 3_600_000
    bulk_accounts: int = 100
    learn_from_ms: int = 0

    def __post_init__(self) -> None:
        if self.quiet_ms < 1:
            raise ValueError(f"quiet_ms must be 1 or more, not {self.quiet_ms}")
        for name in ("bulk_accounts", "learn_from_ms"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more, not {getattr(self, name)}")


def heard(decision: Decision, arrived_ms: int) -> Heard:
    """Return what is remembered of a decision that the broker took at `arrived_ms`; the same content gives the same digest."""
    accounts = None if decision.account_ids is None else sorted(set(decision.account_ids))
    content = msgspec.msgpack.encode([decision.case_id, decision.decision, decision.by, decision.ts, accounts, decision.note])
    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    return Heard(min(decision.ts, arrived_ms), digest, decision.decision, decision.by, decision.note, accounts is None)


def without(one: Heard, account_id: str) -> Heard:
    """Return a decision that does not lead to an account: a note that has its id in it goes whole."""
    by = ERASED if one.by == account_id else one.by
    note = None if one.note is not None and account_id in one.note else one.note
    return msgspec.structs.replace(one, by=by, note=note)
