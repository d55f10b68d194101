"""One point of a curve: a broker, a recording and workers of its own, or live traffic."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.cluster import Cluster, cluster, create_topics, log_file
from benchmarks.contestant_pollwatch import PollwatchWorker
from benchmarks.growth.curves import Curve, Point, padded
from benchmarks.latency import measure as measure_latency
from benchmarks.load import load
from benchmarks.processes import cpu_s, peak_rss_bytes
from benchmarks.recording import record
from benchmarks.runs import run_pollwatch
from config import load as settings_of
from streams.broker import free_port

_COUNTED_WITHIN_S = 600.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found at one point; what its curve is not about is None."""

    point: Point
    votes_per_s: float | None = None
    cpu_s_per_million: float | None = None
    broker_cpu_s_per_million: float | None = None
    peak_rss_bytes: int | None = None
    p50_s: float | None = None
    p99_s: float | None = None


def measure(point: Point, logs: Path) -> Measured:
    """Measure one point."""
    with cluster(point.partitions) as where:
        if point.live is not None:
            return _delay(where, point, logs)
        if point.curve is Curve.WORKERS:
            return _together(where, point, logs)
        return _alone(where, point, logs)


def _alone(where: Cluster, point: Point, logs: Path) -> Measured:
    recording = padded(record(point.traffic), point.more_bytes)
    create_topics(where.settings("load"))
    load(recording, where.settings("load"), where.broker_pid)
    run = run_pollwatch(where, recording, logs, f"{point.curve.name.lower()}-{point.x}")
    return Measured(
        point, run.votes_per_s, run.cpu_s_per_million, run.broker_cpu_s_per_million, run.peak_rss_bytes
    )


def _together(where: Cluster, point: Point, logs: Path) -> Measured:
    """Let workers that are there from the start read what is sent; all share one processor.

    On two hyperthreads of one core each would slow the other, and CPU seconds would tell of that alone.
    """
    recording = record(point.traffic)
    environment = where.environment("together")
    create_topics(settings_of(None, environment))
    with ExitStack() as stack:
        workers = [stack.enter_context(_worker(environment, logs, number)) for number in range(point.workers)]
        for worker in workers:
            _pin(worker.pid)
        for worker in workers:
            worker.wait_until_ready()
        begin_s = sum(cpu_s(worker.pid) for worker in workers)
        load(recording, where.settings("load"), where.broker_pid)
        workers[0].wait_until_counted(recording.standing_votes(), _COUNTED_WITHIN_S)
        spent_s = sum(cpu_s(worker.pid) for worker in workers) - begin_s
        largest = max(peak_rss_bytes(worker.pid) for worker in workers)
    return Measured(point, cpu_s_per_million=spent_s / len(recording.votes) * 1e6, peak_rss_bytes=largest)


def _worker(environment: dict[str, str], logs: Path, number: int) -> PollwatchWorker:
    own = environment | {"POLLWATCH_WORKER_HTTP_PORT": str(free_port())}
    return PollwatchWorker(own, settings_of(None, own), log_file(logs, f"together-{number}"))


def _pin(pid: int) -> None:
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {0})


def _delay(where: Cluster, point: Point, logs: Path) -> Measured:
    if point.live is None:
        raise ValueError(f"{point.curve} has no live traffic")
    found = measure_latency(where, point.live, logs)
    p50_s, p99_s = _quantiles(found.from_last_s)
    return Measured(point, found.offered_per_s, peak_rss_bytes=found.peak_rss_bytes, p50_s=p50_s, p99_s=p99_s)


def _quantiles(seconds: Sequence[float]) -> tuple[float, float]:
    if not seconds:
        return float("nan"), float("nan")
    p50_s, p99_s = np.quantile(seconds, [0.5, 0.99]).tolist()
    return p50_s, p99_s
