"""The polls stage: blocks of the exchange go to their shard, its reports to the cases, its snapshots to the state topic."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from faust.types import TP

from config.schema import Settings, TopicRole
from detectors.block import Block
from detectors.counted import Counted
from detectors.erasure import Erasure
from detectors.findings import Report
from detectors.inbox import Gap
from detectors.shard import Shard
from streams.bounds import unread
from streams.decode import hash_strings
from streams.erase_order import EraseOrder, encode_order, order_in
from streams.hash_key import hash_key
from streams.metric_labels import BlockOutcome, Sink, Stage, Store
from streams.metrics import Metrics
from streams.outbox import Outbox
from streams.snapshots import Snapshot, SnapshotStore
from streams.transport import Batch
from streams.wire import decode_block, encode_report

logger = logging.getLogger(__name__)

STATE_NAME = "polls"
# one is read while another is unpacked; what is packed and unpacked lies in memory beside the state itself
_RESTORED_AT_ONCE = 2
_TOO_MANY_WAITED = (
    "shard %d: too many votes waited for a partition that is behind in event time: the oldest went on without it, and what it "
    "still sends for their time is late. Raise polls.max_waiting_rows if there is memory for it"
)
_LEFT_BEHIND = (
    "event time goes on without %s: it is more than intake.max_behind_ms behind the others, and what it sends is late. Look at "
    "the clocks of those who send into it"
)
OUTPUT_PATIENCE_S = 4.0
"""How long a snapshot waits for what it caused to be acknowledged, before the others take their turn."""


@dataclass
class Kept:
    """A restored state machine of one partition, the offset it has come to, and where its snapshots go.

    `erasures` counts accounts that were erased from it, `saved_erasures` those that its last snapshot is without.
    Whoever holds `busy` sees a state whose outputs are all on their way.
    """

    machine: Any
    store: SnapshotStore
    offset: int
    saved_offset: int
    saved_at_s: float = field(default_factory=time.monotonic)
    erasures: int = 0
    saved_erasures: int = 0
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def changed(self) -> bool:
        """Whether it has come further than its last snapshot."""
        return self.offset > self.saved_offset

    def due(self, every_s: float) -> bool:
        """Tell whether it has changed and its last snapshot is so old, or holds an account that was erased since."""
        if self.erasures > self.saved_erasures:
            return True
        return self.changed and time.monotonic() - self.saved_at_s >= every_s


class Shards:
    """The shards of the exchange partitions this worker owns."""

    def __init__(
        self,
        settings: Settings,
        build: Callable[[int], Shard],
        store: Callable[[str, int], SnapshotStore],
        outbox: Outbox,
        metrics: Metrics,
    ) -> None:
        self._build = build
        self._store = store
        self._findings = settings.topics.name(TopicRole.FINDINGS)
        self._hash_key = hash_key(settings.intake)
        self._every_s = settings.worker.snapshot_every_ms / 1000
        self._outbox = outbox
        self._metrics = metrics
        self._shards: dict[TP, Kept] = {}
        self._told: set[int | str] = set()

    async def assign(self, tps: set[TP]) -> dict[TP, int]:
        """Restore these partitions; return where reading goes on for those that had a snapshot."""
        self._shards = {}
        # the last one, of all polls, is the largest: it is restored while least is in memory
        order = sorted(tps, reverse=True)
        room = asyncio.Semaphore(_RESTORED_AT_ONCE)
        restored = await asyncio.gather(*(self._restore(tp, room) for tp in order))
        return {tp: offset for tp, offset in zip(order, restored, strict=True) if offset is not None}

    async def _restore(self, tp: TP, room: asyncio.Semaphore) -> int | None:
        async with room:
            return await self._restore_now(tp)

    async def _restore_now(self, tp: TP) -> int | None:
        shard, store = self._build(tp.partition), self._store(STATE_NAME, tp.partition)
        snapshot = await store.read()
        if snapshot is not None:
            shard.restore(snapshot.state)
        offset = -1 if snapshot is None else snapshot.offset
        self._shards[tp] = Kept(shard, store, offset, offset)
        return None if snapshot is None else snapshot.offset

    async def handle(self, batch: Batch) -> None:
        """Give a run of blocks to their shard, and what it found to the cases."""
        kept = self._shards[batch.tp]
        async with kept.busy:
            with self._metrics.processing.labels(Stage.POLLS).time():
                said = self._worked_through(kept, batch)
            kept.offset = batch.next_offset
            self._metrics.blocks.labels(BlockOutcome.APPLIED).inc(len(batch.records))
            for one in said:
                await (self._pass_on(one, batch.tp.partition) if isinstance(one, EraseOrder) else self._tell(*one))

    def _worked_through(self, kept: Kept, batch: Batch) -> list[tuple[Report, Counted] | EraseOrder]:
        """Return reports, and orders to erase an account behind those of what came before them."""
        said: list[tuple[Report, Counted] | EraseOrder | None] = []
        for message in batch.records.values:
            order = order_in(message)
            if order is None:
                _accept(kept.machine, decode_block(message or b""))
            else:
                account = int(hash_strings([order.account_id], self._hash_key)[0])
                said += [kept.machine.erase(Erasure(account, order.account_id, order.salt)), order]
                kept.erasures += 1
        said.append(kept.machine.advance())
        return [one for one in said if one is not None]

    async def _pass_on(self, order: EraseOrder, shard: int) -> None:
        logger.info("shard %d forgot an account (order %s)", shard, order.order)
        message = encode_order(msgspec.structs.replace(order, shard=shard))
        await self._outbox.send(Sink.FINDINGS, self._findings, 0, str(shard).encode(), message)

    async def _tell(self, report: Report, counted: Counted) -> None:
        self._count(counted)
        self._complain(report.shard, counted)
        for finding in report.findings:
            self._metrics.findings.labels(finding.kind).inc()
        self._metrics.watermark_lag.labels(Stage.POLLS).set(time.time() - report.to_ms / 1000)
        await self._outbox.send(Sink.FINDINGS, self._findings, 0, str(report.shard).encode(), encode_report(report))

    def _complain(self, shard: int, counted: Counted) -> None:
        """Say once what event time goes on without: it is of a source's clocks, or of too much at once."""
        if counted.early and shard not in self._told:
            self._told.add(shard)
            logger.warning(_TOO_MANY_WAITED, shard)
        if counted.left_behind is not None and counted.left_behind not in self._told:
            self._told.add(counted.left_behind)
            logger.warning(_LEFT_BEHIND, counted.left_behind)

    def due(self) -> list[TP]:
        """Return the partitions whose last snapshot is old and that have come further since."""
        return [tp for tp, kept in self._shards.items() if kept.due(self._every_s)]

    def changed(self) -> list[TP]:
        """Return the partitions that have come further than their last snapshot."""
        return [tp for tp, kept in self._shards.items() if kept.changed]

    async def save(self, tp: TP, at_leisure: Callable[[], bool]) -> int | None:
        """Write a snapshot of one partition; return the offset up to which it may be committed, None if it can't be yet."""
        return await save(self._shards[tp], tp, Stage.POLLS, self._outbox, self._metrics, at_leisure)

    def _count(self, counted: Counted) -> None:
        self._metrics.events_duplicate.inc(counted.duplicates)
        self._metrics.events_late.inc(counted.late)
        self._metrics.revotes.inc(counted.revotes)
        self._metrics.events_unwatched.inc(counted.unwatched)
        self._metrics.state_evictions.labels(Store.POLLS).inc(counted.polls_evicted)
        self._metrics.state_evictions.labels(Store.WAITING_ROWS).inc(counted.early)
        self._metrics.state_evictions.labels(Store.RECENT_IDS).inc(counted.ids_early)

    def show(self) -> None:
        """Bring the gauges of stores up to date."""
        sizes = [kept.machine.sizes() for kept in self._shards.values()]
        limits = [kept.machine.params.limits() for kept in self._shards.values()]
        for store in (Store.POLLS, Store.RECENT_IDS, Store.WAITING_ROWS):
            held = [size[store.value] for size in sizes]
            self._metrics.state_entries.labels(store).set(sum(held))
            # many ids of one poll fill one shard, and the others' room is of no use to it
            full = (entries / most[store.value] for entries, most in zip(held, limits, strict=True))
            self._metrics.state_fullness.labels(store).set(max(full, default=0.0))


