"""Where the assigned partitions end, asked of the brokers by a client of its own: what the transport knows is only as
new as its last fetch, and a fetch that stands still is what is looked for."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from streams.metrics import Metrics

logger = logging.getLogger(__name__)

FRESH_S = 10.0
"""An answer older than this says nothing of now."""
_PATIENCE_S = 5.0


class Ends:
    """The last answer of the brokers. Call `ask` every second or so."""

    def __init__(self, connection: dict[str, Any], metrics: Metrics) -> None:
        self._connection = connection
        self._metrics = metrics
        self._client: Any = None
        self._ends: dict[TP, int] = {}
        self._asked_s = float("-inf")

    async def ask(self, partitions: Collection[TP]) -> None:
        """Ask where these partitions end, and tell when that was answered."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                self._ends = await self._ask([TopicPartition(*tp) for tp in partitions])
        except Exception as error:  # noqa: BLE001  whatever it was: it is not known now, and asked again
            logger.debug("the brokers do not say where partitions end: %r", error)
            await self.close()
        else:
            self._asked_s = time.monotonic()
            self._metrics.ends_told.set_to_current_time()

    def known(self) -> Mapping[TP, int]:
        """Return the next offset to be written of each partition; nothing while the brokers do not answer."""
        return self._ends if time.monotonic() - self._asked_s <= FRESH_S else {}

    async def _ask(self, partitions: list[TopicPartition]) -> dict[TP, int]:
        if self._client is None:
            # what is not committed by a transaction can't be read, so it does not wait either
            self._client = AIOKafkaConsumer(
                **self._connection, enable_auto_commit=False, isolation_level="read_committed"
            )
            await self._client.start()
        ends = await self._client.end_offsets(partitions) if partitions else {}
        return {TP(tp.topic, tp.partition): end for tp, end in ends.items()}

    async def close(self) -> None:
        """Close the client; the next question opens another."""
        client, self._client = self._client, None
        if client is not None:
            await client.stop()
