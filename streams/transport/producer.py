"""The producer: idempotent, acknowledged by all replicas, and a record that is refused is tried again for ever.

Must not know what is sent. `send` hands back a future at once; records sent from one task to one partition keep their order.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerClosed
from faust.exceptions import ProducerSendError
from faust.transport.drivers import aiokafka as driver
from faust.transport.producer import ProducerBuffer
from faust.types import TP
from faust.types.tuples import FutureMessage, RecordMetadata

from streams.transport.outputs import HANDLED
from streams.transport.patience import LONGEST_PAUSE_S, PatientProducer

logger = logging.getLogger(__name__)

_NEVER = (MessageSizeTooLargeError, ProducerClosed)
# what is not acknowledged by then was sent by nobody: its run is read again
_FAREWELL_S = 5.0


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
        self._unsettled: dict[TP | None, set[asyncio.Future[RecordMetadata]]] = defaultdict(set)
        self._failure: BaseException | None = None

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}

    def _new_producer(self, transactional_id: str | None = None) -> PatientProducer:
        settings = {**self._settings_default(), **self._settings_auth(), **self._settings_extra()}
        return PatientProducer(self._told, **settings)

    async def send(self, *args: Any, **kwargs: Any) -> Awaitable[RecordMetadata]:
        """Queue one record, waiting only for room; the returned future gives its RecordMetadata or raises.

        Waits for as long as the topic can't be written to. Raises ProducerSendError for a record larger than this client
        may send, whatever the topic takes.
        """
        future: Any = await self._until_queued(args[0], partial(super().send, *args, **kwargs))
        self._watch(future)
        return future  # type: ignore[no-any-return]

    async def send_many(self, topic: str, records: Sequence[tuple[bytes, bytes]]) -> list[asyncio.Future[Any]]:
        """Queue records (key, value), none of them large; each future stands for those that travel together. Else as `send`."""
        futures: list[asyncio.Future[Any]] = await self._until_queued(topic, partial(self._send_many, topic, records))
        for future in futures:
            self._watch(future)
        return futures

    async def _send_many(self, topic: str, records: Sequence[tuple[bytes, bytes]]) -> list[asyncio.Future[Any]]:
        try:
            return await cast(PatientProducer, self._ensure_producer()).send_many(topic, records)
        except KafkaError as error:
            raise ProducerSendError(f"Error while sending: {error!r}") from error

    async def _until_queued(self, topic: str, queue: Callable[[], Awaitable[Any]]) -> Any:
        tries = 0
        while True:
            try:
                queued = await queue()
            except ProducerSendError as error:
                if isinstance(error.__cause__, _NEVER):
                    raise
                tries += 1  # no such topic, not ours to see, or no room for long
                self._told(TopicPartition(topic, -1), tries, error.__cause__)
                await asyncio.sleep(LONGEST_PAUSE_S)
            else:
                if tries:
                    self._told(TopicPartition(topic, -1), tries, None)
                return queued

    def _watch(self, future: asyncio.Future[RecordMetadata]) -> None:
        outputs = HANDLED.get()
        cause = outputs.tp if outputs else None
        self._unsettled[cause].add(future)
        future.add_done_callback(lambda done: self._settle(cause, done))
        if outputs:
            outputs.add(future)

    def _settle(self, cause: TP | None, future: asyncio.Future[RecordMetadata]) -> None:
        self._unsettled[cause].discard(future)
        if self._failure is None:
            self._failure = asyncio.CancelledError() if future.cancelled() else future.exception()

    def _told(self, tp: TopicPartition, tries: int, error: BaseException | None) -> None:
        where = tp.topic if tp.partition < 0 else f"{tp.topic}/{tp.partition}"
        if error is None:
            logger.warning("%s takes records again, after %d tries", where, tries)
        elif tries & (tries - 1) == 0:  # the first, second, fourth, … time
            logger.warning("%s takes no record, tried %d times and on: %r", where, tries, error)
        for hook in cast(Any, self.transport).refusal_hooks:
            hook(tp.topic, error)

    async def flush(self, cause: TP | None = None) -> None:
        """Wait for what runs of one partition have caused so far; without one, as Faust does at its end, give everything a while.

        Raises ProducerSendError if any record failed for good, and from then on always.
        """
        if cause is not None:
            if self._unsettled[cause]:
                await asyncio.wait(set(self._unsettled[cause]))
        else:
            await self.buffer.flush()
            await self._farewell()
        if self._failure is not None:
            raise ProducerSendError(f"a record was not acknowledged: {self._failure!r}") from self._failure

    async def _farewell(self) -> None:
        left = set().union(*self._unsettled.values())
        if left:
            _, left = await asyncio.wait(left, timeout=_FAREWELL_S)
        if left:
            logger.warning("%d records were not taken by their topics: they will be made again", len(left))

    async def on_stop(self) -> None:
        """Close the client; what the brokers still do not take is given up, and was never committed."""
        if any(self._unsettled.values()) and self._producer is not None:
            self._producer.give_up()
        await super().on_stop()
