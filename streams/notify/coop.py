"""A moderation item as a report to ROOST's Coop: `POST /api/v1/report`, one report a part.

The reported item is the part of the case, under the id it keeps (`<case_id>:<part>`), so that a revision adds to the same job. Coop
takes no report back: what was cleared, and parts that a revision no longer has, are reported again with a `status` that says so.
"""

from __future__ import annotations

from config.target import Target
from streams.notify.message import Account, Item, Message
from streams.notify.quiet import quiet
from streams.notify.request import Request, as_json, as_time

_MOST_SENTENCE, _MOST_SENTENCES = 600, 20


class Coop:
    """Shapes items with the ids that were given out in Coop."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def requests(self, message: Message, now_ms: int) -> list[Request]:
        """Return a report of this part, and one for each part that is void now."""
        assert isinstance(message.said, Item)
        item = message.said
        whole = self._report(item, item.part, _status(item), item.accounts, item.cleared)
        void = [Request(f"{message.key}:void-{part}", self._report(item, part, "void", [], [])) for part in message.void]
        return [Request(message.key, whole), *void]

    def delivered(self, message: Message) -> None:
        """Nothing is to be remembered."""

    def again(self, now_ms: int) -> Request | None:
        """Nothing is said twice."""

    def _report(self, item: Item, part: int, status: str, accounts: list[Account], cleared: list[str]) -> bytes:
        target, told_at = self._target, as_time(item.created_ms)
        reason: dict[str, str] = {"reason": _reason(item, status, len(accounts), len(cleared))}
        if target.policy:
            reason["policyId"] = target.policy
        data = {
            "case_id": item.case_id,
            "revision": item.revision,
            "part": part,
            "parts": item.parts,
            "status": status,
            "polls": item.poll_ids,
            "accounts": [self._account(one.account_id) for one in accounts],
            "details": [f"{one.score:.2f} {', '.join(one.reasons)}" for one in accounts],
            "cleared": [self._account(one) for one in cleared],
            "evidence": [quiet(f"{one.direction}: {one.sentence}", _MOST_SENTENCE) for one in item.evidence[:_MOST_SENTENCES]],
            "recommended": f"{item.recommended.action} ({item.recommended.mode})",
            "expires": as_time(item.recommended.expires_ms),
            "merged_into": item.merged_into or "",
        }
        return as_json({
            "reporter": {"kind": "user", "typeId": target.reporter_type, "id": target.reporter_id},
            "reportedAt": told_at,
            "reportedForReason": reason,
            "reportedItem": {"id": f"{item.case_id}:{part}", "typeId": target.item_type, "data": data},
        })

    def _account(self, account_id: str) -> dict[str, str]:
        return {"id": account_id, "typeId": self._target.account_type}


def _status(item: Item) -> str:
    if item.merged_into:
        return "merged"
    return "named" if item.accounts else "cleared"


def _reason(item: Item, status: str, named: int, cleared: int) -> str:
    where = f"case {item.case_id}, part {item.part} of {item.parts}, revision {item.revision}"
    match status:
        case "merged":
            return f"Nothing to do here any more: {where} is now part of case {quiet(item.merged_into or '', 60)}."
        case "void":
            return f"Nothing to do here any more: case {item.case_id} has {item.parts} parts since revision {item.revision}."
        case "cleared":
            return f"Nobody is named here any more, {cleared} accounts were cleared: {where}."
    victims = sum("taken_over" in account.reasons for account in item.accounts)
    taken = f" {victims} of them look taken over: they are victims." if victims else ""
    also = f" {cleared} accounts were cleared." if cleared else ""
    return f"{named} accounts voted together; look whether they are people: {where}.{taken}{also}"
