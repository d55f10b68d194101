"""Decisions come in: badly formed ones go to the dead letter, the others to the cases, by way of the findings.

What they mean is not looked at here. No offset is committed before the brokers hold what was sent for it; a decision that is sent
twice after a crash is taken once.
"""

from __future__ import annotations

from config.schema import Settings, TopicRole
from streams.dead_letters import DeadLetters, Place
from streams.decision_order import DecisionOrder, encode_decision, read_decision
from streams.decode_record import Refused
from streams.metric_labels import REFUSED, EventType, Sink
from streams.metrics import Metrics
from streams.outbox import Outbox
from streams.transport import Batch

_KEY = b"decision"


class DecisionIntake:
    """The intake of decisions of one worker."""

    def __init__(self, settings: Settings, outbox: Outbox, metrics: Metrics) -> None:
        self._findings = settings.topics.name(TopicRole.FINDINGS)
        self._max_record_bytes = settings.intake.max_record_bytes
        self._dead_letters = DeadLetters(settings.topics, outbox, metrics)
        self._outbox = outbox
        self._metrics = metrics

    async def handle(self, batch: Batch) -> None:
        """Work through one run of records."""
        records = batch.records
        self._metrics.events_received.labels(EventType.DECISION).inc(len(records))
        for index, value in enumerate(records.values):
            place = Place(batch.tp.topic, batch.tp.partition, records.offsets[index])
            read = read_decision(value, index, self._max_record_bytes)
            if isinstance(read, Refused):
                await self._refuse(batch, place, read)
            else:
                self._metrics.last_event.labels(EventType.DECISION).set(read.ts / 1000)
                order = DecisionOrder(*place, records.timestamps_ms[index], records.keys[index], value or b"")
                await self._outbox.send(Sink.FINDINGS, self._findings, 0, _KEY, encode_decision(order))

    async def _refuse(self, batch: Batch, place: Place, bad: Refused) -> None:
        record = batch.records[bad.index]
        await self._dead_letters.send(place, record.key, record.value, record.headers, bad.reason, bad.message)
        self._metrics.events_refused.labels(bad.reason).inc()
        self._metrics.decisions.labels(REFUSED).inc()
