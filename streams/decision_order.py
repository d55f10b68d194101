"""A decision of a reviewer, as it travels among reports: where it stands in the log of findings, the case book takes it.

The record goes as it came, so that one that the cases refuse leaves for the dead letter unchanged.
"""

from __future__ import annotations

import msgspec

from detectors.cases.decision import Decision
from streams.decode_record import Refused, decode_one

_MARK = b"\xe1"
"""The first byte, where reports have their version: workers that know no decisions stop there and say so."""


class DecisionOrder(msgspec.Struct, frozen=True, array_like=True):
    """A record of the topic of decisions, where it stood, and when the broker took it."""

    topic: str
    partition: int
    offset: int
    arrived_ms: int
    key: bytes | None
    value: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(DecisionOrder)
_decision = msgspec.json.Decoder(Decision)


def encode_decision(order: DecisionOrder) -> bytes:
    """Return a decision as a message of the findings."""
    return _MARK + _encoder.encode(order)


def decision_in(message: bytes | None) -> DecisionOrder | None:
    """Return the decision that a message of the findings is, None if it is none.

    >>> decision_in(encode_decision(DecisionOrder("moderation.verdicts", 0, 7, 5, None, b"{}")))
    DecisionOrder(topic='moderation.verdicts', partition=0, offset=7, arrived_ms=5, key=None, value=b'{}')
    >>> decision_in(b"\\x02..."), decision_in(None)
    (None, None)
    """
    if not message or message[:1] != _MARK:
        return None
    return _decoder.decode(memoryview(message)[1:])


def read_decision(value: bytes | None, index: int, max_record_bytes: int) -> Decision | Refused:
    """Return the decision in a record, or why it is none; `index` is its place in its batch."""
    return decode_one(_decision, value, index, max_record_bytes)
