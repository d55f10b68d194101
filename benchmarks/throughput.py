"""Votes a second of Pollwatch, of the agent everyone would write, and of this client alone, taking turns on the same topics.

A run of Pollwatch begins when the group has assigned the partitions, that of another with its first vote. It ends when the last
vote is worked through: published estimates account for it, the agent has counted it, it was handed over.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cluster import Cluster
from benchmarks.peers.work import Work
from benchmarks.recording import Recording
from benchmarks.runs import POLLWATCH, Run, run_peer, run_pollwatch, task_of

FAUST, GETMANY = "Faust, one event at a time", "aiokafka getmany alone"


@dataclass(frozen=True, slots=True)
class Race:
    """What is raced: the loaded recording, and how many of its votes the agent, which is slow, is given."""

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

    def _pollwatch(self, number: int) -> Run:
        return run_pollwatch(self.cluster, self.recording, self.logs, f"pollwatch{number}")

    def _faust(self, number: int) -> Run:
        return self._other(FAUST, "faust_each", number, self.stock_votes)

    def _getmany(self, number: int) -> Run:
        return self._other(GETMANY, "getmany", number, len(self.recording.votes))

    def _other(self, name: str, module: str, number: int, votes: int) -> Run:
        task = task_of(self.cluster, f"{module}{number}", votes, Work.COUNTS)
        return run_peer(self.cluster, name, module, task)


def median(runs: list[Run], contestant: str, of: Callable[[Run], float]) -> float:
    """Return the median over the runs of one contestant."""
    return statistics.median(of(run) for run in runs if run.contestant == contestant)


def ratio(runs: list[Run], to: str) -> float:
    """Return how many times faster Pollwatch is: the median over rounds, each against its neighbour in time."""
    ours = [run.votes_per_s for run in runs if run.contestant == POLLWATCH]
    theirs = [run.votes_per_s for run in runs if run.contestant == to]
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
