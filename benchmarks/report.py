"""Figures as Markdown tables. Knows no process and no Kafka."""

from __future__ import annotations

from benchmarks.load import Loaded
from benchmarks.throughput import FAUST, GETMANY, POLLWATCH, Run, median, ratio


def machine() -> str:
    return ""


def loading_table(loaded: Loaded) -> str:
    """Return what loading took."""
    return (
        f"Loaded {loaded.records:,} records in {loaded.seconds:.1f} s; CPU: sender {loaded.sender_cpu_s:.1f} s, "
        f"broker {loaded.broker_cpu_s:.1f} s."
    )


def throughput_table(runs: list[Run]) -> str:
    """Return the medians of each contestant."""
    rows = [
        "| | votes/s | CPU s / million | broker CPU s / million | peak RSS MB | other cores |",
        "|---|---|---|---|---|---|",
    ]
    for name in (FAUST, POLLWATCH, GETMANY):
        figures = [
            f"{median(runs, name, lambda r: r.votes_per_s):,.0f}",
            f"{median(runs, name, lambda r: r.cpu_s_per_million):.1f}",
            f"{median(runs, name, lambda r: r.broker_cpu_s_per_million):.1f}",
            f"{median(runs, name, lambda r: r.peak_rss_bytes / 1e6):,.0f}",
            f"{median(runs, name, lambda r: r.usage.other_cores):.2f}",
        ]
        rows.append(f"| {name} | " + " | ".join(figures) + " |")
    rows.append(f"\nratio to (a) {ratio(runs, FAUST):.1f}, to (c) {ratio(runs, GETMANY):.2f}")
    return "\n".join(rows)
