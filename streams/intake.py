"""Intake: runs of input records become blocks on the exchange, refused records go to the dead letter.

One call of `handle` is one run of one source partition; those that are there at once go through together: decode, cut, send. What is
refused each run sends by itself. Nothing here looks at what the rows
say. No offset is committed before the brokers hold all that was sent for it (`streams.transport`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from faust.types import TP

from config.schema import Settings, TopicRole
from detectors.block import Block, Part
from detectors.columns import Int64s
from detectors.source_time import SourceTime
from detectors.watermark import UNKNOWN_MS
from streams.alignment import Reached, too_far_ahead
from streams.bytes_column import joined
from streams.control import Control, parse_control
from streams.cut import ShardOf, cut, without_rows
from streams.cutter import Cutter, Read, SourceRange
from streams.dead_letters import DeadLetters, Place
from streams.decode import Decoded, Decoder, Kind, Refused
from streams.look_back import Past
from streams.metric_labels import BlockOutcome, EventType, Sink, Stage
from streams.metrics import Metrics
from streams.outbox import Outbox
from streams.rounds import Rounds
from streams.silence import BrokersClock, SourceSilence
from streams.stages import canary_poll
from streams.transport import Batch, Progress
from streams.transport.records import Records
from streams.wire import encode_block

_Controls = dict[int, tuple[int, Control]]

_LOG_APPEND_TIME = 1
_EVENT_TYPE = {Kind.VOTE: EventType.VOTE, Kind.REPLY: EventType.REPLY}


class _Source:
    """What intake knows of one assigned partition."""

    def __init__(self, cutter: Cutter, kind: Kind) -> None:
        self.cutter = cutter
        self.kind = kind
        self.silence = SourceSilence(_now_ms())
        self.time = SourceTime()


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
        self._rounds = Rounds(self._together, settings.intake.max_batch_records)
        self.sheds = False
        """Whether the rows that are cut now are not to be looked at closer."""
        self.brokers = BrokersClock()

    def assign(self, past: Mapping[TP, Past]) -> None:
        """Begin with these partitions, each with the records before the place where reading goes on."""
        self._sources = {}
        for tp, before in past.items():
            source = _Source(Cutter(self._source_names[tp]), self._kinds[tp.topic])
            offset, arrived = _columns(before.records)
            decoded = self._decoder.topic(before.records.values.column(), source.kind, arrived)
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
        """Work through one run of records, together with those of other partitions that are there."""
        await self._refuse(batch, await self._rounds.join(batch))

    async def _together(self, batches: Sequence[Batch]) -> tuple[list[list[Refused]], list[asyncio.Future[Any]]]:
        """Work through runs of several partitions of one topic; return what each has to refuse, and what was sent."""
        sources = [self._sources[batch.tp] for batch in batches]
        with self._metrics.processing.labels(Stage.INTAKE).time():
            read, refused, ends = self._read(sources[0].kind, batches)
            controls = [_controls(batch.records, self._max_ahead_ms) for batch in batches]
            blocks = cut(self._shard_of, read, list(self._ranges(sources, batches, ends, controls)), self.sheds)
        for source, part in zip(sources, blocks[0].parts, strict=True):
            source.silence.heard(_now_ms(), stated=bool((part.steps.ms > UNKNOWN_MS).any()))
            source.time.add(part.steps, self._idle_after_ms, self._max_behind_ms)
        sent = await self._send(blocks)
        refused = [[bad for bad in its if bad.index not in said] for its, said in zip(refused, controls, strict=True)]
        self._count(sources[0].kind, read.decoded, [bad for its in refused for bad in its])
        return refused, sent

    def _read(self, kind: Kind, batches: Sequence[Batch]) -> tuple[Read, list[list[Refused]], list[int]]:
        """Return the rows of all runs, what of each can't be decoded, and where its rows end."""
        columns = [_columns(batch.records) for batch in batches]
        offset, arrived_ms = (np.concatenate(column) for column in zip(*columns, strict=True))
        decoded = self._decoder.topic(joined([batch.records.values.column() for batch in batches]), kind, arrived_ms)
        last = np.cumsum([len(batch.records) for batch in batches])
        refused: list[list[Refused]] = [[] for _ in batches]
        for bad in decoded.refused:
            run = int(np.searchsorted(last, bad.index, side="right"))
            before = int(last[run - 1]) if run else 0
            refused[run].append(replace(bad, index=bad.index - before))
        ends: list[int] = np.searchsorted(decoded.index, last).tolist()
        return Read(offset[decoded.index], arrived_ms[decoded.index], decoded), refused, ends

    def _ranges(
        self, sources: Sequence[_Source], batches: Sequence[Batch], ends: Sequence[int], controls: Sequence[_Controls]
    ) -> Iterator[tuple[Cutter, SourceRange]]:
        for source, batch, rows, said in zip(sources, batches, pairwise([0, *ends]), controls, strict=True):
            start = source.cutter.continues_at(batch.first_offset)
            yield source.cutter, SourceRange(start, batch.next_offset, slice(*rows), list(said.values()))

    async def pass_time(self, progress: Mapping[TP, Progress]) -> None:
        """Let event time pass in partitions that are read to their end and whose records said no time for a while.

        No longer than the brokers answered that nothing came: when they are away, or this process stood still, nobody was silent.
        """
        async with self._rounds.working:
            parts = [part for tp, source in self._sources.items() if (part := self._idle(source, progress.get(tp)))]
            if parts:
                await self._send(without_rows(parts, self._shard_of.shards))

    def _idle(self, source: _Source, known: Progress | None) -> Part | None:
        if known is None or not known.caught_up or known.in_flight:
            return None
        elapsed_ms = source.silence.elapsed_ms(
            known.listened, self._idle_after_ms, source.cutter.last_arrived_ms, self.brokers
        )
        return None if elapsed_ms is None else source.cutter.idle(elapsed_ms)

    def too_far_ahead(self, progress: Mapping[TP, Progress]) -> dict[TP, TP]:
        """Return the partitions that should wait until others have come as far, each with one it waits for."""
        known = {tp: at for tp, at in progress.items() if tp in self._sources}
        return too_far_ahead({tp: self._reached(tp, at) for tp, at in known.items()}, self._lagging)

    def _reached(self, tp: TP, at: Progress) -> Reached:
        source = self._sources[tp]
        answered_ago_ms = None if at.listened is None else _now_ms() - at.listened.until_ms
        unread = (at.end_offset or 0) - (at.processed_offset or 0)
        return Reached(source.time.passed_ms, source.cutter.last_arrived_ms, unread, answered_ago_ms)

    async def _send(self, blocks: Sequence[Block]) -> list[asyncio.Future[Any]]:
        sent: list[Any] = []
        for shard, block in enumerate(blocks):
            sent.append(await self._outbox.send(Sink.EXCHANGE, self._exchange, shard, None, encode_block(block)))
        sent[0].add_done_callback(self._see_clock)
        self._metrics.blocks.labels(BlockOutcome.SENT).inc(len(blocks))
        return sent

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


def _controls(records: Records, max_ahead_ms: int) -> _Controls:
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
