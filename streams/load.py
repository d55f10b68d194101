"""How far behind this worker is, in seconds of the brokers' clock, and whether it therefore sheds finer work."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from faust.types import TP

from config.schema import Settings, TopicRole
from streams.metric_labels import Stage
from streams.metrics import Metrics
from streams.overload import Overload
from streams.silence import BrokersClock
from streams.transport import Batch, Progress

logger = logging.getLogger(__name__)


class Load:
    """What waits for this worker, by the `brokers`' clock. State: two numbers a partition."""

    def __init__(self, settings: Settings, metrics: Metrics, brokers: BrokersClock) -> None:
        topics = settings.topics
        self._brokers = brokers
        self._overload = Overload(settings.overload.shed_after_ms)
        self._stage_of = {
            topics.name(TopicRole.VOTES): Stage.INTAKE,
            topics.name(TopicRole.REPLIES): Stage.INTAKE,
            topics.name(TopicRole.EXCHANGE): Stage.POLLS,
            topics.name(TopicRole.FINDINGS): Stage.CASES,
            topics.name(TopicRole.VERDICTS): Stage.CASES,
        }
        self._metrics = metrics
        self._arrived_ms: dict[TP, int] = {}
        self._idle_at_ms: dict[TP, int] = {}
        self._moved = False

    def assigned(self) -> None:
        """Begin anew: there may be other partitions now."""
        self._arrived_ms, self._idle_at_ms, self._moved = {}, {}, False
        self._overload.begin()

    def took(self, batch: Batch) -> None:
        """Note that a run is worked on now."""
        self._arrived_ms[batch.tp] = batch.records.timestamps_ms[-1]
        self._moved = True

    def weigh(self, progress: Mapping[TP, Progress], held: Callable[[TP], str]) -> bool:
        """Take how the partitions stand, about once a second; return whether finer work is shed.

        Partitions that are `held`, with a reason, for others or by a topic that refuses are not this worker's fault.
        """
        monotonic_ms = time.monotonic_ns() // 1_000_000
        brokers_ms = self._brokers.now_ms(monotonic_ms)
        now_ms = round(time.time() * 1000) if brokers_ms is None else brokers_ms
        behind_ms = dict.fromkeys(Stage, 0)
        for tp, at in progress.items():
            stage, ms = self._stage_of[tp.topic], 0 if held(tp) else self._behind_ms(tp, at, now_ms)
            behind_ms[stage] = max(behind_ms[stage], ms)
        for stage, ms in behind_ms.items():
            self._metrics.behind.labels(stage).set(ms / 1000)
        # what waits on the exchange waited before it on the input
        total_ms = behind_ms[Stage.INTAKE] + behind_ms[Stage.POLLS]
        before = self._overload.sheds
        if self._moved or not (total_ms or any(map(held, progress))):
            self._overload.see(monotonic_ms, total_ms)
        self._moved = False
        self._say(before, self._overload.sheds, total_ms)
        return self._overload.sheds

    def _behind_ms(self, tp: TP, at: Progress, now_ms: int) -> int:
        if at.caught_up and not at.in_flight:
            self._idle_at_ms[tp] = now_ms
            return 0
        # what waits came after the last one that was worked on, and after the last moment at which nothing waited
        since_ms = max(self._arrived_ms.get(tp, 0), self._idle_at_ms.get(tp, 0))
        return max(0, now_ms - since_ms) if since_ms else 0

    def _say(self, before: bool, sheds: bool, behind_ms: int) -> None:
        self._metrics.shedding.set(sheds)
        if sheds and not before:
            logger.warning(
                "%.0f s behind and no nearer: votes are counted and rates watched, who votes is not looked at for now",
                behind_ms / 1000,
            )
        elif before and not sheds:
            logger.warning("%.0f s behind: who votes is looked at again", behind_ms / 1000)
