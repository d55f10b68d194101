"""Where the stages put what they made. A send that fails for good stops the worker; one that is refused is tried again for ever."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from faust.types import TP

from streams.metric_labels import Sink
from streams.metrics import Metrics
from streams.transport.producer import Producer

Headers = Sequence[tuple[str, bytes]]


class Outbox:
    """Sends records, and knows which are on their way: as many as the producer's buffers hold."""

    def __init__(self, producer: Callable[[], Any], metrics: Metrics, fail: Callable[[BaseException], None]) -> None:
        self._producer = producer
        self._metrics = metrics
        self._fail = fail
        self._sinks: dict[str, Sink] = {}
        self.refusing: dict[str, str] = {}
        self._since_s: dict[Sink, dict[object, float]] = defaultdict(dict)

    async def send(
        self, sink: Sink, topic: str, partition: int | None, key: bytes | None, value: bytes | None, headers: Headers = ()
    ) -> Awaitable[Any]:
        """Queue a record, waiting only for room; the result gives the broker's acknowledgement."""
        ticket = self._begin(sink, topic)
        try:
            sent = await self._producer().send(topic, key, value, partition, None, list(headers) or None)
        except BaseException:
            del self._since_s[sink][ticket]
            raise
        sent.add_done_callback(partial(self._settled, sink, topic, ticket))
        return sent  # type: ignore[no-any-return]

    async def send_many(self, sink: Sink, topic: str, records: Sequence[tuple[bytes, bytes]]) -> None:
        """Queue records (key, value), waiting only for room: for many small ones, which need no acknowledgement each."""
        producer = self._producer()
        if not isinstance(producer, Producer):
            for key, value in records:
                await self.send(sink, topic, None, key, value)
            return
        waiting = self._begin(sink, topic)
        try:
            futures = await producer.send_many(topic, records)
        finally:
            del self._since_s[sink][waiting]
        for future in futures:
            future.add_done_callback(partial(self._settled, sink, topic, self._begin(sink, topic)))

    def _begin(self, sink: Sink, topic: str) -> object:
        self._sinks[topic] = sink
        ticket = object()
        self._since_s[sink][ticket] = time.monotonic()
        return ticket

    async def flush(self, cause: TP) -> None:
        """Wait until the brokers hold everything that runs of this partition caused so far.

        Raises what the producer raises when they never will.
        """
        producer = self._producer()
        await (producer.flush(cause) if isinstance(producer, Producer) else producer.flush())

    def refused(self, topic: str, error: BaseException | None) -> None:
        """Count that a topic took no record, and keep why; None: it takes them again."""
        if error is None:
            self.refusing.pop(topic, None)
        elif topic in self._sinks:
            self.refusing[topic] = type(error).__name__
            self._metrics.sink_failures.labels(self._sinks[topic]).inc()

    def show(self) -> None:
        """Bring the gauge of what waits up to date."""
        now_s = time.monotonic()
        for sink, since_s in self._since_s.items():
            self._metrics.sink_waiting.labels(sink).set(now_s - next(iter(since_s.values()), now_s))

    def _settled(self, sink: Sink, topic: str, ticket: object, future: asyncio.Future[Any]) -> None:
        del self._since_s[sink][ticket]
        error = None if future.cancelled() else future.exception()
        if error is not None:
            self._metrics.sink_failures.labels(sink).inc()
            self._fail(RuntimeError(f"{topic} did not take a record: {error!r}"))
