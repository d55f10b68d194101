"""The process: joins the group, runs a session for what it is assigned, commits and tells how it stands every second."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import Any

from aiokafka import TopicPartition

from config import Settings, TopicRole
from config.target import Sends, Target
from streams.health import Health, monotonic_ms
from streams.health_server import serve
from streams.kafka_client import aiokafka
from streams.metrics import process_registry
from streams.notify.access import Access
from streams.notify.group import Group
from streams.notify.session import Receiver, Session
from streams.notify.webhook_metrics import WebhookMetrics

logger = logging.getLogger(__name__)

_EVERY_S = 1.0
_TOPIC_OF = {Sends.ALERTS: TopicRole.ALERTS, Sends.MODERATION: TopicRole.MODERATION}


class Notifier:
    """Posts to `targets` by name what they want, with what the files they name hold."""

    def __init__(self, settings: Settings, targets: Mapping[str, Target], access: Mapping[str, Access]) -> None:
        name = settings.topics.name
        self._settings = settings
        self._receivers = {key: Receiver(one, access[key], name(_TOPIC_OF[one.sends])) for key, one in targets.items()}
        self._roles = {name(_TOPIC_OF[one.sends]): _TOPIC_OF[one.sends] for one in targets.values()}
        self._connection = aiokafka(settings.kafka)
        self._registry = process_registry()
        self._metrics = WebhookMetrics(self._registry, targets)
        self._health = Health(monotonic_ms())
        self._group: Group | None = None
        self._session: Session | None = None
        self._running: asyncio.Task[None] | None = None
        self._failed: asyncio.Future[None] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; raises what makes going on impossible."""
        self._failed = asyncio.get_running_loop().create_future()
        self._group = Group(self._connection, self._settings.notify.group_id, self._settings.kafka.session_timeout_ms)
        notify = self._settings.notify
        server = await serve(self._health, self._registry, notify.http_host, notify.http_port, "notify")
        logger.info("posting to %s; metrics on port %d", ", ".join(self._receivers), server.port)
        chores: list[asyncio.Task[None]] = []
        try:
            await self._group.join(sorted(self._roles), self._begin, self._end)
            chores = [self._watched(self._group.stay()), self._watched(self._tell())]
            stopped = asyncio.ensure_future(_set(stop))
            await asyncio.wait([stopped, self._failed], return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
        finally:
            for chore in chores:
                chore.cancel()
            await self._end()
            await self._group.leave()
            await server.close()
        if self._failed.done():
            self._failed.result()

    def _watched(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something whose failure ends the process: another one goes on from what was committed."""
        task = asyncio.ensure_future(work)
        task.add_done_callback(self._look)
        return task

    def _look(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if error is not None and self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)

    def _begin(self, assigned: list[TopicPartition]) -> None:
        self._health.assigned(monotonic_ms())
        self._running = self._watched(self._serve(assigned))

    async def _serve(self, assigned: list[TopicPartition]) -> None:
        assert self._group is not None
        wanting = {tp: [name for name, one in self._receivers.items() if one.topic == tp.topic] for tp in assigned}
        positions = await self._group.positions(wanting)
        # where a new target begins is settled before anything is sent
        await self._group.commit(positions)
        session = Session(self._receivers, self._roles, self._connection, positions, self._metrics)
        await session.remember()
        self._session = session
        self._health.recovered(monotonic_ms())
        logger.info("%d partitions are ours", len(positions))
        if positions:
            await session.run()

    async def _end(self) -> None:
        """Finish what is under way, and commit it."""
        self._health.revoked(monotonic_ms())
        session, running = self._session, self._running
        self._session = self._running = None
        if session is not None:
            session.close()
        elif running is not None:
            running.cancel()
        if running is not None:
            await asyncio.wait([running])
        if session is not None and self._group is not None:
            await self._group.commit(session.positions())

    async def _tell(self) -> None:
        """Commit and show, every second."""
        while True:
            await asyncio.sleep(_EVERY_S)
            session = self._session
            if session is not None and self._group is not None:
                await self._group.commit(session.positions())
                session.show()
            self._health.watch(session.standings() if session is not None else {}, monotonic_ms())


async def _set(event: asyncio.Event) -> None:
    await event.wait()
