"""What a moderator is handed: the accounts of a case in parts, with score and reasons. The JSON Schema is made from these.

A revision is complete in itself: every part of it is sent again, so that a reader needs nothing of the one before.
Accounts stand in the order in which they were first named, those that act before those that were taken over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from detectors.alert import Recommended
from detectors.cases.claim import Claim
from detectors.findings import Evidence, Reason

_Value = TypeVar("_Value")
_NO_REASON: Reason = "in_the_burst"

PART = 500
"""Most accounts of a message, and most cleared ones."""


# there are many and they are in no cycle: the collector need not look at them
class NamedAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """An account that is named: how sure (0.5 to 1) and why."""

    account_id: Annotated[str, Meta(min_length=1)]
    """The account, or its pseudonym with `privacy.moderation_ids`."""
    score: Annotated[float, Meta(ge=0.5, le=1)]
    """How sure it is that it belongs."""
    reasons: Annotated[list[Reason], Meta(min_length=1)]
    """Why; `taken_over` marks a victim, who is never recommended for action."""


class ModerationItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One part of one revision of the accounts a case names; `item_id` is `<case_id>:<part>`.

    `cleared` are accounts that an earlier revision named and this one does not; they are told in every later revision.
    """

    item_id: Annotated[str, Meta(pattern="^[0-9a-f]{16}:[1-9][0-9]*$")]
    """`<case_id>:<part>`; a later revision of it replaces this one whole."""
    case_id: Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
    """The case."""
    revision: Annotated[int, Meta(ge=1)]
    """Of the item; parts beyond `parts` of the last revision are void."""
    poll_ids: Annotated[list[str], Meta(min_length=1)]
    """The polls the case is about."""
    part: Annotated[int, Meta(ge=1)]
    """Which part this is, from 1 on."""
    parts: Annotated[int, Meta(ge=1)]
    """How many there are."""
    accounts: Annotated[list[NamedAccount], Meta(max_length=PART)]
    """Accounts named in this part; those that look taken over stand in parts of their own."""
    cleared: Annotated[list[str], Meta(max_length=PART)]
    """Accounts that an earlier revision named and this one does not."""
    evidence: list[Evidence]
    """Reasons for both sides, as in the alert."""
    recommended: Recommended
    """What a person may want to do with these accounts."""
    merged_into: str | None
    """The case that this one became part of: then nobody is named here any more."""
    created_ms: int
    """When this revision was said (event time)."""


def named_by(claims: Iterable[Claim]) -> dict[str, NamedAccount]:
    """Return everybody whom a standing claim names: the highest score, the reasons of all."""
    told: dict[str, tuple[float, list[Reason]]] = {}
    for claim in claims:
        for account_id, member in claim.named.items() if claim.standing else ():
            score, reasons = member.score, member.reasons
            if account_id in told:
                other, others = told[account_id]
                score, reasons = max(score, other), others if others == reasons else others + reasons
            told[account_id] = (score, reasons)
    sorts: dict[tuple[Reason, ...], list[Reason]] = {}
    named: dict[str, NamedAccount] = {}
    for account_id, (score, reasons) in told.items():
        sort = tuple(reasons) or (_NO_REASON,)
        if sort not in sorts:
            sorts[sort] = sorted(set(sort))
        named[account_id] = NamedAccount(account_id, score, sorts[sort])
    return named


def parts_of(
    heading: Mapping[str, object], named: Mapping[str, NamedAccount], listed: Iterable[str], recommended: Recommended
) -> list[ModerationItem]:
    """Return the parts of a revision; `listed` are all accounts ever named, in order, `heading` is the same for all.

    Parts of accounts that were taken over recommend nothing.
    """
    present = [named[account_id] for account_id in listed if account_id in named]
    actors = _chunks([one for one in present if "taken_over" not in one.reasons])
    victims = _chunks([one for one in present if "taken_over" in one.reasons])
    cleared = _chunks([account_id for account_id in listed if account_id not in named])
    parts = max(1, len(actors) + len(victims), len(cleared))
    accounts = [*actors, *victims, *[[]] * parts][:parts]
    nothing = msgspec.structs.replace(recommended, action="none")
    return [
        ModerationItem(
            item_id=f"{heading['case_id']}:{number + 1}",
            part=number + 1,
            parts=parts,
            accounts=accounts[number],
            cleared=cleared[number] if number < len(cleared) else [],
            recommended=recommended if number < len(actors) else nothing,
            **heading,  # type: ignore[arg-type]
        )
        for number in range(parts)
    ]


def _chunks(values: list[_Value]) -> list[list[_Value]]:
    return [values[start : start + PART] for start in range(0, len(values), PART)]
