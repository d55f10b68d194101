"""The truth about a recording: which events, accounts and polls which attack worked. Knows no scenario."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lab.attacks import Attack
from lab.crowds import Poll
from lab.delivery import Recorded
from lab.tell import Event

Labels = dict[str, Any]


def labels(
    recorded: Recorded,
    attack_of: Sequence[int],
    attacks: Sequence[Attack],
    polls: Sequence[Poll],
    crowds: Sequence[Mapping[str, object]],
) -> Labels:
    """Return attacks, their accounts and votes, the votes of all attacks for each poll, and the crowds that are no attack.

    `attack_of` gives for each part of the recording its attack, or -1. An event that was delivered twice counts once.
    """
    first = {str(event["event_id"]): row for row, event in enumerate(recorded.events)}
    done: list[list[Event]] = [[] for _ in attacks]
    for row in first.values():
        number = attack_of[recorded.part[row]]
        if number >= 0:
            done[number].append(recorded.events[row])
    votes = [(attack.kind, event) for attack, part in zip(attacks, done, strict=True) for event in _votes(part)]
    return {
        "attacks": [_attack(attack, part) for attack, part in zip(attacks, done, strict=True) if part],
        "accounts": {
            str(event["account_id"]): attack.kind for attack, part in zip(attacks, done, strict=True) for event in part
        },
        "attack_votes": {str(event["event_id"]): kind for kind, event in votes},
        "bot_votes": dict(Counter(str(event["poll_id"]) for _, event in votes)),
        "hard_negatives": [dict(crowd) for crowd in crowds],
        "polls": {poll.poll_id: {"options": [str(option) for option in poll.options]} for poll in polls},
        "events": len(first),
    }


def _votes(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if event["type"] == "vote"]


def _attack(attack: Attack, events: Sequence[Event]) -> dict[str, object]:
    votes = _votes(events)
    start_ms, end_ms = (int(limit(event["ts"] for event in votes)) for limit in (min, max))
    said: dict[str, object] = {
        "kind": attack.kind,
        "poll_ids": list(dict.fromkeys(str(event["poll_id"]) for event in votes)),
        "start": start_ms,
        "end": end_ms,
        "accounts": len({event["account_id"] for event in votes}),
        "votes": len(votes),
        "level": attack.level,
        "start_ms": start_ms,
        "end_ms": end_ms,
        "polls": _spans(votes),
    }
    return said | ({"spacing": attack.spacing} if attack.spacing else {})


def _spans(votes: Sequence[Event]) -> dict[str, dict[str, int]]:
    times_ms: dict[str, list[int]] = {}
    for event in votes:
        times_ms.setdefault(str(event["poll_id"]), []).append(int(event["ts"]))
    return {poll_id: {"start_ms": min(times), "end_ms": max(times)} for poll_id, times in times_ms.items()}
