"""Votes a second of the three contestants on the same topics of the same broker, taking turns.

Every run begins when the group has assigned the partitions and ends when the last vote is worked through: (a) its agent
has counted it, (b) published estimates account for it, (c) it was handed over. Each is a process of its own; CPU
and memory are read from /proc at these two moments.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cluster import Cluster, create_topics, log_file
from benchmarks.contestant_pollwatch import PollwatchWorker
from benchmarks.processes import Contestant, Usage, peak_rss_bytes, read
from benchmarks.recording import Recording
from config import load

FAUST, POLLWATCH, GETMANY = "(a) Faust, one event at a time", "(b) Pollwatch worker", "(c) aiokafka getmany alone"
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


@dataclass(frozen=True, slots=True)
class Race:
    """What is raced: the loaded recording, and how many of its votes (a), which is slow, is given."""

    cluster: Cluster
    recording: Recording
    stock_votes: int
    logs: Path

    def rounds(self, repeats: int, tell: Callable[[Run], None]) -> list[Run]:
        """Let all run `repeats` times, each time another one first."""
        order = [self._faust, self._pollwatch, self._getmany]
        runs = []
        for number in range(repeats):
            for contestant in order[number % 3 :] + order[: number % 3]:
                runs.append(contestant(number))
                tell(runs[-1])
        return runs

    def _faust(self, number: int) -> Run:
        return self._saying(FAUST, "benchmarks.contestant_faust", f"faust{number}", self.stock_votes)

    def _getmany(self, number: int) -> Run:
        return self._saying(GETMANY, "benchmarks.contestant_getmany", f"getmany{number}", len(self.recording.votes))

    def _saying(self, name: str, module: str, run: str, votes: int) -> Run:
        create_topics(self.cluster.settings(run))
        with Contestant(module, [str(votes)], self.cluster.environment(run)) as process:
            process.wait_for("assigned")
            begin = read(process.pid, self.cluster.broker_pid)
            process.wait_for("done")
            end = read(process.pid, self.cluster.broker_pid)
            return Run(name, votes, Usage.between(begin, end), peak_rss_bytes(process.pid))

    def _pollwatch(self, number: int) -> Run:
        run, votes = f"pollwatch{number}", len(self.recording.votes)
        environment = self.cluster.environment(run)
        settings = load(None, environment)
        create_topics(settings)
        with PollwatchWorker(environment, settings, log_file(self.logs, run)) as worker:
            worker.wait_until_assigned()
            begin = read(worker.pid, self.cluster.broker_pid)
            worker.wait_until_counted(self.recording.standing_votes(), 30 + votes / _SLOWEST_VOTES_PER_S)
            end = read(worker.pid, self.cluster.broker_pid)
            peak = peak_rss_bytes(worker.pid)
            if worker.stop() != 0:
                raise RuntimeError(f"the worker did not stop cleanly: see {log_file(self.logs, run)}")
        return Run(POLLWATCH, votes, Usage.between(begin, end), peak)


def median(runs: list[Run], contestant: str, of: Callable[[Run], float]) -> float:
    """Return the median over the runs of one contestant."""
    return statistics.median(of(run) for run in runs if run.contestant == contestant)


def ratio(runs: list[Run], to: str) -> float:
    """Return how many times faster Pollwatch is: the median over rounds, each against its neighbour in time."""
    ours = [run.votes_per_s for run in runs if run.contestant == POLLWATCH]
    theirs = [run.votes_per_s for run in runs if run.contestant == to]
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
