"""The closed label values of metrics that no other file defines. Plain names; no id is ever among them."""

from __future__ import annotations

from enum import StrEnum


class EventType(StrEnum):
    """What a record of an input topic says."""

    VOTE = "vote"
    REPLY = "reply"
    POLL = "poll"
    DECISION = "decision"
    CANARY = "canary"


REFUSED = "refused"
"""The label of decisions that were not taken, beside those of `detectors.alert.DecisionKind`."""


class Stage(StrEnum):
    """A step of the flow that has state and a clock of its own."""

    INTAKE = "intake"
    POLLS = "polls"
    CASES = "cases"


class BlockOutcome(StrEnum):
    """What became of a block of the exchange: sent by intake, applied by a shard, or seen before and dropped."""

    SENT = "sent"
    APPLIED = "applied"
    REPEATED = "repeated"


class Sink(StrEnum):
    """Where records go."""

    ALERTS = "alerts"
    MODERATION = "moderation"
    INTEGRITY = "integrity"
    DEAD_LETTER = "dead_letter"
    EXCHANGE = "exchange"
    FINDINGS = "findings"
    STATE = "state"
    CANARY = "canary"


class Bound(StrEnum):
    """Which number of an estimate with a 95 % interval."""

    LOW = "low"
    POINT = "point"
    HIGH = "high"


class Flood(StrEnum):
    """What became of a flood of the canary's poll: sent, and then found or not."""

    SENT = "sent"
    FOUND = "found"
    MISSED = "missed"


class Store(StrEnum):
    """A bounded part of the state."""

    POLLS = "polls"
    RECENT_IDS = "recent_ids"
    WAITING_ROWS = "waiting_rows"
    CASES = "cases"
