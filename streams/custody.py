"""The partitions a worker holds: taken over with their state, saved while it holds them, given up with a last snapshot.

Owns when state is restored and saved. Must not know what the stages do with records.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiokafka import TopicPartition
from faust.types import TP

from config import Settings, TopicRole
from detectors.watermark import RECORDS
from streams.bounds import bounds, check_restored
from streams.case_stage import Cases
from streams.health import Health, monotonic_ms
from streams.intake import Intake
from streams.kafka_client import aiokafka as aiokafka_arguments
from streams.load import Load
from streams.look_back import look_back
from streams.malloc import give_back
from streams.metrics import Metrics
from streams.shards import Shards
from streams.transport import Consumer

logger = logging.getLogger(__name__)

# of the 60 s that the group waits for a member that gives partitions up
_GIVE_UP_WITHIN_S = 25.0


class Custody:
    """What the group has given this worker. `holds` is true from when all state is restored until it is to be given up.

    Over Faust's own transport there are no gates and no hand-over: `give_up` is never called, and offsets go their own way.
    """

    def __init__(
        self,
        settings: Settings,
        stages: tuple[Intake, Shards, Cases],
        load: Load,
        health: Health,
        metrics: Metrics,
        consumer: Callable[[], Any],
    ) -> None:
        topics = settings.topics
        self._exchange, self._findings = topics.name(TopicRole.EXCHANGE), topics.name(TopicRole.FINDINGS)
        self._verdicts = topics.name(TopicRole.VERDICTS)
        self._group, self._connection = settings.kafka.group_id, aiokafka_arguments(settings.kafka)
        self._intake, self._shards, self._cases = stages
        self._load, self._health, self._metrics = load, health, metrics
        self._consumer = consumer
        self._saving = asyncio.Lock()
        self.holds = False

    async def take_over(self, assigned: frozenset[TP]) -> None:
        """Restore the state of these partitions; nothing of them is read before. Raises what stops a worker from going on."""
        self._health.assigned(monotonic_ms())
        kept = {tp for tp in assigned if tp.topic in (self._exchange, self._findings)}
        resume = await self._shards.assign({tp for tp in kept if tp.topic == self._exchange})
        resume |= await self._cases.assign({tp for tp in kept if tp.topic == self._findings})
        await self._go_on_from(resume, kept)
        inputs = [TopicPartition(*tp) for tp in assigned - kept if tp.topic != self._verdicts]
        past = await look_back(self._connection, self._group, inputs, RECORDS)
        self._intake.assign({TP(tp.topic, tp.partition): before for tp, before in past.items()})
        self._load.assigned()
        self.holds = True
        self._health.recovered(monotonic_ms())
        logger.info("assigned %d partitions, %d of them with state", len(assigned), len(resume))

    async def _go_on_from(self, resume: dict[TP, int], kept: set[TP]) -> None:
        consumer = self._consumer()
        if not isinstance(consumer, Consumer):
            return
        found = await bounds(self._connection, self._group, [TopicPartition(*tp) for tp in kept])
        for tp, its_bounds in found.items():
            check_restored(f"{tp.topic}/{tp.partition}", resume.get(TP(*tp)), its_bounds)
        for tp, offset in resume.items():
            consumer.start_at(tp, offset)

    async def give_up(self) -> None:
        """Say and save all that was done, as far as the topics take it in time; what is not saved is done again."""
        self.holds = False
        try:
            async with asyncio.timeout(_GIVE_UP_WITHIN_S):
                await self._cases.say_all_estimates()
                await self._save(everything=True)
        except TimeoutError:
            logger.warning("given up without snapshots of all that was done: it is done again from the last ones")

    def lost(self, revoked: set[TP]) -> None:
        """Note that these partitions are no longer ours."""
        self.holds = False
        self._health.revoked(monotonic_ms())
        for tp in revoked:
            self._metrics.forget_partition(tp.topic, tp.partition)

    async def save_due(self) -> None:
        """Write the snapshots whose time has come."""
        if self.holds:
            await self._save(everything=False)

    def _at_leisure(self) -> bool:
        return self.holds

    async def _save(self, everything: bool) -> None:
        async with self._saving:
            if everything or self._shards.due():
                # each is copied while it is saved; the largest is a sixth of a worker
                await asyncio.to_thread(give_back)
            for stage in (self._shards, self._cases):
                for tp in stage.changed() if everything else stage.due():
                    offset = await stage.save(tp, self._at_leisure)
                    consumer = self._consumer()
                    if offset is not None and isinstance(consumer, Consumer):
                        consumer.open_gate(tp, offset)
