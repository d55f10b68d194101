"""The agent's loop and the producer: no ack without the work, no commit without the acknowledgement."""

import asyncio
import gc
import logging
from types import SimpleNamespace
from typing import Any, cast

import faust
import pytest
from faust.exceptions import ProducerSendError
from faust.types import TP
from faust.types.tuples import FutureMessage, PendingMessage

from streams.transport import (
    Batch,
    BatchMessage,
    HandlerTooSlow,
    Records,
    Transport,
    batch_topic,
    process,
    settings_for_faust,
)
from streams.transport.producer import Producer

VOTES = TP("votes", 0)


def new_app(**overrides: Any) -> Any:
    conf = settings_for_faust() | {"broker": "pollwatch://127.0.0.1:1"} | overrides
    return faust.App("test", **conf)


class Queued:
    """An app that was never started, with batches 0-9, 10-19, … in the queue of one stream."""

    def __init__(self, batches: int, **overrides: Any) -> None:
        self.app = new_app(**overrides)
        self.stream = cast(Any, batch_topic(self.app, "votes").stream())
        self.consumer = self.app.consumer
        self.consumer._thread.thread_loop.close()
        self.app.topics._acking_topics.add("votes")
        self.app.flow_control.resume()
        self.consumer.ledger.assign({VOTES: self.app.transport.gate_of(VOTES)})
        self.handled: list[int] = []
        for first in range(0, 10 * batches, 10):
            records = Records("votes", 0)
            records.extend(_parsed(first + i) for i in range(10))
            message = BatchMessage(VOTES, records, self.app.consumer_generation_id)
            self.consumer.ledger.partitions[VOTES].deliver(message, first)
            message.incref()
            self.stream.channel.queue.put_nowait(self.app.create_event(None, records, {}, message))

    async def handle(self, batch: Batch) -> None:
        self.handled.append(batch.first_offset)

    def committable(self) -> int | None:
        offset: int | None = self.consumer.ledger.partitions[VOTES].committable()
        return offset


def _parsed(offset: int) -> Any:
    return SimpleNamespace(offset=offset, timestamp=offset, key=None, value=b"v", headers=())


async def until(queued: Queued, handled: int) -> None:
    async with asyncio.timeout(10):
        while len(queued.handled) < handled:
            await asyncio.sleep(0)


async def turns(count: int = 50) -> None:
    """Let everything that can run now run."""
    for _ in range(count):
        await asyncio.sleep(0)


async def cancel_and_forget(tasks: list[asyncio.Task[None]]) -> None:
    """End agents so that nothing refers to them: only then do their generators run the `finally` that acks."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    tasks.clear()
    del task
    gc.collect()
    await turns()


def test_a_batch_is_acked_when_its_handler_returns_and_not_before() -> None:
    async def scenario() -> None:
        queued = Queued(3)
        during: list[int | None] = []

        async def handle(batch: Batch) -> None:
            await queued.handle(batch)
            during.append(queued.committable())

        task = asyncio.create_task(process(queued.app, queued.stream, handle))
        await until(queued, 3)
        assert during == [None, 10, 20]
        while queued.consumer.unacked:
            await asyncio.sleep(0)
        assert queued.committable() == 30
        task.cancel()

    asyncio.run(scenario())


def test_a_handler_that_raises_crashes_the_app_and_stops_the_loop_without_an_ack(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        queued = Queued(3)

        async def handle(batch: Batch) -> None:
            await queued.handle(batch)
            if batch.first_offset == 10:
                raise ZeroDivisionError("a bug")

        tasks = [asyncio.create_task(process(queued.app, queued.stream, handle))]
        async with asyncio.timeout(10):
            await queued.app._crashed.wait()
        await turns()
        await cancel_and_forget(tasks)
        assert isinstance(queued.app.crash_reason, ZeroDivisionError)
        assert queued.handled == [0, 10]
        assert queued.committable() == 10

    with caplog.at_level(logging.CRITICAL):
        asyncio.run(scenario())


def test_a_batch_whose_agent_is_cancelled_stays_unacked() -> None:
    async def scenario() -> None:
        queued = Queued(2)

        async def handle(batch: Batch) -> None:
            await queued.handle(batch)
            await asyncio.Event().wait()

        tasks = [asyncio.create_task(process(queued.app, queued.stream, handle))]
        await until(queued, 1)
        await cancel_and_forget(tasks)
        assert queued.committable() is None

    asyncio.run(scenario())


def test_a_batch_that_waits_in_the_queue_while_its_partition_is_sought_is_skipped() -> None:
    async def scenario() -> None:
        queued = Queued(2)
        queued.consumer.ledger.restart(VOTES, 0)
        task = asyncio.create_task(process(queued.app, queued.stream, queued.handle))
        async with asyncio.timeout(10):
            while not queued.stream.channel.queue.empty():
                await asyncio.sleep(0)
        assert queued.handled == []
        task.cancel()

    asyncio.run(scenario())


def test_a_handler_that_outlasts_the_rebalance_crashes_the_app_instead_of_holding_the_group() -> None:
    async def scenario() -> None:
        queued = Queued(1, broker_rebalance_timeout=0.1)

        async def handle(batch: Batch) -> None:
            await queued.handle(batch)
            await asyncio.Event().wait()

        task = asyncio.create_task(process(queued.app, queued.stream, handle))
        await until(queued, 1)
        await asyncio.wait_for(queued.consumer.wait_empty(), 10)
        assert isinstance(queued.app.crash_reason, HandlerTooSlow)
        assert queued.committable() is None
        task.cancel()

    asyncio.run(scenario())


def test_the_url_scheme_finds_the_transport_and_app_topics_keep_their_queue_size() -> None:
    async def scenario() -> None:
        app = new_app()
        assert type(app.transport) is Transport
        stream: Any = batch_topic(app, "votes", queue_batches=9).stream()
        assert stream.channel.queue.maxsize == 9

    asyncio.run(scenario())


async def new_producer() -> Producer:
    producer = new_app().producer
    assert isinstance(producer, Producer)
    return producer


def test_flush_waits_for_messages_that_are_queued_and_for_the_one_being_sent() -> None:
    class SlowChannel:
        sent = 0

        async def publish_message(self, _future: Any, wait: bool) -> None:
            await asyncio.sleep(0.15)
            self.sent += 1

    async def scenario() -> None:
        channel: Any = SlowChannel()
        producer = await new_producer()
        await producer.buffer.start()
        for _ in range(3):
            pending = PendingMessage(channel, None, b"x", None, None, None, None, None, None)
            producer.buffer.put(FutureMessage(pending))
        await asyncio.sleep(0)
        await asyncio.wait_for(producer.flush(), 10)
        assert channel.sent == 3
        await producer.buffer.stop()

    asyncio.run(scenario())


def test_flush_raises_after_a_record_failed_and_keeps_raising() -> None:
    async def scenario() -> None:
        producer = await new_producer()
        futures: list[asyncio.Future[Any]] = [asyncio.get_running_loop().create_future() for _ in range(2)]
        for future in futures:
            producer._watch(future)
        flushing = asyncio.create_task(producer.flush())
        futures[0].set_result(None)
        await turns()
        assert not flushing.done(), "one record is still under way"
        futures[1].set_exception(TimeoutError("no replica answered"))
        with pytest.raises(ProducerSendError, match="no replica answered"):
            await asyncio.wait_for(flushing, 10)
        with pytest.raises(ProducerSendError, match="no replica answered"):
            await producer.flush()

    asyncio.run(scenario())
