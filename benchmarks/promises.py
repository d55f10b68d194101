"""What was promised, and whether a measurement keeps it. Numbers in, verdicts out."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import numpy as np

from benchmarks.latency import Latency
from benchmarks.memory import Memory
from benchmarks.runs import Run
from benchmarks.scan_speed import ScanRun
from benchmarks.throughput import FAUST, GETMANY, ratio

MIN_ALERTS = 50


@dataclass(frozen=True, slots=True)
class Verdict:
    """One promise: `found` must be at least `floor`, or at most it when `at_most`; `aim` is what is hoped for."""

    what: str
    found: float
    floor: float
    aim: float
    at_most: bool = False

    @property
    def reached(self) -> bool:
        """Whether the floor was reached; a figure that is missing reaches nothing."""
        return self.found <= self.floor if self.at_most else self.found >= self.floor


def judge_throughput(runs: list[Run]) -> list[Verdict]:
    """Judge the ratios of one run."""
    return [
        Verdict("votes/s, worker to stock Faust agent", ratio(runs, FAUST), 12.0, 15.0),
        Verdict("votes/s, worker to getmany alone", ratio(runs, GETMANY), 0.25, 0.4),
    ]


def judge_latency(latency: Latency) -> list[Verdict]:
    """Judge the latency seen from outside; too few alerts prove nothing."""
    p99_s = float(np.quantile(latency.from_last_s, 0.99)) if latency.from_last_s else float("nan")
    return [
        # a sender that could not keep its pace shows that the machine was taken by others
        Verdict("votes/s offered", latency.offered_per_s, 0.98 * latency.wanted_per_s, latency.wanted_per_s),
        Verdict("alerts measured", len(latency.from_last_s), MIN_ALERTS, latency.floods),
        Verdict("event-to-alert, p99, s", p99_s, 1.5, 1.5, at_most=True),
    ]


def judge_scan(runs: list[ScanRun]) -> list[Verdict]:
    """Judge the speed of scan."""
    return [Verdict("scan, events/s", statistics.median(run.events_per_s for run in runs), 300_000, 300_000)]


def judge_memory(memory: Memory, million_accounts: int = 1) -> list[Verdict]:
    """Judge the size of one worker that does everything, and how long another one takes to stand in for it.

    1 GB was promised at a million accounts and 4 GB at ten million, between them what lies on the line; 8 s at a million.
    """
    peak, accounts = max(memory.weights.peak_rss, memory.restored_peak_bytes), million_accounts * 1_000_000
    most_mb = 1_000 + (million_accounts - 1) * 3_000 / 9
    most_s = 8.0 * million_accounts
    return [
        Verdict("accounts that are active", memory.accounts, accounts, accounts),
        Verdict("peak RSS of the worker, MB", peak / 1e6, most_mb, most_mb, at_most=True),
        Verdict("restored from snapshots within, s", memory.restart_s, most_s, most_s, at_most=True),
    ]
