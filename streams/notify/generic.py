"""Posts what stands in the topic, byte for byte: an alert is a CloudEvent, a moderation item plain JSON."""

from __future__ import annotations

from streams.notify.message import Alert, Message
from streams.notify.request import JSON, Request

CLOUDEVENT = "application/cloudevents+json"


class Generic:
    """Changes nothing."""

    def requests(self, message: Message, now_ms: int) -> list[Request]:
        """Return the record's own bytes."""
        kind = CLOUDEVENT if isinstance(message.said, Alert) else JSON
        return [Request(message.key, message.value, kind)]

    def delivered(self, message: Message) -> None:
        """Nothing is to be remembered."""

    def again(self, now_ms: int) -> Request | None:
        """Nothing is said twice."""
