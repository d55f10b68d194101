"""What an app writes: its batch topics, the loop of an agent, the settings of Faust that fit, and running it.

Must not know Kafka's records beyond handing them on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from faust.types import AppT, TopicT

from streams.transport.batch import Batch, batch_of
from streams.transport.chunks import BatchLimits
from streams.transport.consumer import Consumer
from streams.transport.driver import Transport
from streams.transport.ledger import Gate

Handler = Callable[[Batch], Awaitable[None]]


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


async def process(app: AppT, stream: Any, handle: Handler) -> None:
    """Call `await handle(batch)` for every batch of `stream`; the batch is acked when it returns.

    If it raises, the app crashes and the batch stays unacked, as it does when the agent is cancelled in the middle.
    """
    async for event in stream.events():
        message = event.message
        consumer = app.consumer
        if isinstance(consumer, Consumer) and not consumer.ledger.holds(message.tp, message):
            continue  # void since a seek: it will be delivered again
        message.incref()  # else Faust acks in the `finally` of the stream, whatever happened
        try:
            await handle(batch_of(event))
        except Exception as error:  # noqa: BLE001  whatever it was, it is raised by `run`
            await app.crash(error)
            await asyncio.Event().wait()  # never on to the next batch; stopping the app cancels this
        message.decref()


async def run(app: AppT, stop: asyncio.Event) -> None:
    """Run the app until `stop` is set, then stop it cleanly. Raises what crashed it, if something did.

    Faust's own worker would print a banner and take over the root logger and the signals.
    """
    service: Any = app
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await service.start()
        await service.wait_first(stopping)
    finally:
        stopping.cancel()
        await service.stop()
    if service.crash_reason is not None:
        raise service.crash_reason
