"""What is posted: bytes, their type, and the key that stays the same however often they are sent. And who makes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from streams.notify.message import Message

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """One body. `key` is the message's, with a mark where one message takes several requests."""

    key: str
    body: bytes
    content_type: str = JSON


class Shaper(Protocol):
    """Puts messages as one kind of receiver wants them. Times are milliseconds since the epoch."""

    def requests(self, message: Message, now_ms: int) -> list[Request]:
        """Return what is posted for a message, in order; the same for the same message and time."""

    def delivered(self, message: Message) -> None:
        """Hear that all of a message was taken."""

    def again(self, now_ms: int) -> Request | None:
        """Return what has to be said again although nothing is new, None when nothing has."""


def as_json(value: object) -> bytes:
    """Return a value as compact JSON in UTF-8."""
    # a lone surrogate can't leave a reader of JSON in UTF-8, and none comes in
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def as_time(at_ms: int) -> str:
    """Return a time as RFC 3339 in UTC, cut to the years that it can write.

    >>> as_time(1_700_000_000_123), as_time(10**17)
    ('2023-11-14T22:13:20.123Z', '9999-12-31T23:59:59.999Z')
    """
    kept_ms = min(max(at_ms, 0), 253_402_300_799_999)
    whole = datetime.fromtimestamp(kept_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{kept_ms % 1000:03}Z"
