"""Memory and restart of a worker with a million active accounts in ten thousand polls, everything on, on a real Kafka.

The worker reads the recording as fast as it can; all of it lies within what the detectors remember. When published
estimates account for every vote, it is stopped, which writes its last snapshots, and weighed part by part. Then a
worker that knows nothing takes its place and must come back from the snapshots.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.cluster import Cluster, create_topics, log_file
from benchmarks.contestant_pollwatch import PollwatchWorker
from benchmarks.processes import cpu_s, peak_rss_bytes, rss_bytes
from benchmarks.recording import Recording, Traffic
from benchmarks.weighed_worker import Weights
from config import load


def traffic_of(million_accounts: int) -> Traffic:
    """Return votes and replies of somewhat more accounts than that."""
    n = million_accounts
    return Traffic(votes=n * 2_000_000, replies=n * 100_000, polls=10_000, accounts=n * 1_250_000, minutes=40)


_WITHIN_S = 900.0


@dataclass(frozen=True, slots=True)
class Memory:
    """What was found; the empty worker's size tells what interpreter and libraries take of the rest."""

    votes: int
    replies: int
    polls: int
    accounts: int
    empty_rss_bytes: int
    weights: Weights
    restart_s: float
    restart_cpu_s: float
    restored_peak_bytes: int


def measure(where: Cluster, recording: Recording, logs: Path) -> Memory:
    """Run a worker over a recording that was loaded, weigh it, and let another one take its place."""
    environment = where.environment("memory")
    settings = load(None, environment)
    create_topics(settings)
    out = logs / "weights.json"
    module = ["benchmarks.weighed_worker", str(out)]
    with PollwatchWorker(environment, settings, log_file(logs, "memory"), module) as worker:
        worker.wait_until_assigned()
        empty = rss_bytes(worker.pid)
        worker.wait_until_counted(recording.standing_votes(), _WITHIN_S)
        if worker.stop() != 0:
            raise RuntimeError(f"the worker did not stop cleanly: see {log_file(logs, 'memory')}")
    weights = msgspec.json.decode(out.read_bytes(), type=Weights)
    with PollwatchWorker(environment, settings, log_file(logs, "restarted")) as worker:
        worker.wait_until_assigned()
        begin_s, begin_cpu_s = time.monotonic(), cpu_s(worker.pid)
        worker.wait_until_ready()
        restart_s, restart_cpu_s = time.monotonic() - begin_s, cpu_s(worker.pid) - begin_cpu_s
        peak = peak_rss_bytes(worker.pid)
    votes, replies = recording.votes, recording.replies
    accounts = len(np.unique(np.concatenate([votes.account, replies.account])))
    polls = len(np.unique(np.concatenate([votes.poll, replies.poll])))
    return Memory(len(votes), len(replies), polls, accounts, empty, weights, restart_s, restart_cpu_s, peak)
