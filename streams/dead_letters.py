"""Refused records on their way to the dead letter: unchanged, with where they stood and why in the headers that Kafka Connect uses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from config.schema import TopicRole, Topics
from streams.metric_labels import Sink
from streams.metrics import Metrics
from streams.outbox import Outbox


class Place(NamedTuple):
    """Where a record stood."""

    topic: str
    partition: int
    offset: int


class DeadLetters:
    """Sends refused records, and counts those that the brokers hold."""

    def __init__(self, topics: Topics, outbox: Outbox, metrics: Metrics) -> None:
        self._topic = topics.name(TopicRole.DEAD_LETTER)
        self._outbox = outbox
        self._metrics = metrics

    async def send(
        self, place: Place, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]], reason: str, message: str
    ) -> None:
        """Queue a record, waiting only for room."""
        # others may send a record with neither key nor value; this client refuses to
        kept = b"" if key is None and value is None else value
        sent = await self._outbox.send(Sink.DEAD_LETTER, self._topic, None, key, kept, [*headers, *_why(place, reason, message)])
        sent.add_done_callback(lambda _: self._metrics.dead_letters.inc())  # type: ignore[attr-defined]


def _why(place: Place, reason: str, message: str) -> list[tuple[str, bytes]]:
    named = {
        "topic": place.topic,
        "partition": str(place.partition),
        "offset": str(place.offset),
        "stage": "VALUE_CONVERTER",
        "exception.class.name": reason,
        "exception.message": message,
    }
    return [(f"__connect.errors.{name}", value.encode()) for name, value in named.items()]
