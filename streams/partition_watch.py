"""How each assigned partition stands, told once a second to the metrics and to the health of the worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from faust.types import TP

from streams.health import Health, Standing
from streams.metrics import Metrics, Offsets
from streams.transport import Progress

Held = Callable[[TP], str]
"""Says why a partition is left alone on purpose; nothing for one that should move."""


class PartitionWatch:
    """What moves, what waits, and what is done and not committed. State: two numbers a partition."""

    def __init__(self, metrics: Metrics, health: Health) -> None:
        self._metrics = metrics
        self._health = health
        self._pending: dict[TP, tuple[int | None, int]] = {}

    def show(self, progress: Mapping[TP, Progress], ends: Mapping[TP, int], held: Held, now_ms: int) -> None:
        """Show how partitions stand; `ends` as the brokers say, with nothing in it while they do not answer."""
        standings: dict[str, Standing] = {}
        self._pending = {tp: pending for tp, pending in self._pending.items() if tp in progress}
        for tp, at in progress.items():
            waiting = None
            if at.processed_offset is not None:
                fetched_end = at.end_offset or at.processed_offset
                offsets = self._offsets(tp, at, at.processed_offset, max(fetched_end, ends.get(tp, 0)), now_ms)
                self._metrics.partition(tp.topic, tp.partition, offsets)
                waiting = offsets.lag if tp in ends else None
            standings[f"{tp.topic}/{tp.partition}"] = Standing(at.processed_offset, waiting, held(tp))
        self._health.watch(standings, now_ms)

    def _offsets(self, tp: TP, at: Progress, processed: int, end: int, now_ms: int) -> Offsets:
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
