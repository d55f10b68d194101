"""A run is settled when the brokers hold what it caused, and a partition whose handler hangs holds up no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import faust
import pytest
from faust.types import TP

from streams.transport import Batch, BatchMessage, Records, batch_topic, lanes, process, settings_for_faust
from streams.transport.outputs import HANDLED, Outputs

ONE, OTHER = TP("votes", 0), TP("votes", 1)


def new_app() -> Any:
    return faust.App("test", broker="pollwatch://127.0.0.1:1", **settings_for_faust())


class Queued:
    """An app that was never started, with runs of two records each in the queue of one stream."""

    def __init__(self, *runs: tuple[TP, int]) -> None:
        self.app = new_app()
        self.stream = cast(Any, batch_topic(self.app, "votes").stream())
        self.consumer = self.app.consumer
        self.consumer._thread.thread_loop.close()
        self.app.topics._acking_topics.add("votes")
        self.app.flow_control.resume()
        self.consumer.ledger.assign({tp: self.app.transport.gate_of(tp) for tp in (ONE, OTHER)})
        for tp, first in runs:
            records = Records(tp.topic, tp.partition)
            for offset in (first, first + 1):
                records.offsets.append(offset)
                records.timestamps_ms.append(offset)
                records.keys.append(None)
                records.values.append(b"v")
            message = BatchMessage(tp, records, self.app.consumer_generation_id)
            self.consumer.ledger.partitions[tp].deliver(message, first)
            self.consumer._unacked_messages.add(message)
            message.incref()
            self.stream.channel.queue.put_nowait(self.app.create_event(None, records, {}, message))

    def committable(self, tp: TP = ONE) -> int | None:
        offset: int | None = self.consumer.ledger.partitions[tp].committable()
        return offset


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


def sent() -> asyncio.Future[Any]:
    """Send a record as the producer does: it belongs to the run that is being handled."""
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    outputs = HANDLED.get()
    assert outputs is not None
    outputs.add(future)
    return future


def test_a_run_is_acked_when_the_brokers_hold_all_it_caused_in_whatever_order_they_say_so() -> None:
    async def scenario() -> None:
        queued, futures = Queued((ONE, 0), (ONE, 2)), list[asyncio.Future[Any]]()

        async def handle(_batch: Batch) -> None:
            futures.extend([sent(), await asyncio.create_task(in_another_task())])

        async def in_another_task() -> asyncio.Future[Any]:
            return sent()

        task = asyncio.create_task(process(queued.app, queued.stream, handle))
        await until(lambda: len(futures) == 4)
        for future, committable in zip((futures[3], futures[2], futures[0], futures[1]), (None, None, None, 4), strict=True):
            future.set_result(None)
            await asyncio.sleep(0.01)
            assert queued.committable() == committable
        task.cancel()

    asyncio.run(scenario())


@pytest.mark.parametrize("end", ["fails", "is given up"])
def test_a_run_of_which_a_record_is_lost_is_never_acked(end: str) -> None:
    async def scenario() -> None:
        queued, futures = Queued((ONE, 0)), list[asyncio.Future[Any]]()

        async def handle(_batch: Batch) -> None:
            futures.extend([sent(), sent()])

        task = asyncio.create_task(process(queued.app, queued.stream, handle))
        await until(lambda: len(futures) == 2)
        if end == "fails":
            futures[0].set_exception(RuntimeError("refused for good"))
        else:
            futures[0].cancel()
        futures[1].set_result(None)
        await asyncio.sleep(0.01)
        assert queued.committable() is None
        task.cancel()

    asyncio.run(scenario())


def test_a_partition_whose_handler_hangs_is_set_aside_and_comes_back_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "SET_ASIDE_AFTER_S", 0.05)

    async def scenario() -> None:
        queued = Queued((ONE, 0), (ONE, 2), (OTHER, 0), (ONE, 4), (OTHER, 2))
        handled, release = list[tuple[int, int]](), asyncio.Event()

        async def handle(batch: Batch) -> None:
            if batch.tp == ONE:
                await release.wait()
            handled.append((batch.tp.partition, batch.first_offset))

        task = asyncio.create_task(process(queued.app, queued.stream, handle))
        await until(lambda: len(handled) == 2)
        assert handled == [(1, 0), (1, 2)]
        await until(lambda: queued.committable(OTHER) == 4)
        assert queued.consumer._aside.keys() == {ONE}
        assert queued.committable(ONE) is None
        release.set()
        await until(lambda: len(handled) == 5)
        assert handled[2:] == [(0, 0), (0, 2), (0, 4)]
        await until(lambda: queued.committable(ONE) == 6)
        assert queued.consumer._aside.keys() == frozenset()
        task.cancel()

    asyncio.run(scenario())


def test_partitions_are_worked_on_at_once_until_their_runs_have_enough_records() -> None:
    async def scenario() -> None:
        queued = Queued((ONE, 0), (OTHER, 0), (ONE, 2), (OTHER, 2))
        begun, release = list[tuple[int, int]](), asyncio.Event()

        async def handle(batch: Batch) -> None:
            begun.append((batch.tp.partition, batch.first_offset))
            await release.wait()

        task = asyncio.create_task(process(queued.app, queued.stream, handle, at_once_records=4))
        await until(lambda: len(begun) == 2)
        await asyncio.sleep(0.02)
        assert begun == [(0, 0), (1, 0)]
        assert queued.stream.channel.queue.qsize() == 2, "what there is no room for stays in the queue"
        release.set()
        await until(lambda: queued.committable(ONE) == queued.committable(OTHER) == 4)
        assert begun[2:] == [(0, 2), (1, 2)]
        task.cancel()

    asyncio.run(scenario())


def test_partitions_are_given_up_without_waiting_for_ever_for_a_topic_that_takes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lanes, "SET_ASIDE_AFTER_S", 0.05)
    monkeypatch.setattr("streams.transport.finish._OUTPUT_PATIENCE_S", 0.1)

    async def scenario() -> None:
        queued, never = Queued((ONE, 0), (OTHER, 0)), list[asyncio.Future[Any]]()
        cancelled = asyncio.Event()

        async def handle(batch: Batch) -> None:
            if batch.tp == OTHER:
                never.append(sent())  # its handler is through, what it sent is not taken
                return
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise

        task = asyncio.create_task(process(queued.app, queued.stream, handle))
        await until(lambda: bool(never) and queued.consumer._aside.keys() == {ONE})
        await asyncio.wait_for(queued.consumer.wait_empty(), 10)
        await asyncio.wait_for(cancelled.wait(), 10)
        assert queued.committable(ONE) is None
        assert queued.committable(OTHER) is None
        assert not queued.app.crashed
        task.cancel()

    asyncio.run(scenario())


def test_outputs_without_a_record_are_acknowledged_at_once() -> None:
    called: list[str] = []
    Outputs(ONE).when_acknowledged(lambda: called.append("then"))
    assert called == ["then"]
