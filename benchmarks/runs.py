"""One run of Pollwatch or of a peer on a recording that lies in the topics, each a process of its own, watched through /proc."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cluster import Cluster, create_topics, log_file
from benchmarks.contestant_pollwatch import PollwatchWorker
from benchmarks.peers.task import Task
from benchmarks.peers.work import Work
from benchmarks.processes import Contestant, Usage, peak_rss_bytes, read, tree
from benchmarks.recording import Recording
from config import TopicRole, load

POLLWATCH = "Pollwatch worker"
_SLOWEST_VOTES_PER_S = 5_000


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one contestant."""

    contestant: str
    votes: int
    usage: Usage
    peak_rss_bytes: int

    @property
    def votes_per_s(self) -> float:
        """Votes a second."""
        return self.votes / self.usage.seconds

    @property
    def cpu_s_per_million(self) -> float:
        """CPU seconds of its process for a million votes."""
        return self.usage.process_cpu_s / self.votes * 1e6

    @property
    def broker_cpu_s_per_million(self) -> float:
        """CPU seconds of the broker for a million votes."""
        return self.usage.broker_cpu_s / self.votes * 1e6


def run_pollwatch(where: Cluster, recording: Recording, logs: Path, run: str) -> Run:
    """Let a worker with everything on read all of it, until published estimates account for every vote."""
    environment, votes = where.environment(run), len(recording.votes)
    settings = load(None, environment)
    create_topics(settings)
    with PollwatchWorker(environment, settings, log_file(logs, run)) as worker:
        worker.wait_until_assigned()
        begin = read(worker.pid, where.broker_pid)
        worker.wait_until_counted(recording.standing_votes(), 30 + votes / _SLOWEST_VOTES_PER_S)
        end = read(worker.pid, where.broker_pid)
        peak = peak_rss_bytes(worker.pid)
        if worker.stop() != 0:
            raise RuntimeError(f"the worker did not stop cleanly: see {log_file(logs, run)}")
    return Run(POLLWATCH, votes, Usage.between(begin, end), peak)


def task_of(where: Cluster, run: str, votes: int, work: Work) -> Task:
    """Return what a peer is given in a run of its own, whose topics are made here: the first votes of all that lie there."""
    settings = where.settings(run)
    create_topics(settings)
    votes_topic, alerts_topic = (settings.topics.name(role) for role in (TopicRole.VOTES, TopicRole.ALERTS))
    return Task(where.servers, votes_topic, alerts_topic, settings.kafka.group_id, votes, work)


def run_peer(where: Cluster, label: str, module: str, task: Task, python: str = sys.executable) -> Run:
    """Let a peer read its part of it, from its first vote until it has done its last one."""
    with Contestant(f"benchmarks.peers.{module}", task.arguments(), os.environ, python) as process:
        process.wait_for("begun")
        begin = read(process.pid, where.broker_pid)
        process.wait_for("done")
        end = read(process.pid, where.broker_pid)
        return Run(label, task.votes, Usage.between(begin, end), sum(map(peak_rss_bytes, tree(process.pid))))
