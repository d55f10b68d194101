"""Alerts and moderation items as they stand in the output topics, with whatever texts a test wants in them."""

from __future__ import annotations

import json
from typing import Any

from config import TopicRole
from streams.notify.message import Message, read_message

CASE = "00f1a2b3c4d5e6f7"
OTHER = "1111111111111111"
ALERTS, MODERATION = ("pollwatch.alerts", 0), ("pollwatch.moderation", 0)
AT_MS = 1_700_000_000_000
WEEK_MS = 7 * 86_400_000


def alert(case_id: str = CASE, revision: int = 1, news: str = "opened", **data: Any) -> dict[str, Any]:
    """Return an alert that its schema accepts, as long as `data` does not spoil it."""
    poll_ids = data.pop("poll_ids", ["plan"])
    mode = data.pop("mode", "needs_human")
    suspect = {"votes": 12, "accounts": 12, "share": 0.1, "share_low": 0.05, "share_high": 0.2}
    outcome = {"leader": "yes", "adjusted_leader": "no", "flips": "yes"}
    evidence = [
        {"detector": "crowd", "direction": "coordinated", "sentence": "Born together.", "observed": 3.0, "expected": 1.0, "p_value": 0.01},
        {"detector": "rate", "direction": "organic", "sentence": "It fades.", "observed": None, "expected": None, "p_value": None},
    ]
    return {
        "specversion": "1.0",
        "id": f"{case_id}:{revision}",
        "source": "/pollwatch",
        "type": f"pollwatch.alert.{news}.v1",
        "subject": poll_ids[0],
        "time": "2023-11-14T22:13:20.000Z",
        "datacontenttype": "application/json",
        "data": {
            "case_id": case_id,
            "revision": revision,
            "poll_ids": poll_ids,
            "kinds": ["account_cluster", "vote_spike"],
            "verdict": "coordinated",
            "confidence": 0.97,
            "score": 12.5,
            "severity": "critical",
            "opened_ms": AT_MS,
            "updated_ms": AT_MS + revision,
            "window": {"start_ms": AT_MS - 1, "end_ms": AT_MS},
            "polls": [{"poll_id": poll_id, "suspect": suspect, "outcome": outcome} for poll_id in poll_ids],
            "evidence": evidence,
            "members_ref": None,
            "merged_into": None,
            "made_by": {"version": "0.1.0", "config_digest": "0123456789ab", "mode": "live"},
            "recommended": {"action": "review", "mode": mode, "reversible": True, "expires_ms": AT_MS + revision + WEEK_MS},
            "summary": "12 votes of accounts born together on poll 'plan'.",
            **data,
        },
    }


def item(case_id: str = CASE, revision: int = 1, part: int = 1, parts: int = 1, **more: Any) -> dict[str, Any]:
    """Return a moderation item that its schema accepts, as long as `more` does not spoil it."""
    return {
        "item_id": f"{case_id}:{part}",
        "case_id": case_id,
        "revision": revision,
        "poll_ids": ["plan"],
        "part": part,
        "parts": parts,
        "accounts": [{"account_id": f"a{part}", "score": 0.9, "reasons": ["born_together"]}],
        "cleared": [],
        "evidence": alert()["data"]["evidence"],
        "recommended": {"action": "review", "mode": "needs_human", "reversible": True, "expires_ms": AT_MS + 1},
        "merged_into": None,
        "created_ms": AT_MS,
        **more,
    }


def as_bytes(said: dict[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode()


def message(said: dict[str, Any], offset: int = 0, at_ms: int = AT_MS) -> Message:
    """Return what is read of it at an offset of its topic."""
    is_alert = "specversion" in said
    role, partition = (TopicRole.ALERTS, ALERTS) if is_alert else (TopicRole.MODERATION, MODERATION)
    return read_message(role, partition, offset, at_ms, as_bytes(said))
