"""One assignment of partitions: every target's memory is read anew, and its reader and courier run until the partitions are given up."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition

from config import TopicRole
from config.target import Format, Target
from streams.health import Standing
from streams.notify.access import Access
from streams.notify.alertmanager import Alertmanager
from streams.notify.backlog import Backlog
from streams.notify.case_memory import CaseMemory
from streams.notify.coop import Coop
from streams.notify.courier import Courier
from streams.notify.generic import Generic
from streams.notify.poster import Poster
from streams.notify.reader import Reader
from streams.notify.request import Shaper
from streams.notify.retries import Backoff
from streams.notify.slack import Slack
from streams.notify.webhook_metrics import WebhookMetrics
from streams.whole_partition import read_whole

Positions = Mapping[TopicPartition, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Receiver:
    """A target with what its files hold, and the topic that it gets."""

    target: Target
    access: Access
    topic: str


@dataclass(frozen=True, slots=True)
class _Line:
    """What runs for one target."""

    name: str
    backlog: Backlog
    shaper: Shaper
    reader: Reader
    courier: Courier
    poster: Poster


class Session:
    """Posts the partitions in `positions`, to each target from its own offset on."""

    def __init__(
        self,
        receivers: Mapping[str, Receiver],
        roles: Mapping[str, TopicRole],
        connection: Mapping[str, Any],
        positions: Positions,
        metrics: WebhookMetrics,
    ) -> None:
        self._connection = connection
        self._began = positions
        self._lines = [
            self._line(name, receiver, roles, {tp: at[name] for tp, at in positions.items() if name in at}, metrics)
            for name, receiver in receivers.items()
        ]
        self._metrics = metrics
        self._couriers: list[asyncio.Task[None]] = []

    @staticmethod
    def _line(
        name: str, receiver: Receiver, roles: Mapping[str, TopicRole], begins: Mapping[Any, int], metrics: WebhookMetrics
    ) -> _Line:
        backlog = Backlog(dict(begins), Backoff(random.Random()))
        shaper, poster = shaper_of(receiver.target), Poster(name, receiver.target, receiver.access)
        reader = Reader(name, roles, CaseMemory(receiver.target), backlog, metrics)
        return _Line(name, backlog, shaper, reader, Courier(name, backlog, shaper, poster, metrics), poster)

    async def remember(self) -> None:
        """Read what the topics still hold from before: who was told of which case, and which are open."""
        for tp, at in self._began.items():
            lines = [line for line in self._lines if at.get(line.name, 0) > 0]
            if lines:
                await read_whole(self._connection, tp, self._remembering(lines, at))

    @staticmethod
    def _remembering(lines: Sequence[_Line], at: Mapping[str, int]) -> Callable[[Any], None]:
        def take(record: Any) -> None:
            for line in lines:
                if record.offset < at[line.name] and (message := line.reader.remember(record)):
                    line.shaper.delivered(message)

        return take

    async def run(self) -> None:
        """Read and post until `close`; raises what stops a reader or a courier."""
        async with asyncio.TaskGroup() as group:
            lines = [line for line in self._lines if line.backlog.positions()]
            readers = [group.create_task(line.reader.run(self._connection, line.courier.wake)) for line in lines]
            self._couriers = [group.create_task(self._carry(line)) for line in lines]
            await asyncio.wait(self._couriers)
            for reader in readers:
                reader.cancel()

    @staticmethod
    async def _carry(line: _Line) -> None:
        async with line.poster:
            await line.courier.run()

    def close(self) -> None:
        """Let `run` return once the requests that are under way were answered."""
        for line in self._lines:
            line.courier.stop()

    def positions(self) -> dict[TopicPartition, dict[str, int]]:
        """Return for each partition up to where each target is done."""
        done: dict[TopicPartition, dict[str, int]] = {tp: {} for tp in self._began}
        for line in self._lines:
            for partition, offset in line.backlog.positions().items():
                done[TopicPartition(*partition)][line.name] = offset
        return done

    def standings(self) -> dict[str, Standing]:
        """Return how each target stands, for the health page."""
        return {
            f"target {line.name}": Standing(
                sum(line.backlog.positions().values()),
                line.backlog.waiting(),
                f"it failed {line.backlog.failures} times in a row" if line.backlog.failures else "",
            )
            for line in self._lines
        }

    def show(self) -> None:
        """Tell the metrics what waits."""
        now_s = time.time()
        for line in self._lines:
            oldest_ms = line.backlog.oldest_ms()
            self._metrics.oldest.labels(line.name).set(0.0 if oldest_ms is None else max(0.0, now_s - oldest_ms / 1000))
            self._metrics.waiting.labels(line.name).set(line.backlog.waiting())
            self._metrics.failures.labels(line.name).set(line.backlog.failures)


def shaper_of(target: Target) -> Shaper:
    """Return what puts messages as this target wants them."""
    match target.format:
        case Format.GENERIC:
            return Generic()
        case Format.SLACK:
            return Slack()
        case Format.ALERTMANAGER:
            return Alertmanager()
        case Format.COOP:
            return Coop(target)
