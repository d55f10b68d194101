"""Sends records and never loses a failure: a send that fails for good stops the worker, and no offset moves past it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from streams.metric_labels import Sink
from streams.metrics import Metrics

Headers = Sequence[tuple[str, bytes]]


class Outbox:
    """Where the stages put what they made. The transport flushes the producer before every commit."""

    def __init__(self, producer: Callable[[], Any], metrics: Metrics, fail: Callable[[BaseException], None]) -> None:
        self._producer = producer
        self._metrics = metrics
        self._fail = fail

    async def send(
        self, sink: Sink, topic: str, partition: int | None, key: bytes | None, value: bytes | None, headers: Headers = ()
    ) -> Awaitable[Any]:
        """Queue a record, waiting only for room; the result gives the broker's acknowledgement."""
        sent = await self._producer().send(topic, key, value, partition, None, list(headers) or None)
        sent.add_done_callback(lambda future: self._settled(sink, topic, future))
        return sent  # type: ignore[no-any-return]

    async def flush(self) -> None:
        """Wait until the brokers hold everything sent so far. Raises what the producer raises when they never will."""
        await self._producer().flush()

    def _settled(self, sink: Sink, topic: str, future: asyncio.Future[Any]) -> None:
        error = None if future.cancelled() else future.exception()
        if error is not None:
            self._metrics.sink_failures.labels(sink).inc()
            self._fail(RuntimeError(f"{topic} did not take a record: {error!r}"))
