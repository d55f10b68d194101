"""aiokafka's producer, made to try for ever: what the brokers refuse stays at the head of its partition's line.

By itself aiokafka gives a record up that is refused or waits too long, and sends the next: whoever reads finds a hole, and
the sequence numbers of an idempotent producer no longer fit. Here only the partition concerned waits, all others go on.

Reaches into aiokafka 0.14: `Sender`, `SendProduceReqHandler`, `MessageAccumulator`. Must not know Faust.
"""

from __future__ import annotations

import asyncio
import copy
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition, errors
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber, ProducerClosed, ProducerFenced
from aiokafka.producer.sender import Sender, SendProduceReqHandler

from streams.transport.frames import Joined

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
"""Between two tries of one batch: it doubles from the first to this."""
_TAKEN = (errors.NoError, errors.DuplicateSequenceNumber)
_FINAL = {
    errors.OutOfOrderSequenceNumber.errno: OutOfOrderSequenceNumber,
    errors.InvalidProducerEpoch.errno: ProducerFenced,
    errors.InvalidProducerIdMapping.errno: errors.InvalidProducerIdMapping,
    errors.UnknownProducerId.errno: errors.UnknownProducerId,
}
"""After these this producer can send nothing any more, whatever it tries; a new one can."""

Told = Callable[[TopicPartition, int, BaseException | None], None]


class PatientProducer(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka has no types
    """An idempotent producer that never gives a record up.

    `told(partition, tries, error)` is called for each refusal, and with None once what was refused is taken.
    """

    def __init__(self, told: Told, **settings: Any) -> None:
        super().__init__(**settings)
        accumulator = self._message_accumulator
        # else batches without a leader are given up after the timeout of a request
        accumulator._batch_ttl = math.inf
        self._sender = _PatientSender(
            told,
            self.client,
            acks=-1,
            txn_manager=self._txn_manager,
            retry_backoff_ms=self.client._retry_backoff * 1000,
            message_accumulator=accumulator,
            request_timeout_ms=self._request_timeout_ms,
        )

    async def send_many(self, topic: str, records: Iterable[tuple[bytes, bytes]]) -> list[asyncio.Future[Any]]:
        """Queue records (key, value) as `send` does, waiting only for room; one future stands for all that travel together."""
        await self.client._wait_on_metadata(topic)
        batches = {}
        for key, value in records:
            tp = TopicPartition(topic, self._partition(topic, None, key, value, key, value))
            batch = await self._batch_with(tp, key, value)
            batches[id(batch)] = batch
        return [asyncio.shield(batch.future) for batch in batches.values()]

    async def _batch_with(self, tp: TopicPartition, key: bytes, value: bytes) -> Any:
        """Return the batch that a record was added to: `MessageAccumulator.add_message` without a future for each record."""
        accumulator = self._message_accumulator
        while True:
            if accumulator._closed:
                raise ProducerClosed()
            if accumulator._exception is not None:
                raise copy.copy(accumulator._exception)
            pending = accumulator._batches.get(tp)
            batch = pending[-1] if pending else accumulator._append_batch(accumulator.create_builder(), tp)
            if batch._builder.append(timestamp=None, key=key, value=value) is not None:
                return batch
            if not accumulator._waiter_future.done():
                accumulator._waiter_future.set_result(None)
            await batch.wait_drain()

    def give_up(self) -> None:
        """Fail everything that the brokers don't hold yet; nothing can be sent afterwards."""
        self._message_accumulator.fail_all(ProducerClosed())


class _PatientSender(Sender):  # type: ignore[misc]
    def __init__(self, told: Told, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._told = told
        self._pauses: set[asyncio.Task[None]] = set()

    async def _send_produce_req(self, node_id: int, batches: Mapping[TopicPartition, Any]) -> None:
        handler = _Handler(self, batches)
        await handler.do(node_id)
        self._in_flight.remove(node_id)
        for tp, batch in batches.items():
            error = handler.refused.get(tp)
            if error is not None:
                self._told(tp, batch.retry_count, error)
                # its partition stays muted until then: nothing behind it may go first
                pause = asyncio.create_task(self._again(tp, batch))
                self._pauses.add(pause)
                pause.add_done_callback(self._pauses.discard)
            else:
                self._muted_partitions.remove(tp)
                if batch.retry_count > 1:
                    self._told(tp, batch.retry_count, None)

    async def _again(self, tp: TopicPartition, batch: Any) -> None:
        await asyncio.sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(batch.retry_count - 1, 10)))
        await self.client._maybe_wait_metadata()
        self._muted_partitions.remove(tp)
        if not batch.future.done():
            accumulator = self._message_accumulator
            accumulator.reenqueue(batch)
            if not accumulator._waiter_future.done():
                accumulator._waiter_future.set_result(None)

    async def close(self) -> None:
        """End the sender and forget what was to be tried again."""
        for pause in list(self._pauses):
            pause.cancel()
        await super().close()


class _Handler(SendProduceReqHandler):  # type: ignore[misc]
    """One request to one broker; `refused` has the error of each partition that is to be tried again."""

    def __init__(self, sender: Sender, batches: Mapping[TopicPartition, Any]) -> None:
        super().__init__(sender, batches)
        self.refused: dict[TopicPartition, BaseException] = {}

    async def do(self, node_id: int) -> None:
        request = Joined(self.create_request())
        try:
            response = await self._client.send(node_id, request)
        except KafkaError as error:
            for tp in self._batches:
                self._refuse(tp, error)
        else:
            self.handle_response(response)

    def handle_response(self, response: Any) -> None:
        for topic, partitions in response.topics:
            for number, code, offset, timestamp_ms, *_ in partitions:
                tp = TopicPartition(topic, number)
                error = errors.for_code(code)
                if error in _TAKEN:
                    self._batches[tp].done(offset, timestamp_ms)
                elif code in _FINAL:
                    self._batches[tp].failure(exception=_FINAL[code]())
                else:
                    self._refuse(tp, error())

    def _refuse(self, tp: TopicPartition, error: BaseException) -> None:
        self.refused[tp] = error
        if getattr(error, "invalid_metadata", False):
            self._client.force_metadata_update()
