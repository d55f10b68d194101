"""Writes decisions to `moderation.verdicts`; one counts as sent when the brokers hold it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from config import Settings, TopicRole
from detectors.cases.decision import Decision
from streams.kafka_client import aiokafka

_WITHIN_S = 10.0


class NotTaken(Exception):
    """The brokers did not take a decision: one line for whoever decided."""


class VerdictsTopic:
    """A producer that connects with the first decision, and anew after one was not taken."""

    def __init__(self, settings: Settings) -> None:
        self._connection = aiokafka(settings.kafka)
        self._topic = settings.topics.name(TopicRole.VERDICTS)
        self._producer: AIOKafkaProducer | None = None
        self._one_at_a_time = asyncio.Lock()

    async def send(self, decisions: Sequence[Decision]) -> None:
        """Return when the brokers hold all of them. Raises NotTaken; then some may have been taken."""
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(_WITHIN_S):
                    await self._send(decisions)
            except (TimeoutError, KafkaError, OSError) as error:
                await self.close()
                reason = "no answer" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
                raise NotTaken(f"Kafka did not take it ({reason}): try again") from error

    async def _send(self, decisions: Sequence[Decision]) -> None:
        if self._producer is None:
            self._producer = AIOKafkaProducer(**self._connection, acks="all", enable_idempotence=True)
            await self._producer.start()
        waiting = [
            await self._producer.send(self._topic, msgspec.json.encode(one), key=one.case_id.encode()) for one in decisions
        ]
        await asyncio.gather(*waiting)

    async def close(self) -> None:
        """Let go of the connection."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            async with asyncio.timeout(_WITHIN_S):
                await producer.stop()
        except (TimeoutError, KafkaError, OSError):
            pass  # it is given up; what it still held was told as not taken
