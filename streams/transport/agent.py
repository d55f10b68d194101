"""What an app writes: its batch topics, the loop of an agent, the settings of Faust that fit, and running it.

Must not know Kafka's records beyond handing them on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from faust.types import AppT, TopicT

from streams.transport.chunks import BatchLimits
from streams.transport.driver import Transport
from streams.transport.lanes import Handler, Lanes
from streams.transport.ledger import Gate

STOP_WITHIN_S = 20.0
"""Less than the 30 s after which Kubernetes kills."""

logger = logging.getLogger(__name__)


def batch_topic(
    app: AppT,
    *names: str,
    limits: BatchLimits = BatchLimits(),  # noqa: B008  frozen
    gate: Gate = Gate.NONE,
    queue_batches: int = 16,
) -> TopicT:
    """Return a channel for `@app.agent(...)` whose records arrive in runs; over stock `kafka://`, one by one.

    `queue_batches` runs wait for the agent before their partitions are no longer fetched. With `Gate.GUARDED`, commits wait
    for `app.consumer.open_gate` (not over `kafka://`, which commits whatever was acked).
    """
    if isinstance(app.transport, Transport):
        app.transport.batch(names, limits, gate)
    # app.topic() of faust-streaming 0.15.3 drops its argument `maxsize`.
    topic_class: Any = app.conf.Topic
    topic: TopicT = topic_class(
        app,
        topics=names,
        key_serializer="raw",
        value_serializer="raw",
        allow_empty=True,
        maxsize=queue_batches,
    )
    return topic


async def process(
    app: AppT,
    stream: Any,
    handle: Handler,
    admit: Callable[[], Awaitable[None]] | None = None,
    at_once_records: int = 1,
) -> None:
    """Call `await handle(batch)` for every batch of `stream`, in order for each partition; `await admit()` comes before it.

    One at a time, or as many as have fewer than `at_once_records` together.

    A batch is acked when `handle` has returned and the brokers hold every record that was sent meanwhile. If `handle`
    raises, the app crashes and the batch stays unacked, as it does when the agent is cancelled in the middle.
    """
    lanes = Lanes(app, handle, at_once_records)
    try:
        async for event in stream.events():
            if admit is not None:
                await admit()
            # else Faust acks in the `finally` of the stream, whatever happened
            event.message.incref()
            await lanes.put(event)
    finally:
        lanes.cancel()


async def run(app: AppT, stop: asyncio.Event) -> bool:
    """Run the app until `stop` is set, then stop it; False if that was not cleanly. Raises what crashed it, if something did.

    Faust's own worker would print a banner and take over the root logger and the signals.
    """
    service: Any = app
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await service.start()
        await service.wait_first(stopping)
    finally:
        stopping.cancel()
        is_clean = await _stop(service)
    if service.crash_reason is not None:
        raise service.crash_reason
    return is_clean


async def _stop(service: Any) -> bool:
    """Stop an app; without the brokers it would wait for them for ever, and what is not committed is read again anyway."""
    stopping = asyncio.ensure_future(service.stop())
    # what is cancelled in there may swallow that and wait on, so nobody waits for the cancelled
    done, _ = await asyncio.wait([stopping], timeout=STOP_WITHIN_S)
    if not done:
        stopping.cancel()
        logger.warning("stopped without a word from the brokers: what was not committed is worked on again")
        return False
    await stopping
    return True