def _accept(shard: Shard, block: Block) -> None:
    try:
        shard.accept(block)
    except Gap as gap:
        raise unread(gap) from gap


async def save(
    kept: Kept, tp: TP, stage: Stage, outbox: Outbox, metrics: Metrics, at_leisure: Callable[[], bool]
) -> int | None:
    """Write a snapshot of a state machine as it is now, and wait until the brokers hold it; return its offset.

    While it is written `at_leisure`, others come first.

    None: what it has caused could not be written within `OUTPUT_PATIENCE_S`. Nobody who restores a snapshot makes the outputs
    before it again, so there is none before they are acknowledged.
    """
    began_s = time.monotonic()
    try:
        async with asyncio.timeout(OUTPUT_PATIENCE_S):
            async with kept.busy:
                offset, erasures = kept.offset, kept.erasures
                # a large one takes a tenth of a second, mostly without Python's lock: the others' blocks do not wait for it
                state = await asyncio.to_thread(kept.machine.snapshot)
            await outbox.flush(tp)
    except TimeoutError:
        logger.warning("no snapshot of %s/%d: a topic takes nothing of what it caused", tp.topic, tp.partition)
        return None
    size = await kept.store.write(Snapshot(offset, state), alone=erasures > kept.saved_erasures, at_leisure=at_leisure)
    kept.saved_offset, kept.saved_erasures, kept.saved_at_s = offset, erasures, time.monotonic()
    metrics.snapshot(stage, size, kept.saved_at_s - began_s, time.time())
    return offset
