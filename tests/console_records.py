"""Records of the output topics, made by hand, as a worker would write them."""

from __future__ import annotations

import json
from typing import Any

from config import TopicRole
from detectors.cases.sentences import timestamp

START_MS = 1_700_000_000_000
Record = tuple[TopicRole, bytes]


def case_id(number: int) -> str:
    return f"{number:016x}"


def alert(number: int, revision: int = 1, poll: str = "p", verdict: str = "mixed", news: str = "opened", **more: Any) -> Record:
    at_ms = START_MS + 60_000 * number + 1_000 * revision
    poll_ids = more.pop("poll_ids", [poll])
    suspect = {"votes": 120 * revision, "accounts": 120 * revision, "share": 0.3, "share_low": 0.25, "share_high": 0.35}
    outcome = {"leader": "no", "adjusted_leader": "yes", "flips": "yes"}
    evidence = [
        {
            "detector": "composition",
            "direction": "coordinated",
            "sentence": "Born within a day.",
            "observed": 1.0,
            "expected": 0.1,
            "p_value": 1e-9,
        },
        {
            "detector": "rate",
            "direction": "organic",
            "sentence": "A post sent it.",
            "observed": None,
            "expected": None,
            "p_value": None,
        },
    ]
    data = {
        "case_id": case_id(number),
        "revision": revision,
        "poll_ids": poll_ids,
        "kinds": ["vote_spike"],
        "verdict": verdict,
        "confidence": 0.9,
        "score": 3.5,
        "severity": "info" if verdict == "organic" else "critical",
        "opened_ms": START_MS + 60_000 * number,
        "updated_ms": at_ms,
        "window": {"start_ms": START_MS + 60_000 * number - 5_000, "end_ms": at_ms},
        "polls": [{"poll_id": one, "suspect": suspect, "outcome": outcome} for one in poll_ids],
        "evidence": evidence,
        "members_ref": f"{case_id(number)}:1",
        "merged_into": None,
        "made_by": {"version": "0.1.0", "config_digest": "0123456789ab", "mode": "live"},
        "recommended": {"action": "review", "mode": "needs_human", "reversible": True, "expires_ms": at_ms + 1},
        "summary": f"Case {number} in revision {revision}.",
    }
    envelope = {
        "specversion": "1.0",
        "id": f"{case_id(number)}:{revision}",
        "source": "/test",
        "type": f"pollwatch.alert.{news}.v1",
        "subject": poll_ids[0],
        "time": timestamp(at_ms),
        "datacontenttype": "application/json",
    }
    return TopicRole.ALERTS, json.dumps(envelope | {"data": data | more}).encode()


def item(number: int, revision: int = 1, part: int = 1, parts: int = 1, **more: Any) -> Record:
    reasons = ["born_together", "few_networks", "one_client"]
    accounts = [{"account_id": f"a{revision}-{part}-{row}", "score": 0.9, "reasons": reasons[: 1 + row % 3]} for row in range(6)]
    value = {
        "item_id": f"{case_id(number)}:{part}",
        "case_id": case_id(number),
        "revision": revision,
        "poll_ids": ["p"],
        "part": part,
        "parts": parts,
        "accounts": accounts,
        "cleared": [],
        "evidence": [],
        "recommended": {"action": "review", "mode": "needs_human", "reversible": True, "expires_ms": START_MS},
        "merged_into": None,
        "created_ms": START_MS + revision,
    }
    return TopicRole.MODERATION, json.dumps(value | more).encode()


def estimate(poll: str, second: int, votes: int, suspect: int = 0, **more: Any) -> Record:
    share = suspect / max(1, votes)
    options = {"yes": votes - votes // 3, "no": votes // 3}
    value = {
        "poll_id": poll,
        "votes": votes,
        "options": options,
        "suspect_votes": suspect,
        "suspect_share_low": share * 0.9,
        "suspect_share_high": min(1.0, share * 1.1),
        "adjusted": {option: {"share": 0.5, "low": 0.4, "high": 0.6} for option in options},
        "outcome": {"leader": "yes", "adjusted_leader": "yes", "flips": "no"},
        "updated_ms": START_MS + 1_000 * second,
        "expected_per_s": 10.0,
        "rate_score": 0.0,
    }
    return TopicRole.INTEGRITY, json.dumps(value | more).encode()


def title(poll: str, words: str) -> Record:
    return TopicRole.POLLS, json.dumps({"poll_id": poll, "title": words, "options": ["yes", "no"]}).encode()


def decision(number: int, kind: str = "confirmed", by: str = "ann", second: int = 0, **more: Any) -> Record:
    value = {"case_id": case_id(number), "decision": kind, "by": by, "ts": START_MS + 1_000 * second}
    return TopicRole.VERDICTS, json.dumps(value | more).encode()


def surge(poll: str, number: int, seconds: int = 120) -> list[Record]:
    """Return a poll at ten votes a second in which, after a minute, a script sends a hundred a second for half a minute."""
    records, votes, suspect = [], 0, 0
    for second in range(seconds):
        is_script = 60 <= second < 90
        votes, suspect = votes + 10 + 100 * is_script, suspect + 100 * is_script
        records.append(estimate(poll, 60 * number - 60 + second, votes, suspect))
    return records
