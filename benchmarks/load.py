"""A recording into the input topics, before anything is measured: batches encoded here, so that it takes seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiokafka import AIOKafkaProducer

from benchmarks.processes import cpu_s
from benchmarks.recording import Recording, encode_replies, encode_votes, vote_line
from config import Settings, TopicRole
from detectors.columns import Int32s
from streams.control import CONTROL_KEY, Control, closing, control_record, opening
from streams.decode import Kind
from streams.kafka_client import aiokafka
from streams.recording import partition_of
from streams.stages import build_decoder

BATCH_BYTES = 64 * 1024
"""Some 200 votes: what a busy producer that waits a few milliseconds makes of them."""
_IN_FLIGHT = 64


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading took."""

    records: int
    seconds: float
    sender_cpu_s: float
    broker_cpu_s: float


@dataclass
class Sender:
    """Fills batches for each partition of one topic, and sends those that are full."""

    producer: Any
    topic: str
    _batches: dict[int, Any] = field(default_factory=dict)
    _sent: list[Any] = field(default_factory=list)

    async def add(self, partition: int, key: bytes, value: bytes, now_ms: int | None = None) -> None:
        """Append a record to its partition's batch."""
        batch = self._batches.get(partition)
        if batch is None:
            batch = self._batches[partition] = self.producer.create_batch()
        if batch.append(key=key, value=value, timestamp=now_ms) is None:
            await self._send(partition)
            await self.add(partition, key, value, now_ms)

    async def send_all(self) -> None:
        """Send what is waiting, full or not, without waiting for the acknowledgement."""
        for partition in list(self._batches):
            await self._send(partition)

    async def settle(self) -> None:
        """Wait until the brokers hold everything. Raises what they refused it with."""
        await self.send_all()
        await asyncio.gather(*self._sent)
        self._sent.clear()

    async def _send(self, partition: int) -> None:
        batch = self._batches.pop(partition)
        batch.close()
        self._sent.append(await self.producer.send_batch(batch, self.topic, partition=partition))
        if len(self._sent) >= _IN_FLIGHT:
            done, self._sent = self._sent[: _IN_FLIGHT // 2], self._sent[_IN_FLIGHT // 2 :]
            await asyncio.gather(*done)


def partitions_of_accounts(people: Sequence[bytes], settings: Settings) -> Int32s:
    """Return the partition of each account, as `replay` and `scan` choose it; `people` are the ends of their lines."""
    lines = [vote_line(0, 0, 0, 0, person) for person in people]
    decoded = build_decoder(settings).topic(lines, Kind.VOTE, np.zeros(len(lines), np.int64))
    return partition_of(decoded.account, settings.topics.partitions)


def new_producer(settings: Settings) -> Any:
    """Return a producer, not started, whose batches are BATCH_BYTES long."""
    return AIOKafkaProducer(**aiokafka(settings.kafka), acks="all", max_batch_size=BATCH_BYTES, linger_ms=0)


def load(recording: Recording, settings: Settings, broker_pid: int | None) -> Loaded:
    """Send the whole recording, with the control records that `replay` sends before and after it."""
    return asyncio.run(_load(recording, settings, broker_pid))


async def _load(recording: Recording, settings: Settings, broker_pid: int | None) -> Loaded:
    begin_s, begin_cpu_s = time.monotonic(), time.process_time()
    begin_broker_s = cpu_s(broker_pid) if broker_pid else 0.0
    names = [settings.topics.name(TopicRole.VOTES), settings.topics.name(TopicRole.REPLIES)]
    partition, last_ms = partitions_of_accounts(recording.people, settings), int(recording.votes.ts_ms.max())
    async with new_producer(settings) as producer:
        await _control(producer, names, settings, opening(int(recording.votes.ts_ms[:_IN_FLIGHT].min())))
        replies = Sender(producer, names[1])
        await _replies(replies, recording, partition)
        await _votes(Sender(producer, names[0]), recording, partition)
        await _control(producer, names, settings, closing(last_ms, settings.rate.window_ms))
    broker_s = (cpu_s(broker_pid) if broker_pid else 0.0) - begin_broker_s
    records = len(recording.votes) + len(recording.replies)
    return Loaded(records, time.monotonic() - begin_s, time.process_time() - begin_cpu_s, broker_s)


async def _votes(sender: Sender, recording: Recording, partition: Int32s) -> None:
    keys = [account_id.encode() for account_id in recording.account_ids]
    for start, lines in encode_votes(recording):
        accounts = recording.votes.account[start : start + len(lines)]
        for line, account, to in zip(lines, accounts.tolist(), partition[accounts].tolist(), strict=True):
            await sender.add(to, keys[account], line)
    await sender.settle()


async def _replies(sender: Sender, recording: Recording, partition: Int32s) -> None:
    accounts = recording.replies.account
    for line, account, to in zip(
        encode_replies(recording), accounts.tolist(), partition[accounts].tolist(), strict=True
    ):
        await sender.add(to, recording.account_ids[account].encode(), line)
    await sender.settle()


async def _control(producer: Any, topics: Sequence[str], settings: Settings, control: Control) -> None:
    headers = control_record(control.watermark_ms, control.end)
    for topic in topics:
        for partition in range(settings.topics.partitions):
            await producer.send_and_wait(topic, None, CONTROL_KEY, partition, headers=headers)
