"""Figures as Markdown. Knows no process and no Kafka."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.latency import Latency, quantile_of_buckets
from benchmarks.load import BATCH_BYTES, Loaded
from benchmarks.memory import Memory
from benchmarks.processes import Usage
from benchmarks.promises import Verdict
from benchmarks.runs import POLLWATCH, Run
from benchmarks.scan_speed import ScanRun, median_run
from benchmarks.throughput import FAUST, GETMANY, median

_PACKAGES = ("faust-streaming", "aiokafka", "river", "numpy", "msgspec")


def conditions() -> str:
    """Return where and with what this is measured, and how busy the machine was before."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{os.cpu_count()} cores ({_processor()}), Python {platform.python_version()}, {packages}; "
        f"load before the run {os.getloadavg()[0]:.1f}."
    )


def loading(loaded: Loaded) -> str:
    """Return what loading took."""
    return (
        f"Loaded beforehand: {loaded.records:,} records in batches of {BATCH_BYTES // 1024} KiB, {loaded.seconds:.0f} s; "
        f"CPU s: sender {loaded.sender_cpu_s:.1f}, broker {loaded.broker_cpu_s:.1f}."
    )


def throughput(runs: list[Run], loaded: Loaded) -> str:
    """Return the medians of each contestant, and every run below."""
    lines = ["## Throughput", loading(loaded), "", *_header(
        "", "votes", "votes/s", "CPU s per million", "broker CPU s per million", "peak RSS MB", "cores others took"
    )]  # fmt: skip
    for name in (FAUST, POLLWATCH, GETMANY):
        given = next(run.votes for run in runs if run.contestant == name)
        lines.append(_row(
            name,
            f"{given:,}",
            f"{median(runs, name, lambda run: run.votes_per_s):,.0f}",
            f"{median(runs, name, lambda run: run.cpu_s_per_million):.2f}",
            f"{median(runs, name, lambda run: run.broker_cpu_s_per_million):.2f}",
            f"{median(runs, name, lambda run: run.peak_rss_bytes / 1e6):.0f}",
            f"{median(runs, name, lambda run: run.usage.other_cores):.2f}",
        ))  # fmt: skip
    every = "; ".join(f"{run.contestant.split()[0]} {run.votes_per_s:,.0f}" for run in runs)
    cpu = {name: median(runs, name, lambda run: run.cpu_s_per_million) for name in (FAUST, POLLWATCH, GETMANY)}
    ratios = f"the agent takes {cpu[FAUST] / cpu[POLLWATCH]:.1f} times Pollwatch's CPU, getmany {cpu[GETMANY] / cpu[POLLWATCH]:.2f} times"
    return "\n".join([*lines, "", f"Medians of {len(runs) // 3}; {ratios}. In order of time, votes/s: {every}."])


def latency(found: Latency) -> str:
    """Return the quantiles of both measurements, and who took what."""
    lines = ["## Event-to-alert latency", *_header("measured", "alerts", "p50 s", "p99 s", "largest s")]
    for name, seconds in (
        ("alert's minus last vote's broker timestamp", found.from_last_s),
        ("alert's minus first vote's of the tick: at most", found.from_first_s),
    ):
        quantiles = np.quantile(seconds, [0.5, 0.99, 1]) if seconds else [float("nan")] * 3
        lines.append(_row(name, str(len(seconds)), *(f"{value:.2f}" for value in quantiles)))
    own = [f"{quantile_of_buckets(found.own, q):.2f}" for q in (0.5, 0.99)] if found.own[-1][1] else ["-", "-"]
    lines.append(_row("worker's histogram (interpolated)", f"{found.own[-1][1]:.0f}", *own, "-"))
    return "\n".join([*lines, "", _taken(found)])


def _taken(found: Latency) -> str:
    usage: Usage = found.usage
    return (
        f"Offered {found.offered_per_s:,.0f} votes/s for {usage.seconds:.0f} s with {found.floods} floods; the sender was "
        f"at most {found.behind_ms} ms behind. Cores: worker {usage.process_cpu_s / usage.seconds:.2f}, "
        f"broker {usage.broker_cpu_s / usage.seconds:.2f}, sender {found.sender_cores:.2f}, "
        f"all others {usage.other_cores - found.sender_cores:.2f}. Worker's peak RSS {found.peak_rss_bytes / 1e6:.0f} MB."
    )


def scans(runs: Sequence[ScanRun], name: str) -> str:
    """Return the run of median speed."""
    run = median_run(list(runs))
    return "\n".join([
        "## Scan",
        *_header("recording", "events", "cases", "events/s past start-up", "seconds in all", "CPU s", "peak RSS MB"),
        _row(
            f"{name}, repeated", f"{run.events:,}", f"{run.cases:,}", f"{run.events_per_s:,.0f}", f"{run.wall_s:.1f}",
            f"{run.cpu_s:.1f}", f"{run.peak_rss_bytes / 1e6:.0f}",
        ),
    ])  # fmt: skip


def memory(found: Memory) -> str:
    """Return what the worker weighed, part by part, and what its snapshots took."""
    of = found.weights
    named = sum(of.parts.values())
    sizes = [*of.parts.items(), ("all of these", named), ("an empty worker", found.empty_rss_bytes),
             ("worker at the end", of.rss), ("worker at its largest", of.peak_rss),
             ("restored worker at its largest", found.restored_peak_bytes)]  # fmt: skip
    lines = ["## Memory and restart", *_header("", "MB"), *(_row(name, f"{size / 1e6:,.1f}") for name, size in sizes)]
    holds = ", ".join(f"{count:,} {store.replace('_', ' ')}" for store, count in of.entries.items())
    snapshots = (
        f"Snapshots {of.snapshot_bytes / 1e6:,.0f} MB; CPU s to take {of.snapshot_taken_s:.1f}, to pack "
        f"{of.snapshot_packed_s:.1f}, to unpack {of.snapshot_unpacked_s:.1f}, to restore {of.snapshot_restored_s:.1f}. "
        f"Another worker was ready {found.restart_s:.1f} s ({found.restart_cpu_s:.1f} CPU s) after it got the partitions."
    )
    load = f"{found.votes:,} votes, {found.replies:,} replies, {found.accounts:,} accounts, {found.polls:,} polls"
    return "\n".join([*lines, "", f"{load}; held: {holds}. {snapshots}"])


def verdicts(found: Sequence[Verdict]) -> str:
    """Return what was promised beside what was found."""
    lines = ["## Promises", *_header("", "found", "floor", "aim", "")]
    for verdict in found:
        figures = [f"{value:,.0f}" if value >= 1000 else f"{value:.2f}" for value in (verdict.found, verdict.floor, verdict.aim)]
        lines.append(_row(verdict.what, *figures, "reached" if verdict.reached else "**missed**"))
    return "\n".join(lines)


def _header(*names: str) -> list[str]:
    return [_row(*names), "|---" * len(names) + "|"]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
