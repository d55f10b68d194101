"""Every Prometheus metric of Pollwatch, told once for each batch. Owns names and meanings; no label ever holds an id."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from detectors.alert import DecisionKind, Severity, Verdict
from detectors.findings import Kind
from streams.decode_record import Refusal
from streams.meters import Meters, Open
from streams.metric_labels import REFUSED, BlockOutcome, EventType, Flood, Sink, Stage, Store
from streams.top_polls import TopPolls

LATENCY_BUCKETS_S = (0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 5, 10, 30)
"""2 s is the promise for the 99th percentile; a promise must be the edge of a bucket to be measurable."""
STEP_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
"""50 to 100 ms is how long one step may hold the event loop."""
DETECTION_BUCKETS_S = (0.5, 1, 1.5, 2, 2.5, 5, 10, 20, 30, 60)
SNAPSHOT_BUCKETS_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
KINDS: tuple[str, ...] = get_args(Kind)
SEVERITIES: tuple[str, ...] = get_args(Severity)
VERDICTS: tuple[str, ...] = get_args(Verdict)
DECISIONS: tuple[str, ...] = (*get_args(DecisionKind), REFUSED)


@dataclass(frozen=True, slots=True)
class Offsets:
    """How a partition stands: next to process, committed (None before the first commit), next to be written.

    `uncommitted` records are processed and not committed, `commit_age_s` seconds long without a commit.
    """

    processed: int
    committed: int | None
    end: int
    uncommitted: int = 0
    commit_age_s: float = 0.0

    @property
    def lag(self) -> int:
        """Records that are not yet processed."""
        return max(0, self.end - self.processed)


class Metrics:
    """All metrics on `registry`, with every closed label value at 0 from the start; `top_polls` is the number of slots."""

    def __init__(self, registry: CollectorRegistry, top_polls: int = 20) -> None:
        meters = Meters(registry)
        self._make_input(meters)
        self._make_flow(meters)
        self._make_output(meters)
        self.top_polls = TopPolls(meters, top_polls)
        self._make_state(meters)
        self._make_canary(meters)
        self.descriptions = tuple(meters.descriptions)

    def _make_input(self, meters: Meters) -> None:
        self.events_received = meters.counter(
            "events_received_total", "Records read from the input topics.", event_type=EventType
        )
        self.events_refused = meters.counter(
            "events_refused_total", "Records not counted, by the named reason.", reason=Refusal
        )
        self.events_duplicate = meters.counter(
            "events_duplicate_total", "Events whose event_id was counted before."
        )
        self.events_late = meters.counter(
            "events_late_total", "Events behind the watermark of their partition."
        )
        self.events_unwatched = meters.counter(
            "events_unwatched_total",
            "Votes and replies that were counted, but of which nobody looked at the sender: the workers could not keep up.",
        )
        self.revotes = meters.counter(
            "revotes_total", "Votes that replaced an earlier vote of the account in the same poll."
        )
        self.last_event = meters.gauge(
            "last_event_timestamp_seconds",
            "Newest event time seen; 0 before the first.",
            event_type=EventType,
        )

    def _make_flow(self, meters: Meters) -> None:
        partition = {"topic": Open.VALUES, "partition": Open.VALUES}
        self.lag = meters.gauge(
            "consumer_lag_records",
            "Records of an assigned partition that are not yet processed.",
            **partition,
        )
        self.processed_offset = meters.gauge(
            "consumer_processed_offset", "Next offset to process of an assigned partition.", **partition
        )
        self.committed_offset = meters.gauge(
            "consumer_committed_offset", "Committed offset; it must follow the processed one.", **partition
        )
        self.uncommitted = meters.gauge(
            "consumer_uncommitted_records",
            "Records of an assigned partition that are processed and not yet committed.",
            **partition,
        )
        self.commit_age = meters.gauge(
            "consumer_commit_age_seconds",
            "How long nothing was committed of an assigned partition though something could be; 0 when all is committed.",
            **partition,
        )
        self.ends_told = meters.gauge(
            "brokers_answered_timestamp_seconds",
            "When the brokers last said where the assigned partitions end; the lag is known as of then.",
        )
        self.blocks = meters.counter(
            "exchange_blocks_total",
            "Blocks of rows on their way from intake to the shards.",
            outcome=BlockOutcome,
        )
        self.behind = meters.gauge(
            "behind_seconds",
            "How long what a stage works on now has waited for it, on the brokers' clock; 0 when nothing waits.",
            stage=Stage,
        )
        self.shedding = meters.gauge(
            "shedding", "1 while intake sheds finer work because the worker can't keep up, else 0."
        )
        self.watermark_lag = meters.gauge(
            "watermark_lag_seconds",
            "How far the event time of a stage is behind the wall clock.",
            stage=Stage,
        )
        self.processing = meters.histogram(
            "processing_seconds",
            "How long a stage worked on one batch or block.",
            STEP_BUCKETS_S,
            stage=Stage,
        )

    def _make_output(self, meters: Meters) -> None:
        self.event_to_alert = meters.histogram(
            "event_to_alert_seconds",
            "From the timestamp of the record that crossed the threshold to the acknowledged alert.",
            LATENCY_BUCKETS_S,
        )
        self.findings = meters.counter("findings_total", "Findings of the detectors.", kind=KINDS)
        self.cases_opened = meters.counter(
            "cases_opened_total", "Cases opened, by their first verdict.", verdict=VERDICTS
        )
        self.cases_open = meters.gauge(
            "cases_open", "Cases open now, by their latest verdict.", verdict=VERDICTS
        )
        self.oldest_undecided = meters.gauge(
            "oldest_undecided_case_timestamp_seconds",
            "When the oldest case that accuses and that nobody decided was opened; 0 where there is none.",
        )
        self.cases_by_severity = meters.gauge(
            "cases_open_by_severity", "Cases open now, by the severity of their latest alert.", severity=SEVERITIES
        )
        self.decisions = meters.counter(
            "decisions_total", "Decisions of reviewers that a case took, and those that were refused.", decision=DECISIONS
        )
        self.alerts_emitted = meters.counter(
            "alerts_emitted_total",
            "Alerts acknowledged, once for each kind they name.",
            kind=KINDS,
            severity=SEVERITIES,
        )
        self.dead_letters = meters.counter(
            "dead_letters_total", "Records acknowledged by the dead-letter topic."
        )
        self.sink_failures = meters.counter("sink_failures_total", "Times a topic refused a record or could not be reached.", sink=Sink)
        self.sink_waiting = meters.gauge(
            "sink_waiting_seconds", "How long the oldest record has waited to be acknowledged.", sink=Sink
        )

    def _make_state(self, meters: Meters) -> None:
        self.state_entries = meters.gauge("state_entries", "Entries held in a bounded store.", store=Store)
        self.state_fullness = meters.gauge(
            "state_fullness_ratio",
            "How full a bounded store is, 1 at its limit; of several shards the fullest. Of cases: the accounts they name.",
            store=Store,
        )
        self.state_evictions = meters.counter(
            "state_evictions_total", "Entries dropped because the store was full.", store=Store
        )
        self.snapshots = meters.counter("snapshots_total", "Snapshots completed.", stage=Stage)
        self.snapshot_bytes = meters.gauge("snapshot_bytes", "Size of the last snapshot.", stage=Stage)
        self.snapshot_last = meters.gauge(
            "snapshot_last_timestamp_seconds",
            "When the last snapshot was completed; 0 before the first.",
            stage=Stage,
        )
        self.snapshot_seconds = meters.histogram(
            "snapshot_seconds",
            "From taking a snapshot to its acknowledgement.",
            SNAPSHOT_BUCKETS_S,
            stage=Stage,
        )
        self.build = meters.info("build_info", "Version of Pollwatch and of Python.")
        self.config = meters.info("config_info", "Digest of the settings that decide findings, and the mode.")

    def _make_canary(self, meters: Meters) -> None:
        self.canary_floods = meters.counter(
            "canary_floods_total",
            "Floods of the canary's poll; missed are those not found within 60 seconds.",
            outcome=Flood,
        )
        self.canary_detection = meters.histogram(
            "canary_detection_seconds", "From the first vote of a canary's flood to its case.", DETECTION_BUCKETS_S
        )
        self.canary_found = meters.gauge(
            "canary_found_timestamp_seconds", "When a canary's flood was last found; 0 before the first."
        )

    def describe(self, version: str, digest: str, mode: str) -> None:
        """Say what is running, once at the start."""
        self.build.info({"version": version, "python": platform.python_version()})
        self.config.info({"digest": digest, "mode": mode})

    def partition(self, topic: str, partition: int, stands: Offsets) -> None:
        """Show how an assigned partition stands."""
        labels = (topic, str(partition))
        self.lag.labels(*labels).set(stands.lag)
        self.processed_offset.labels(*labels).set(stands.processed)
        self.committed_offset.labels(*labels).set(stands.committed or 0)
        self.uncommitted.labels(*labels).set(stands.uncommitted)
        self.commit_age.labels(*labels).set(stands.commit_age_s)

    def forget_partition(self, topic: str, partition: int) -> None:
        """Drop the series of a revoked partition; its new owner exports them."""
        for gauge in (self.lag, self.processed_offset, self.committed_offset, self.uncommitted, self.commit_age):
            gauge.remove(topic, str(partition))

    def alert(self, kinds: Iterable[Kind], severity: Severity, case_id: str, latency_s: float | None) -> None:
        """Count one acknowledged alert; the case is only named in the exemplar. No latency: no vote caused it."""
        for kind in kinds:
            self.alerts_emitted.labels(kind, severity).inc()
        if latency_s is not None:
            self.event_to_alert.observe(latency_s, exemplar={"case_id": case_id})

    def snapshot(self, stage: Stage, size_bytes: int, seconds: float, now_s: float) -> None:
        """Record one completed snapshot; `now_s` is seconds since the epoch."""
        self.snapshots.labels(stage).inc()
        self.snapshot_bytes.labels(stage).set(size_bytes)
        self.snapshot_last.labels(stage).set(now_s)
        self.snapshot_seconds.labels(stage).observe(seconds)


def process_registry() -> CollectorRegistry:
    """The registry of one worker process: its CPU, memory, files and garbage collection are on it too."""
    # one extra series beside every counter, and nobody asks when a counter was made
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
