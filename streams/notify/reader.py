"""Reads the partitions of one target from where it goes on, without a group, as far ahead as its backlog has room."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from config import TopicRole
from streams.notify.backlog import Backlog
from streams.notify.case_memory import CaseMemory
from streams.notify.message import Message, read_message
from streams.notify.webhook_metrics import WebhookMetrics

logger = logging.getLogger(__name__)

_POLL_MS = 500
_ROOM_S = 0.2
_MOST_RECORDS = 200
_FETCH_BYTES = 1_048_576


class Reader:
    """Fills the backlog of the target `name` with what its memory of cases says it wants."""

    def __init__(
        self, name: str, roles: Mapping[str, TopicRole], memory: CaseMemory, backlog: Backlog, metrics: WebhookMetrics
    ) -> None:
        self._name = name
        self._roles = roles
        self._memory = memory
        self._backlog = backlog
        self._metrics = metrics

    def remember(self, record: Any) -> Message | None:
        """Take a record that lies before where the target goes on; return what it was sent then."""
        message = self._message(record)
        return None if message is None else self._memory.wants(message)

    async def run(self, connection: Mapping[str, Any], wake: Callable[[], None]) -> None:
        """Read until cancelled; `wake` is called when there may be something to post."""
        # what was deleted before it was read is gone: reading goes on with the oldest there is, and says so
        consumer = AIOKafkaConsumer(
            **connection, enable_auto_commit=False, auto_offset_reset="earliest", max_partition_fetch_bytes=_FETCH_BYTES
        )
        await consumer.start()
        try:
            tps = [TopicPartition(*partition) for partition in self._backlog.positions()]
            consumer.assign(tps)
            for tp in tps:
                consumer.seek(tp, self._backlog.front(tp))
            while True:
                await self._read(consumer, tps)
                wake()
        finally:
            await consumer.stop()

    async def _read(self, consumer: Any, tps: list[TopicPartition]) -> None:
        roomy = [tp for tp in tps if self._backlog.has_room(tp)]
        if not roomy:
            await asyncio.sleep(_ROOM_S)
            return
        found = await consumer.getmany(*roomy, timeout_ms=_POLL_MS, max_records=_MOST_RECORDS)
        for tp, records in found.items():
            for record in records:
                self._take(tp, record)

    def _take(self, tp: TopicPartition, record: Any) -> None:
        lost = record.offset - self._backlog.front(tp)
        if lost > 0:
            self._metrics.lost.labels(self._name).inc(lost)
            logger.error("target %s: %d records of %s/%d were deleted before it took them", self._name, lost, tp.topic, tp.partition)
        message = self._message(record)
        if message is None:
            self._metrics.unreadable.labels(self._name).inc()
            logger.warning("target %s: %s/%d@%d is no message of a known form", self._name, tp.topic, tp.partition, record.offset)
        self._backlog.read(tp, record.offset, None if message is None else self._memory.wants(message))

    def _message(self, record: Any) -> Message | None:
        try:
            return read_message(self._roles[record.topic], (record.topic, record.partition), record.offset, record.timestamp, record.value)
        except msgspec.DecodeError:
            return None
