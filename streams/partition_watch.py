"""How each assigned partition stands, told once a second to the metrics and to the health of the worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from faust.types import TP

from config.schema import TopicRole, Topics
from streams.health import Health, Standing
from streams.metrics import Metrics, Offsets
from streams.outbox import Outbox
from streams.transport import Progress


class Held:
    """Says why a partition is left alone on purpose; nothing for one that should move.

    `intake` is why no more is taken in, while that is so; `waits_for` are partitions that are far ahead of others in event time,
    each with one of those.
    """

    def __init__(self, topics: Topics, outbox: Outbox) -> None:
        name = topics.name
        inputs = (name(TopicRole.EXCHANGE), name(TopicRole.DEAD_LETTER))
        self._outputs = {
            name(TopicRole.VOTES): inputs,
            name(TopicRole.REPLIES): inputs,
            name(TopicRole.EXCHANGE): (name(TopicRole.FINDINGS),),
            name(TopicRole.VERDICTS): (name(TopicRole.FINDINGS), name(TopicRole.DEAD_LETTER)),
            name(TopicRole.FINDINGS): tuple(map(name, (TopicRole.ALERTS, TopicRole.MODERATION, TopicRole.INTEGRITY))),
        }
        self._inputs = (name(TopicRole.VOTES), name(TopicRole.REPLIES))
        self._outbox = outbox
        self.intake = ""
        self.waits_for: Mapping[TP, TP] = {}

    def __call__(self, tp: TP) -> str:
        """Return the reason."""
        return self.for_others(tp) or (self.intake if tp.topic in self._inputs else "")

    def for_others(self, tp: TP) -> str:
        """Return the reason if it is not that this worker has too much to do."""
        refusing = [topic for topic in self._outputs[tp.topic] if topic in self._outbox.refusing]
        if refusing:
            return f"{refusing[0]} takes no records ({self._outbox.refusing[refusing[0]]})"
        if tp in self.waits_for:
            slower = self.waits_for[tp]
            return f"{slower.topic}/{slower.partition} is far behind it in event time"
        return ""


class PartitionWatch:
    """What moves, what waits, and what is done and not committed. State: two numbers a partition."""

    def __init__(self, metrics: Metrics, health: Health) -> None:
        self._metrics = metrics
        self._health = health
        self._pending: dict[TP, tuple[int | None, int]] = {}

    def show(
        self, progress: Mapping[TP, Progress], ends: Mapping[TP, int], held: Callable[[TP], str], now_ms: int
    ) -> None:
        """Show how partitions stand; `ends` as the brokers say, with nothing in it while they do not answer."""
        standings: dict[str, Standing] = {}
        self._pending = {tp: pending for tp, pending in self._pending.items() if tp in progress}
        for tp, at in progress.items():
            offsets = self._offsets(tp, at, ends.get(tp, 0), now_ms)
            self._metrics.partition(tp.topic, tp.partition, offsets)
            waiting = offsets.lag if tp in ends else None
            standings[f"{tp.topic}/{tp.partition}"] = Standing(at.processed_offset, waiting, held(tp))
        self._health.watch(standings, now_ms)

    def _offsets(self, tp: TP, at: Progress, told_end: int, now_ms: int) -> Offsets:
        # where a partition begins is not known before its first fetch; one that is never fetched must be seen as well
        processed = at.processed_offset or 0
        end = max(at.end_offset or processed, told_end)
        base = at.begun_offset if at.committed_offset is None else at.committed_offset
        uncommitted = max(0, processed - (processed if base is None else base))
        if not uncommitted:
            self._pending.pop(tp, None)
            return Offsets(processed, at.committed_offset, end)
        committed, since_ms = self._pending.get(tp, (at.committed_offset, now_ms))
        if committed != at.committed_offset:
            since_ms = now_ms
        self._pending[tp] = at.committed_offset, since_ms
        return Offsets(processed, at.committed_offset, end, uncommitted, (now_ms - since_ms) / 1000)
