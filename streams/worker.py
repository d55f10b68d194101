"""The worker: how the stages hang together, in the order of the flow. Faust is spoken to here and in `streams.transport`.

    poll.votes, poll.replies -> intake -> exchange -> shards -> findings -> cases -> alerts, integrity
                            moderation.verdicts -> decisions -> findings
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.metadata import version
from typing import Any, cast

import faust
from faust.types import TP

from config import Settings, TopicRole
from streams.canary import BEAT_S
from streams.canary_sender import build_canary
from streams.case_stage import ESTIMATES_EVERY_S, Cases
from streams.cluster import input_sources
from streams.custody import Custody
from streams.decision_intake import DecisionIntake
from streams.ends import Ends
from streams.health import Health, monotonic_ms
from streams.health_server import serve
from streams.intake import Intake
from streams.kafka_client import aiokafka as aiokafka_arguments
from streams.kafka_client import faust as faust_arguments
from streams.load import Load
from streams.metrics import Metrics, process_registry
from streams.outbox import Outbox
from streams.partition_watch import Held, PartitionWatch
from streams.shards import Shards
from streams.snapshots import SnapshotStore
from streams.stages import build_cases, build_decoder, build_shard, meaning_of_state
from streams.topic_table import largest_request_bytes
from streams.transport import (
    Batch,
    BatchLimits,
    Consumer,
    Gate,
    Progress,
    Transport,
    batch_topic,
    process,
    run,
    settings_for_faust,
)
from streams.until_signal import until_signal

logger = logging.getLogger(__name__)

_TICK_S = 0.25
_SAVE_EVERY_S = 1.0
_SHOW_EVERY_S = 1.0
_ASK_EVERY_S = 1.0
# every step of a detector costs the same for few rows as for many, so blocks are worked on in runs; a run is 16,000 rows of
# a poll shard or one full block of all polls, some 80 ms of work, in which nothing else of the worker moves
_EXCHANGE_LIMITS = BatchLimits(max_records=256, max_bytes=5 << 18)
_GATHER_MS = 100
# runs of up to 4 MB that wait for intake, while as much again is being fetched
_QUEUED_RUNS = 4
_MOST_WAITING_BLOCKS = 2_000


class _App(faust.App):
    """A Faust app that leaves no folders behind: they are for tables, and there are none."""

    def _create_directories(self) -> None:
        pass


class Worker:
    """One worker process: all stages, on whatever partitions the group gives it."""

    def __init__(self, settings: Settings, scheme: str = "pollwatch") -> None:
        self._settings = settings
        self._connection = aiokafka_arguments(settings.kafka)
        self._source_names = input_sources(settings)
        self._meaning = meaning_of_state(settings)
        self.registry = process_registry()
        self.metrics = Metrics(self.registry, settings.worker.top_polls)
        self.metrics.describe(version("pollwatch"), settings.digest(), settings.worker.mode.value)
        self.health = Health(monotonic_ms())
        self.app = _App(
            settings.kafka.group_id,
            **settings_for_faust(settings.kafka.session_timeout_ms / 1000),
            producer_max_request_size=largest_request_bytes(settings.intake),
            **faust_arguments(settings.kafka, scheme),
        )
        self._outbox = Outbox(lambda: self.app.producer, self.metrics, self._fail)
        self._ends, self._held = Ends(self._connection, self.metrics), Held(settings.topics, self._outbox)
        self._make_stages()
        self._load = Load(settings, self.metrics, self._intake.brokers)
        stages = self._intake, self._shards, self._cases
        self._custody = Custody(settings, stages, self._load, self.health, self.metrics, lambda: self.app.consumer)
        self._connect()

    def _make_stages(self) -> None:
        settings, outbox, metrics = self._settings, self._outbox, self.metrics
        names = list(self._source_names.values())
        self._intake = Intake(settings, build_decoder(settings), self._source_names, outbox, metrics)
        self._decisions = DecisionIntake(settings, outbox, metrics)
        self._shards = Shards(settings, lambda n: build_shard(n, settings, names), self._store, outbox, metrics)
        votes = [tp.partition for tp in self._source_names if tp.topic == settings.topics.name(TopicRole.VOTES)]
        self._canary = build_canary(settings, len(votes), outbox, metrics)
        book = partial(build_cases, settings, settings.worker.mode.value)
        self._cases = Cases(settings, book, self._store, outbox, metrics, self._canary)

    def _store(self, stage: str, number: int) -> SnapshotStore:
        topic = self._settings.topics.name(TopicRole.STATE)
        return SnapshotStore(self._outbox, self._connection, topic, stage, number, self._meaning)

    def _connect(self) -> None:
        app, topics = self.app, self._settings.topics
        inputs = [topics.name(TopicRole.VOTES), topics.name(TopicRole.REPLIES)]
        limits = BatchLimits(max_records=self._settings.intake.max_batch_records, gather_ms=_GATHER_MS)
        self._exchange, self._findings = topics.name(TopicRole.EXCHANGE), topics.name(TopicRole.FINDINGS)
        exchange = batch_topic(app, self._exchange, limits=_EXCHANGE_LIMITS, gate=Gate.GUARDED)
        findings = batch_topic(app, self._findings, limits=_EXCHANGE_LIMITS, gate=Gate.GUARDED)

        async def intake(stream: Any) -> None:
            await process(app, stream, self._noted(self._intake.handle), self._room, limits.max_records)

        async def shards(stream: Any) -> None:
            await process(app, stream, self._noted(self._shards.handle))

        async def cases(stream: Any) -> None:
            await process(app, stream, self._noted(self._cases.handle))

        async def decisions(stream: Any) -> None:
            await process(app, stream, self._noted(self._decisions.handle))

        app.agent(batch_topic(app, *inputs, limits=limits, queue_batches=_QUEUED_RUNS), name="intake")(intake)
        app.agent(exchange, name="shards")(shards)
        app.agent(findings, name="cases")(cases)
        app.agent(batch_topic(app, topics.name(TopicRole.VERDICTS), limits=_EXCHANGE_LIMITS), name="decisions")(decisions)
        app.on_partitions_revoked.connect(cast(Any, self._revoked))
        if isinstance(app.transport, Transport):
            app.transport.on_assign(self._custody.take_over)
            app.transport.on_revoke(self._give_up)
            app.transport.on_refusal(self._outbox.refused)
        else:
            app.on_partitions_assigned.connect(cast(Any, self._assigned_stock))

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set. Raises what crashed the worker, if something did."""
        settings = self._settings
        server = await serve(self.health, self.registry, settings.worker.http_host, settings.worker.http_port)
        self.http_port = server.port
        logger.info("metrics and health on http://%s:%d", settings.worker.http_host, server.port)
        # apart from each other: a save that waits for the brokers must not look like a worker that died
        rhythm = (
            (_TICK_S, self._pass_time),
            (_SAVE_EVERY_S, self._custody.save_due),
            (ESTIMATES_EVERY_S, self._tell),
            (_SHOW_EVERY_S, self._show),
            (_ASK_EVERY_S, lambda: self._ends.ask(self._progress())),
            (BEAT_S, self._beat),
        )
        self._watch = PartitionWatch(self.metrics, self.health)
        chores = [asyncio.create_task(self._every(seconds, chore)) for seconds, chore in rhythm]
        try:
            if not await run(self.app, stop):
                _end_at_once()
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
            await self._ends.close()
            await server.close()

    async def _room(self) -> None:
        """Wait until the shards have room for more, and hold partitions that the last run brought far ahead of others."""
        self._align()
        consumer: Any = self.app.consumer
        while (waiting := self._waiting_blocks()) > _MOST_WAITING_BLOCKS and consumer.flow_active:
            self._held.intake = f"{waiting} blocks on the exchange are to be worked on first"
            await asyncio.sleep(_TICK_S / 5)
        self._held.intake = ""

    def _noted(self, handle: Callable[[Batch], Awaitable[None]]) -> Callable[[Batch], Awaitable[None]]:
        """Return a handler that says what it works on."""

        async def handled(batch: Batch) -> None:
            self._load.took(batch)
            await handle(batch)

        return handled

    async def _assigned_stock(self, _app: Any, assigned: set[TP], **_: Any) -> None:
        await self._custody.take_over(frozenset(assigned))

    async def _revoked(self, _app: Any, revoked: set[TP], **_: Any) -> None:
        self._custody.lost(revoked)

    async def _give_up(self, _tps: frozenset[TP]) -> None:
        await self._custody.give_up()

    def _progress(self) -> dict[TP, Progress]:
        consumer = self.app.consumer
        if not isinstance(consumer, Consumer) or not consumer.ledger.partitions:
            return {}
        return {tp: consumer.progress(tp) for tp in consumer.assignment() if tp in consumer.ledger.partitions}

    def _align(self) -> None:
        if isinstance(self.app.consumer, Consumer):
            self._held.waits_for = self._intake.too_far_ahead(self._progress())
            self.app.consumer.hold(self._held.waits_for)

    async def _pass_time(self) -> None:
        if self._custody.holds:
            self._align()
            await self._intake.pass_time(self._progress())

    async def _tell(self) -> None:
        if self._custody.holds:
            await self._cases.say_estimates()

    async def _every(self, seconds: float, chore: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await chore()
            except Exception as error:  # noqa: BLE001  whatever it was, the worker must not go on without it
                await self.app.crash(error)

    async def _show(self) -> None:
        self._shards.show()
        self._cases.show()
        self._outbox.show()
        if self._custody.holds:
            self._intake.sheds = self._load.weigh(self._progress(), self._held.for_others)
        self._watch.show(self._progress(), self._ends.known(), self._held, monotonic_ms())

    async def _beat(self) -> None:
        if self._canary is not None and self._custody.holds:
            await self._canary.beat()

    def _waiting_blocks(self) -> int:
        exchange = [at for tp, at in self._progress().items() if tp.topic == self._exchange]
        return sum((at.end_offset or 0) - (at.read_offset or 0) for at in exchange if at.end_offset)

    def _fail(self, error: BaseException) -> None:
        if not self.app.crashed:
            asyncio.ensure_future(self.app.crash(error))  # noqa: RUF006  the app holds the error, not the task


def _end_at_once() -> None:
    """End the process: what is left of Faust waits for the brokers, and what it cancels it may start again."""
    logger.info("ended at once")
    logging.shutdown()
    os._exit(0)


def run_until_signal(worker: Worker) -> None:
    """Run a worker until SIGINT or SIGTERM; a second one ends the process at once."""
    asyncio.run(until_signal(worker.run))
