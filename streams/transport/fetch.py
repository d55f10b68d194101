"""The thread that aiokafka lives in: fetches with their positions, seeks to where reading resumes.

Must not know agents, acks or gates.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP

from streams.transport.batches import read_leniently
from streams.transport.drain import drain
from streams.transport.frames import read_in_frames
from streams.transport.gathering import Gathering
from streams.transport.listening import Listened
from streams.transport.records import Records
from streams.transport.wakeful import keep_awake

# Faust fixes 1,500 ms. A fetch that waits for idle partitions keeps the busy ones of the same broker waiting
# (aiokafka sends one fetch to a broker at a time), so this bounds the pause of a partition that was held back.
FETCH_MAX_WAIT_MS = 100

# Of one answer of a broker, which lies in memory three times while it is read; aiokafka's default is 50 MB.
# Partitions are asked for in another order each time, so none has to wait for long.
FETCH_MAX_BYTES = 12 << 20

# Unless Faust's `broker_max_poll_records` says otherwise: some 20 ms of parsing, in which nothing else of the thread runs.
MAX_FETCH_RECORDS = 24_000


@dataclass(frozen=True, slots=True)
class Fetched:
    """One fetch: records by partition; `positions`, `ends` and `listened` as they were right after, of all partitions asked for."""

    records: Mapping[TP, Records] = field(default_factory=dict)
    positions: Mapping[TP, int] = field(default_factory=dict)
    ends: Mapping[TP, int] = field(default_factory=dict)
    listened: Mapping[TP, Listened] = field(default_factory=dict)


class ConsumerThread(AIOKafkaConsumerThread):
    """Faust's aiokafka thread, reading committed transactions only."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        read_leniently()
        read_in_frames()
        consumer = super()._create_worker_consumer(transport)
        # Faust passes none of them; aiokafka reads them when the consumer starts.
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        consumer._fetch_max_bytes = FETCH_MAX_BYTES
        consumer._isolation_level = "read_committed"
        return consumer

    async def fetch(self, tps: set[TP], timeout_s: float) -> Fetched:
        """Return what has arrived for `tps`, waiting up to `timeout_s` for the first of it. Moves their positions."""
        fetched: Fetched = await self.call_thread(self._fetch, tps, timeout_s)
        return fetched

    async def _fetch(self, tps: set[TP], timeout_s: float) -> Fetched:
        fetcher = self._ensure_consumer()._fetcher
        gathering = _gathering(fetcher)
        found: Mapping[Any, Records] = {}
        # A call queued before the flow stopped would wait for an assignment that waits for this thread.
        if self.consumer.flow_active:
            if fetcher._closed:
                raise ConsumerStoppedError
            max_records = self.app.conf.broker_max_poll_records or MAX_FETCH_RECORDS
            with fetcher._subscriptions.fetch_context():
                found = await drain(fetcher, tps, timeout_s, max_records)
        records = {TP(tp.topic, tp.partition): run for tp, run in found.items()}
        states = {tp: state for tp in tps if (state := self._state(tp)) is not None}
        for tp in records.keys() & states.keys():
            gathering.pause(states[tp], cast(Any, self.consumer.transport).limits_of(tp).gather_ms)
        return Fetched(
            records,
            positions={tp: state.position for tp, state in states.items() if state.has_valid_position},
            # Under read_committed nothing past the last stable offset can be read.
            ends={tp: state.lso for tp, state in states.items() if state.lso is not None},
            listened={tp: known for tp, state in states.items() if (known := _listened(state)) is not None},
        )

    def _state(self, tp: TP) -> Any:
        assignment = self._ensure_consumer()._subscription.subscription.assignment
        if assignment is None or not assignment.active or tp not in assignment.tps:
            return None
        return assignment.state_value(tp)

    async def give_back(self, points: Mapping[TP, int]) -> None:
        """Seek back to what was fetched and not delivered, of partitions still assigned."""
        await self.call_thread(self._give_back, points)

    async def _give_back(self, points: Mapping[TP, int]) -> None:
        for tp, offset in points.items():
            if self._state(tp) is not None:
                self.seek(tp, offset)

    async def resume_at(self, points: Mapping[TP, int]) -> Mapping[TP, int | None]:
        """Seek every assigned partition to its point, else to its committed offset; return what is committed."""
        committed: Mapping[TP, int | None] = await self.call_thread(self._resume_at, points)
        return committed

    async def _resume_at(self, points: Mapping[TP, int]) -> Mapping[TP, int | None]:
        consumer = self._ensure_consumer()
        tps = [TP(tp.topic, tp.partition) for tp in consumer.assignment()]
        offsets = await asyncio.gather(*map(consumer.committed, consumer.assignment()))
        committed = dict(zip(tps, offsets, strict=True))
        for tp in consumer.assignment():
            target = points.get(tp, committed[tp])
            if target is not None:
                consumer.seek(tp, target)
            elif self.app.conf.consumer_auto_offset_reset == "earliest":
                # Without a commit aiokafka would stay where it had read to, and skip what was never delivered.
                await consumer.seek_to_beginning(tp)
        return committed


def _gathering(fetcher: Any) -> Gathering:
    """Return what gathers; from the first call on it is noted when each partition's broker was asked and answered.

    aiokafka 0.14 sends and accepts in `Fetcher._proc_fetch_request`, and sets `timestamp` of a partition whose answer it accepts:
    when it was read, which may be long after the broker wrote it. `_listened` reads what is noted.
    """
    if hasattr(fetcher, "pollwatch_gathering"):
        return cast(Gathering, fetcher.pollwatch_gathering)
    proceed, gathering = fetcher._proc_fetch_request, Gathering()

    async def noted(assignment: Any, node_id: int, request: Any) -> Any:
        asked_ms = time.monotonic_ns() // 1_000_000
        request._max_wait_ms = gathering.at_most_ms(request._max_wait_ms)
        tps = [TopicPartition(topic, part[0]) for topic, parts in request.topics for part in parts]
        states = [(state, state.timestamp) for state in map(assignment.state_value, tps)]
        has_news = await proceed(assignment, node_id, request)
        for state, before in states:
            if state.timestamp != before:
                known = _listened(state)
                state.pollwatch_listened = Listened(asked_ms, asked_ms) if known is None else known.on(asked_ms)
        return has_news

    fetcher._proc_fetch_request, fetcher.pollwatch_gathering = noted, gathering
    keep_awake(fetcher)
    return gathering


def _listened(state: Any) -> Listened | None:
    return getattr(state, "pollwatch_listened", None)
