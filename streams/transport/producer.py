"""The producer: idempotent, acknowledged by all replicas, and a flush that ends only when everything is out.

Must not know what is sent. `send` hands back a future at once; records sent from one task to one partition keep their order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any

from faust.exceptions import ProducerSendError
from faust.transport.drivers import aiokafka as driver
from faust.transport.producer import ProducerBuffer
from faust.types.tuples import FutureMessage, RecordMetadata


class Buffer(ProducerBuffer):
    """Faust's queue of `send_soon`; its own flush gives up after 0.1 s and does not see the message being sent."""

    async def _send_pending(self, fut: FutureMessage) -> None:
        try:
            await super()._send_pending(fut)
        finally:
            self.pending.task_done()

    async def flush(self) -> None:
        """Wait until every message put so far was handed to the client. Raises ProducerSendError if this cannot happen."""
        if self.size and self.state != "running":
            raise ProducerSendError(f"{self.size} messages were never sent: the producer is {self.state}")
        await self.wait_first(self.pending.join())


class Producer(driver.Producer):
    """Faust's aiokafka producer that cannot lose a failure.

    `send` and `send_and_wait` take (topic, key, value, partition, timestamp_s, headers), bytes or None for key and value.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.buffer = Buffer(loop=self.loop, beacon=self.beacon)
        self.buffer.app = self.app
        self._unsettled: set[asyncio.Future[RecordMetadata]] = set()
        self._failure: BaseException | None = None

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}

    async def send(self, *args: Any, **kwargs: Any) -> Awaitable[RecordMetadata]:
        """Queue one record, waiting only for room; the returned future gives its RecordMetadata or raises."""
        future: Any = await super().send(*args, **kwargs)
        self._watch(future)
        return future  # type: ignore[no-any-return]

    def _watch(self, future: asyncio.Future[RecordMetadata]) -> None:
        self._unsettled.add(future)
        future.add_done_callback(self._settle)

    def _settle(self, future: asyncio.Future[RecordMetadata]) -> None:
        self._unsettled.discard(future)
        if self._failure is None:
            self._failure = asyncio.CancelledError() if future.cancelled() else future.exception()

    async def flush(self) -> None:
        """Wait for everything sent so far. Raises ProducerSendError if any record ever failed, and from then on always."""
        await self.buffer.flush()
        if self._unsettled:
            await asyncio.wait(set(self._unsettled))
        if self._failure is not None:
            raise ProducerSendError(f"a record was not acknowledged: {self._failure!r}") from self._failure
