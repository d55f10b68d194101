"""Shares the partitions among processes with one group, and commits; reads no record itself.

A partition that is taken away is given up in order: what is under way is answered, what was done is committed, and only then
does another process go on with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.kafka_client import no_answer
from streams.notify.positions import as_commit, from_commit

logger = logging.getLogger(__name__)

_IDLE_MS = 1_000
_PATIENCE_S = 5.0
"""While brokers are away their clients would try for ever, and nothing else be told or ended meanwhile."""


class NotifyError(Exception):
    """Kafka cannot be reached or lacks a topic: one line that says what to do."""


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, begin: Callable[[list[TopicPartition]], None], end: Callable[[], Awaitable[None]]) -> None:
        self._begin = begin
        self._end = end

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Give everything up: what stays with us is assigned again."""
        await self._end()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Begin, without holding up the group."""
        self._begin(sorted(assigned))


class Group:
    """Membership in the group; `begin` is called with the partitions that are ours, `end` before they are given up."""

    def __init__(self, connection: Mapping[str, Any], group_id: str, session_timeout_ms: int) -> None:
        self._connection = connection
        self._group_id = group_id
        self._consumer = AIOKafkaConsumer(
            **connection, group_id=group_id, enable_auto_commit=False, session_timeout_ms=session_timeout_ms
        )
        self._committed: dict[TopicPartition, tuple[int, str]] = {}
        self._complained = False

    async def join(
        self, topics: Sequence[str], begin: Callable[[list[TopicPartition]], None], end: Callable[[], Awaitable[None]]
    ) -> None:
        """Become a member. Raises NotifyError when Kafka does not answer or lacks a topic."""
        try:
            await self._consumer.start()
            known = await self._consumer.topics()
        except KafkaError as error:
            raise NotifyError(no_answer(self._connection)) from error
        for topic in topics:
            if topic not in known:
                raise NotifyError(f"no topic {topic}: create it with `pollwatch topics`")
        self._consumer.subscribe(topics, listener=_Listener(begin, end))

    async def stay(self) -> None:
        """Remain a member until cancelled: who never asks for records is put out."""
        while True:
            owned = self._consumer.assignment()
            if owned:
                # a partition that is not paused would be fetched here too
                self._consumer.pause(*owned)
            await self._consumer.getmany(timeout_ms=_IDLE_MS)

    async def leave(self) -> None:
        """Leave the group; where no broker answers, go without a word."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._consumer.stop()
        except TimeoutError:
            logger.warning("no broker answered to the end; what was sent since the last commit will be sent again")

    async def positions(self, wanting: Mapping[TopicPartition, Collection[str]]) -> dict[TopicPartition, dict[str, int]]:
        """Return for each partition where each of its targets goes on."""
        tps = list(wanting)
        if not tps:
            return {}
        ends = await self._consumer.end_offsets(tps)
        admin = AIOKafkaAdminClient(**self._connection)
        await admin.start()
        try:
            known = await admin.list_consumer_group_offsets(self._group_id, partitions=tps)
        finally:
            await admin.close()
        self._committed = {}
        return {tp: _going_on(known.get(tp), wanting[tp], ends[tp]) for tp in tps}

    async def commit(self, positions: Mapping[TopicPartition, Mapping[str, int]]) -> None:
        """Commit what has changed since the last commit; what could not be committed is, with what is done by then."""
        commits = {tp: as_commit(at) for tp, at in positions.items() if at}
        changed = {tp: commit for tp, commit in commits.items() if self._committed.get(tp) != commit}
        if not changed:
            return
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._consumer.commit(changed)
        except (TimeoutError, KafkaError) as error:
            if not self._complained:
                logger.warning("how far the targets have come could not be committed, trying again: %s", type(error).__name__)
            self._complained = True
        else:
            self._complained = False
            self._committed |= changed


def _going_on(known: Any, targets: Collection[str], end: int) -> dict[str, int]:
    offset = None if known is None or known.offset < 0 else known.offset
    return from_commit(offset, "" if known is None else known.metadata, targets, end)
