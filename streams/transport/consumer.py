"""Hands runs of records to the conductor and commits what the ledger says is settled.

Owns the fetch loop, seeks, rebalance and the hand-over of partitions. Must not know what agents do with a batch.
Overrides internals of faust-streaming 0.15.3; docs/decisions/0002-batch-transport.md says which and why.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from aiokafka.errors import ConsumerStoppedError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage, Message

from streams.transport.batch import BatchMessage
from streams.transport.chunks import in_turns
from streams.transport.fetch import ConsumerThread, Fetched
from streams.transport.finish import finish_begun
from streams.transport.ledger import Ledger, Partition
from streams.transport.progress import Progress
from streams.transport.records import Records

if TYPE_CHECKING:
    from streams.transport.driver import Transport



class Consumer(driver.Consumer):
    """Faust's consumer, in whose eyes a message may be a run of records."""

    transport: Transport
    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.ledger: Ledger[TP] = Ledger()
        self._fetching = asyncio.Lock()
        self._handing_over = asyncio.Lock()
        self._handed_over = False
        self._restored = False
        self._fetchable = asyncio.Event()
        self._aside: dict[TP, asyncio.Task[None]] = {}
        self._held: frozenset[TP] = frozenset()
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # -- what a worker may ask and say

    def progress(self, tp: TP) -> Progress:
        """Return how far `tp` has come. Raises KeyError if it is not assigned."""
        partition = self.ledger.partitions[tp]
        return Progress(
            partition.read,
            partition.end,
            len(partition.in_flight),
            partition.begun,
            partition.processed(),
            self._committed_offset.get(tp),
            partition.listened,
        )

    def start_at(self, tp: TP, offset: int) -> None:
        """Read from `offset`, not from the committed offset. Call it in `app.on_partitions_assigned`, per assignment."""
        self.ledger.start_at(tp, offset)

    def open_gate(self, tp: TP, offset: int) -> None:
        """Allow commits of a gated partition up to `offset` (a snapshot's last offset + 1).

        Does nothing once the partition has left: its next owner reads that very snapshot.
        """
        self.ledger.open_gate(tp, offset)

    def set_aside(self, tp: TP, work: asyncio.Task[None]) -> None:
        """Fetch no more of `tp` while `work` on it hangs."""
        self._aside[tp] = work

    def take_back(self, tp: TP) -> None:
        """Fetch `tp` again, if it was set aside."""
        if self._aside.pop(tp, None) is not None:
            self._fetchable.set()

    def hold(self, tps: Iterable[TP]) -> None:
        """Fetch nothing more of exactly these partitions until the next call or assignment; what was fetched is handed over."""
        before, self._held = self._held, frozenset(tps)
        if before - self._held:
            self._fetchable.set()

    # -- fetching

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self.should_stop or fetcher.should_stop):
                await asyncio.sleep(0)
                async for _tp, message in self.getmany(timeout=1.0):
                    await self.wait_first(self.callback(message), self.suspend_flow.wait())
                    await self._commit_if_many_acks()
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.app.should_stop:
                raise

    async def _commit_if_many_acks(self) -> None:
        if self._commit_every is not None and self._n_acked >= self._commit_every:
            self._n_acked = 0
            await self.commit()

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """Yield messages in turns over the partitions; what cannot be delivered any more is fetched again."""
        if not self.flow_active:
            await self.wait(cast(Any, self.can_resume_flow))
        async with self._fetching:
            owners = dict(self.ledger.partitions)
            fetched = await self._fetch(timeout)
        held: dict[TP, int] = {}
        for tp, run in in_turns(fetched.records, self.transport.limits_of):
            if tp in held or not self._deliverable(tp, owners):
                held.setdefault(tp, run.offsets[0])
                continue
            message = self._message(tp, run)
            owners[tp].deliver(message, run.offsets[0])
            yield tp, message
            if not (message.refcount or message.acked):
                owners[tp].withdraw(message, run.offsets[0])
                held[tp] = run.offsets[0]
        await self._note(fetched, owners, held)

    async def _fetch(self, timeout_s: float) -> Fetched:
        active = set(self._get_active_partitions()) - self._aside.keys() - self._held
        if active:
            return await self._thread.fetch(active, timeout_s)
        self._fetchable.clear()
        await self.wait_first(self._fetchable.wait(), timeout=timeout_s)
        return Fetched()

    def _deliverable(self, tp: TP, owners: Mapping[TP, Partition]) -> bool:
        held = tp in self._paused_partitions or tp in self._aside
        return self.flow_active and not held and self._unchanged(tp, owners)

    def _unchanged(self, tp: TP, owners: Mapping[TP, Partition]) -> bool:
        return tp in owners and self.ledger.partitions.get(tp) is owners[tp]

    def _message(self, tp: TP, run: Records) -> ConsumerMessage:
        if self.transport.is_batch(tp):
            return BatchMessage(tp, run, self.app.consumer_generation_id)
        return self._to_message(tp, run[0])

    async def _note(self, fetched: Fetched, owners: Mapping[TP, Partition], held: Mapping[TP, int]) -> None:
        if self.flow_active:
            for tp, end in fetched.ends.items():
                if self._unchanged(tp, owners):
                    owners[tp].end, owners[tp].listened = end, fetched.listened.get(tp)
                    self.app.monitor.track_tp_end_offset(tp, end)
            for tp, position in fetched.positions.items():
                if self._unchanged(tp, owners) and tp not in held:
                    owners[tp].reach(position)
        back = {tp: offset for tp, offset in held.items() if self._unchanged(tp, owners)}
        if back:
            await self._thread.give_back(back)

    def on_buffer_drop(self, tp: TP) -> None:
        """Fetch `tp` again, unless it was paused or has left while its queue was full."""
        self._buffered_partitions.discard(tp)
        if tp in self.ledger.partitions and tp not in self._paused_partitions:
            self._get_active_partitions().add(tp)
            self._fetchable.set()

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Fetch from partitions that were paused."""
        super().resume_partitions(tps)
        self._fetchable.set()

    # -- seeking

    async def seek(self, partition: TP, offset: int) -> None:
        """Read `partition` from `offset`; acks of what was delivered before count for nothing."""
        await self.seek_wait({partition: offset})

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Read partitions from these offsets; acks of what was delivered before count for nothing."""
        async with self._fetching:
            await self._thread.seek_wait(partitions)
            for tp, offset in partitions.items():
                self.ledger.restart(tp, offset)

    async def perform_seek(self) -> None:
        """Read every partition from where the ledger resumes: `start_at`, else the committed offset.

        Faust sends its own signal of an assignment while this runs in another task: too late to restore anything.
        """
        for hook in self.transport.assign_hooks:
            await hook(frozenset(self.ledger.partitions))
        async with self._fetching:
            points = self.ledger.resume_points()
            committed = await self._thread.resume_at(points)
            for tp, offset in committed.items():
                self._committed_offset[tp] = offset
                self.ledger.restart(tp, points.get(tp, offset))
            self._restored = True

    # -- committing

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        for tp in self.ledger.partitions:
            chosen = topics is None or tp in topics or tp.topic in topics
            if chosen and self.app.topics.acks_enabled_for(tp.topic):
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        # Faust's streams write these two, compiled; nothing reads them here, and they must not grow.
        self._acked.pop(tp, None)
        self._acked_index.pop(tp, None)
        return self.ledger.partitions[tp].committable()

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        mine = {tp: offset for tp, offset in offsets.items() if tp in self.ledger.partitions}
        if not mine:
            return False
        if not await self._commit(mine):
            return False
        self._committed_offset.update(mine)
        self.app.tables.on_commit(mine)
        self.app.monitor.on_tp_commit(mine)
        return True

    # -- rebalance and stop

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Begin a generation. Nothing flows until Faust has called `perform_seek`."""
        if self.app.should_stop:
            return
        self._halt()
        self._handed_over = self._restored = False
        self._buffered_partitions.clear()
        self._held = frozenset()
        self.ledger.assign({tp: self.transport.gate_of(tp) for tp in assigned})
        await super().on_partitions_assigned(assigned, generation_id)
        # where there is nothing to read, Faust asks for no seek
        for hook in () if assigned else self.transport.assign_hooks:
            await hook(frozenset())

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish what agents have begun, commit it, then forget the partitions."""
        self._halt()
        if self.app.should_stop:
            await self.wait_empty()
        else:
            await self._on_partitions_revoked(revoked)
        self.ledger.drop(revoked)
        for tp in revoked:
            self._committed_offset.pop(tp, None)
        for tps in (self._get_active_partitions(), self._paused_partitions, self._buffered_partitions):
            tps.difference_update(revoked)

    def _halt(self) -> None:
        self.stop_flow()
        self.app.flow_control.suspend()
        self.app.flow_control.clear()

    async def wait_empty(self) -> None:
        """Hand the partitions over, once per assignment: wait for begun batches, call the hooks, commit.

        After a crash nothing more is committed: what was settled since the last commit is read again. The hooks see
        only what the assign hooks have restored in full.
        """
        async with self._handing_over:
            if self._handed_over or self.app.crashed:
                return
            self._halt()
            await finish_begun(self, self._aside)
            if self.app.crashed:
                return
            for hook in self.transport.revoke_hooks if self._restored else ():
                await hook(frozenset(self.ledger.partitions))
            await self.maybe_wait_for_commit_to_finish()
            await self.commit()
            self._handed_over = True
