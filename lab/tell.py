"""What was done in a world, as events in arrival order and as labels. Knows no world in particular."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from detectors.columns import Int64s
from lab.people import Names, People

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Acts:
    """What people did in one poll, one row for each act: when, what they said, and the post they came from ("": none).

    `said` is the option of a vote and the text of a reply; `kind` names the attack that the acts are part of ("": none).
    """

    poll_id: str
    who: People
    ts_ms: Int64s
    said: Names
    via: Names
    type: Literal["vote", "reply"] = "vote"
    kind: str = ""

    def __len__(self) -> int:
        return len(self.ts_ms)


@dataclass(frozen=True, slots=True)
class Told:
    """Events in the order in which they arrive, and for each the attack it is part of ("": none)."""

    events: list[Event]
    kinds: list[str]


def tell(rng: np.random.Generator, acts: Sequence[Acts], end_ms: int) -> Told:
    """Return all acts before `end_ms` as events, each arriving about 0.1 s late, and one in a hundred up to 2 s."""
    ts_ms = np.concatenate([part.ts_ms for part in acts])
    late_ms = rng.exponential(100, len(ts_ms)) + (rng.random(len(ts_ms)) < 0.01) * rng.uniform(
        0, 2_000, len(ts_ms)
    )
    order = np.argsort(ts_ms + late_ms, kind="stable")
    order = order[ts_ms[order] < end_ms]
    ids = rng.integers(0, 2**40, dtype=np.uint64) ^ np.arange(len(order), dtype=np.uint64)
    columns = [column[order].tolist() for column in _columns(acts, ts_ms)]
    kinds = columns.pop()
    return Told(
        [_event(f"e{number:010x}", *row) for number, *row in zip(ids.tolist(), *columns, strict=True)], kinds
    )


def labels(told: Told, surges: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Return the truth: attacks with their accounts and votes, the options of all polls, and surges that are no attack."""
    attacks: dict[str, list[Event]] = {}
    for event, kind in zip(told.events, told.kinds, strict=True):
        if kind:
            attacks.setdefault(kind, []).append(event)
    votes = [(kind, event) for kind, part in attacks.items() for event in part if event["type"] == "vote"]
    return {
        "attacks": [_attack(kind, part) for kind, part in attacks.items()],
        "accounts": {str(event["account_id"]): kind for kind, part in attacks.items() for event in part},
        "attack_votes": {str(event["event_id"]): kind for kind, event in votes},
        "bot_votes": dict(Counter(str(event["poll_id"]) for _, event in votes)),
        "hard_negatives": [dict(surge) for surge in surges],
        "polls": _options(told),
        "events": len(told.events),
    }


def _options(told: Told) -> dict[str, dict[str, list[str]]]:
    chosen: dict[str, set[str]] = {}
    for event in told.events:
        if event["type"] == "vote":
            chosen.setdefault(event["poll_id"], set()).add(event["option"])
    return {poll_id: {"options": sorted(options)} for poll_id, options in sorted(chosen.items())}


def _columns(acts: Sequence[Acts], ts_ms: Int64s) -> list[Names | Int64s]:
    sizes = [len(part) for part in acts]
    people = [part.who for part in acts]
    return [
        np.repeat(np.array([part.type for part in acts], dtype=object), sizes),
        np.repeat(np.array([part.poll_id for part in acts], dtype=object), sizes),
        np.concatenate([part.said for part in acts]),
        ts_ms,
        np.concatenate([part.via for part in acts]),
        np.concatenate([who.account_id for who in people]),
        np.concatenate([who.created_ms for who in people]),
        np.concatenate([who.followers for who in people]),
        np.concatenate([who.client for who in people]),
        np.concatenate([who.network for who in people]),
        np.concatenate([who.country for who in people]),
        np.repeat(np.array([part.kind for part in acts], dtype=object), sizes),
    ]


def _event(
    event_id: str,
    what: str,
    poll_id: str,
    said: str,
    ts_ms: int,
    via: str,
    account_id: str,
    created_ms: int,
    followers: int,
    client: str,
    network: str,
    country: str,
) -> Event:
    event: Event = {
        "type": what,
        "event_id": event_id,
        "poll_id": poll_id,
        "account_id": account_id,
        "option" if what == "vote" else "text": said,
        "ts": ts_ms,
        "account_created_at": created_ms,
        "followers": followers,
        "client": client,
        "network": network,
        "country": country,
    }
    if via:
        event["referrer"] = via
    return event


def _attack(kind: str, part: Sequence[Event]) -> dict[str, object]:
    times_ms = [event["ts"] for event in part]
    start_ms, end_ms = min(times_ms), max(times_ms) + 1
    return {
        "kind": kind,
        "level": "account",
        "poll_ids": sorted({str(event["poll_id"]) for event in part}),
        "accounts": len({event["account_id"] for event in part}),
        "votes": sum(event["type"] == "vote" for event in part),
        "start": start_ms,
        "end": end_ms,
        "start_ms": start_ms,
        "end_ms": end_ms,
    }
