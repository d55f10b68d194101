"""How far behind this worker is, in seconds of the brokers' clock, and whether it therefore sheds finer work."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from faust.types import TP

from config.schema import Settings, TopicRole
from streams.metric_labels import Stage
from streams.metrics import Metrics
from streams.overload import Overload
from streams.transport import Batch, Progress

logger = logging.getLogger(__name__)


class Load:
    """What waits for this worker. State: two numbers a partition."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        topics = settings.topics
        self._overload = Overload(settings.overload.shed_after_ms)
        self._stage_of = {
            topics.name(TopicRole.VOTES): Stage.INTAKE,
            topics.name(TopicRole.REPLIES): Stage.INTAKE,
            topics.name(TopicRole.EXCHANGE): Stage.POLLS,
            topics.name(TopicRole.FINDINGS): Stage.CASES,
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

    def weigh(self, progress: Mapping[TP, Progress]) -> bool:
        """Take how the partitions stand, about once a second; return whether finer work is shed."""
        now_ms = round(time.time() * 1000)
        behind_ms = dict.fromkeys(Stage, 0)
        for tp, at in progress.items():
            stage = self._stage_of[tp.topic]
            behind_ms[stage] = max(behind_ms[stage], self._behind_ms(tp, at, now_ms))
        for stage, ms in behind_ms.items():
            self._metrics.behind.labels(stage).set(ms / 1000)
        # what waits on the exchange waited before it on the input
        total_ms = behind_ms[Stage.INTAKE] + behind_ms[Stage.POLLS]
        before = self._overload.sheds
        if self._moved or not total_ms:
            self._overload.see(time.monotonic_ns() // 1_000_000, total_ms)
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
