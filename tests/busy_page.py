"""The metrics page of a worker, and of notify, while a script floods a poll, without either: for tests of what reads that page."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from detectors.alert import Integrity
from detectors.cases.impact import Pace, SuspectVotes, integrity
from streams.decode_record import Refusal
from streams.health import Health, monotonic_ms
from streams.health_server import serve
from streams.metric_labels import BlockOutcome, EventType, Flood, Sink, Stage, Store
from streams.metrics import DECISIONS, SEVERITIES, VERDICTS, Metrics, Offsets, process_registry
from streams.notify.webhook_metrics import Delivery, WebhookMetrics

SLOTS = 3
TARGET = "pager"


class BusyPage:
    """Metrics that a worker would tell; each `beat` is another second of its work."""

    def __init__(self) -> None:
        self.registry = process_registry()
        self.metrics = Metrics(self.registry, top_polls=SLOTS)
        self.metrics.describe("0.1.0", "0123456789ab", "live")
        self.webhooks = WebhookMetrics(self.registry, [TARGET])
        self._beats = count(1)

    def beat(self, now_s: float) -> None:
        """Tell what happened in another second, up to `now_s`."""
        turn = next(self._beats)
        self._input(now_s)
        self._flow(turn, now_s)
        self._output(turn, now_s)
        self._state(now_s)
        self._webhooks()

    def _input(self, now_s: float) -> None:
        told = self.metrics
        for event_type in EventType:
            told.events_received.labels(event_type).inc(400)
            told.last_event.labels(event_type).set(now_s - 0.5)
        for reason in Refusal:
            told.events_refused.labels(reason).inc()
        for counter in (told.events_late, told.events_duplicate, told.events_unwatched, told.revotes, told.dead_letters):
            counter.inc()

    def _flow(self, turn: int, now_s: float) -> None:
        told = self.metrics
        for partition in range(2):
            stands = Offsets(processed=400 * turn, committed=400 * (turn - 1), end=500 * turn, uncommitted=400, commit_age_s=1.0)
            told.partition("poll.votes", partition, stands)
        told.ends_told.set(now_s - 0.2)
        told.shedding.set(1)
        for outcome in BlockOutcome:
            told.blocks.labels(outcome).inc(8)
        for stage in Stage:
            told.behind.labels(stage).set(2.0)
            told.watermark_lag.labels(stage).set(1.0)
            told.processing.labels(stage).observe(0.02)

    def _output(self, turn: int, now_s: float) -> None:
        told = self.metrics
        told.findings.labels("vote_spike").inc()
        for verdict in VERDICTS:
            told.cases_opened.labels(verdict).inc()
            told.cases_open.labels(verdict).set(turn)
        for decision in DECISIONS:
            told.decisions.labels(decision).inc()
        told.oldest_undecided.set(now_s - 600)
        for severity in SEVERITIES:
            told.cases_by_severity.labels(severity).set(turn)
        told.alert(["vote_spike"], "warning", f"{turn:016x}", latency_s=0.8)
        told.top_polls.show({"flooded": 400.0, "quiet": 3.0}, estimate)
        for sink in Sink:
            told.sink_failures.labels(sink).inc()
            told.sink_waiting.labels(sink).set(45)

    def _webhooks(self) -> None:
        told = self.webhooks
        for outcome in Delivery:
            told.deliveries.labels(TARGET, outcome).inc()
        told.seconds.labels(TARGET).observe(0.05)
        told.oldest.labels(TARGET).set(1.0)
        told.waiting.labels(TARGET).set(2)
        told.failures.labels(TARGET).set(1)
        told.unreadable.labels(TARGET).inc()
        told.lost.labels(TARGET).inc()

    def _state(self, now_s: float) -> None:
        told = self.metrics
        for store in Store:
            told.state_entries.labels(store).set(1000)
            told.state_fullness.labels(store).set(0.9)
            told.state_evictions.labels(store).inc()
        for stage in Stage:
            told.snapshot(stage, size_bytes=50_000, seconds=0.2, now_s=now_s)
        for outcome in Flood:
            told.canary_floods.labels(outcome).inc()
        told.canary_detection.observe(1.2)
        told.canary_found.set(now_s - 3)


def estimate(poll_id: str) -> Integrity:
    """A poll of a thousand votes, a third of them suspect."""
    suspect = SuspectVotes(votes=330, low=300, high=400)
    return integrity(poll_id, {"yes": 1000}, suspect, 0, Pace(expected_per_s=20.0, score=4.5))


@contextmanager
def served(page: BusyPage) -> Iterator[int]:
    """Serve the page as a worker does; yield the port on 127.0.0.1."""
    server = asyncio.run(serve(Health(monotonic_ms()), page.registry, "127.0.0.1", 0))
    try:
        yield server.port
    finally:
        asyncio.run(server.close())
