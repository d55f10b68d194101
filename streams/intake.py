"""Intake: runs of input records become blocks on the exchange, refused records go to the dead letter.

One call of `handle` is one run of one source partition: decode, refuse, cut, send. Nothing here looks at what the rows
say. No offset is committed before the brokers hold all that was sent for it (`streams.transport`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from faust.types import TP

from config.schema import Settings, TopicRole
from detectors.block import Block
from detectors.columns import Int64s
from detectors.source_time import SourceTime
from detectors.watermark import UNKNOWN_MS
from streams.alignment import Reached, too_far_ahead
from streams.control import Control, parse_control
from streams.cutter import Cutter, ShardOf, SourceRange
from streams.dead_letters import DeadLetters, Place
from streams.decode import Decoded, Decoder, Kind, Refused
from streams.look_back import Past
from streams.metric_labels import BlockOutcome, EventType, Sink, Stage
from streams.metrics import Metrics
from streams.outbox import Outbox
from streams.silence import BrokersClock, SourceSilence
from streams.stages import canary_poll
from streams.transport import Batch, Progress
from streams.transport.records import Records
from streams.wire import encode_block

_LOG_APPEND_TIME = 1
_EVENT_TYPE = {Kind.VOTE: EventType.VOTE, Kind.REPLY: EventType.REPLY}


class _Source:
    """What intake knows of one assigned partition."""

    def __init__(self, cutter: Cutter, kind: Kind) -> None:
        self.cutter = cutter
        self.kind = kind
        self.silence = SourceSilence(_now_ms())
        self.time = SourceTime()
        # blocks of one source must reach each shard in order of offsets
        self.sending = asyncio.Lock()


class Intake:
    """The intake stage of one worker; `source_names` gives the name of every input partition."""

    def __init__(
        self, settings: Settings, decoder: Decoder, source_names: Mapping[TP, str], outbox: Outbox, metrics: Metrics
    ) -> None:
        topics = settings.topics
        self._kinds = {topics.name(TopicRole.VOTES): Kind.VOTE, topics.name(TopicRole.REPLIES): Kind.REPLY}
        self._exchange = topics.name(TopicRole.EXCHANGE)
        self._dead_letters = DeadLetters(topics, outbox, metrics)
        self._idle_after_ms = settings.intake.idle_after_ms
        # a recording says at its end that the window of its last row is over
        self._max_ahead_ms = settings.intake.max_ahead_ms + settings.rate.window_ms
        self._canary = canary_poll(settings)
        self._max_behind_ms = settings.intake.max_behind_ms
        self._lagging = settings.intake.max_batch_records
        self._decoder = decoder
        self._shard_of = ShardOf(topics.partitions)
        self._source_names = source_names
        self._outbox = outbox
        self._metrics = metrics
        self._sources: dict[TP, _Source] = {}
        self.sheds = False
        """Whether the rows that are cut now are not to be looked at closer."""
        self.brokers = BrokersClock()

    def assign(self, past: Mapping[TP, Past]) -> None:
        """Begin with these partitions, each with the records before the place where reading goes on."""
        self._sources = {}
        for tp, before in past.items():
            source = _Source(Cutter(self._source_names[tp], self._shard_of), self._kinds[tp.topic])
            decoded = self._decode(source.kind, before.records)
            offset, arrived = _columns(before.records)
            source.cutter.warm_up(
                offset[decoded.index],
                decoded.ts_ms,
                arrived[decoded.index],
                before.begin,
                before.waiting,
                list(_controls(before.records, self._max_ahead_ms).values()),
            )
            self._sources[tp] = source

    async def handle(self, batch: Batch) -> None:
        """Work through one run of records."""
        source = self._sources[batch.tp]
        with self._metrics.processing.labels(Stage.INTAKE).time():
            decoded = self._decode(source.kind, batch.records)
            offset, arrived = _columns(batch.records)
            controls = _controls(batch.records, self._max_ahead_ms)
            refused = [bad for bad in decoded.refused if bad.index not in controls]
        async with source.sending:
            start = source.cutter.continues_at(batch.first_offset)
            part = SourceRange(
                start,
                batch.next_offset,
                offset[decoded.index],
                arrived[decoded.index],
                decoded,
                list(controls.values()),
            )
            blocks = source.cutter.cut(part, self.sheds)
            source.silence.heard(_now_ms(), stated=bool((blocks[0].steps.ms > UNKNOWN_MS).any()))
            source.time.add(blocks[0].steps, self._idle_after_ms, self._max_behind_ms)
            await self._send(blocks)
        await self._refuse(batch, refused)
        self._count(source.kind, decoded, refused)

    async def pass_time(self, progress: Mapping[TP, Progress]) -> None:
        """Let event time pass in partitions that are read to their end and whose records said no time for a while.

        No longer than the brokers answered that nothing came: when they are away, or this process stood still, nobody was silent.
        """
        for tp, source in list(self._sources.items()):
            known = progress.get(tp)
            if known is None or not known.caught_up or known.in_flight:
                continue
            async with source.sending:
                elapsed_ms = source.silence.elapsed_ms(
                    known.listened, self._idle_after_ms, source.cutter.last_arrived_ms, self.brokers
                )
                if elapsed_ms is not None:
                    await self._send(source.cutter.idle(elapsed_ms))

    def too_far_ahead(self, progress: Mapping[TP, Progress]) -> dict[TP, TP]:
        """Return the partitions that should wait until others have come as far, each with one it waits for."""
        known = {tp: at for tp, at in progress.items() if tp in self._sources}
        return too_far_ahead({tp: self._reached(tp, at) for tp, at in known.items()}, self._lagging)

    def _reached(self, tp: TP, at: Progress) -> Reached:
        source = self._sources[tp]
        answered_ago_ms = None if at.listened is None else _now_ms() - at.listened.until_ms
        unread = (at.end_offset or 0) - (at.processed_offset or 0)
        return Reached(source.time.passed_ms, source.cutter.last_arrived_ms, unread, answered_ago_ms)

    def _decode(self, kind: Kind, records: Records) -> Decoded:
        return self._decoder.topic(records.values.column(), kind, _columns(records)[1])

    async def _send(self, blocks: list[Block]) -> None:
        for shard, block in enumerate(blocks):
            sent = await self._outbox.send(
                Sink.EXCHANGE, self._exchange, shard, block.source.encode(), encode_block(block)
            )
            if shard == 0:
                sent.add_done_callback(self._see_clock)  # type: ignore[attr-defined]
        self._metrics.blocks.labels(BlockOutcome.SENT).inc(len(blocks))

    def _see_clock(self, sent: asyncio.Future[Any]) -> None:
        if not sent.cancelled() and sent.exception() is None and sent.result().timestamp_type == _LOG_APPEND_TIME:
            self.brokers.saw(sent.result().timestamp, _now_ms())

    async def _refuse(self, batch: Batch, refused: list[Refused]) -> None:
        for bad in refused:
            record = batch.records[bad.index]
            place = Place(batch.tp.topic, batch.tp.partition, record.offset)
            await self._dead_letters.send(place, record.key, record.value, record.headers, bad.reason, bad.message)

    def _count(self, kind: Kind, decoded: Decoded, refused: list[Refused]) -> None:
        event_type = _EVENT_TYPE[kind]
        made_up = np.zeros(len(decoded), np.bool_)
        if self._canary is not None and self._canary in decoded.poll_ids:
            made_up = decoded.poll == decoded.poll_ids.index(self._canary)
        self._metrics.events_received.labels(event_type).inc(len(refused))
        for bad in refused:
            self._metrics.events_refused.labels(bad.reason).inc()
        # else made-up votes would hide that no others come
        for whose, ts_ms in ((event_type, decoded.ts_ms[~made_up]), (EventType.CANARY, decoded.ts_ms[made_up])):
            if len(ts_ms):
                self._metrics.events_received.labels(whose).inc(len(ts_ms))
                self._metrics.last_event.labels(whose).set(int(ts_ms.max()) / 1000)


def _controls(records: Records, max_ahead_ms: int) -> dict[int, tuple[int, Control]]:
    """Return offset and content of the control records, by their place in the run: they have headers and no value.

    None says more than that time has come so far ahead of the brokers' clock.
    """
    found = {i: parse_control(headers) for i, headers in records.headers.items() if records.values[i] is None}
    times_ms = records.timestamps_ms
    return {
        i: (records.offsets[i], control.at_most(times_ms[i] + max_ahead_ms))
        for i, control in found.items()
        if control is not None
    }


def _columns(records: Records) -> tuple[Int64s, Int64s]:
    """Return the offsets and the brokers' timestamps."""
    return np.frombuffer(records.offsets, np.int64), np.frombuffer(records.timestamps_ms, np.int64)


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
