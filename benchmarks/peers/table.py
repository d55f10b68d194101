"""The table of a race: medians of each contestant, and the ratios of its rounds."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from benchmarks.peers.race import ratios
from benchmarks.runs import Run


def table(rounds: Sequence[Sequence[Run]]) -> str:
    """Return a row for each contestant; the first of each round is Pollwatch, everything on."""
    lines = [
        "| | votes given | votes/s | Pollwatch is faster by | CPU s per million | peak RSS MB | cores others took |",
        "|---|---|---|---|---|---|---|",
    ]
    for place in range(len(rounds[0])):
        runs = [each[place] for each in rounds]
        ahead = sorted(ratios(rounds, place))
        lines.append(
            f"| {runs[0].contestant} | {runs[0].votes:,} | {_median(runs, lambda run: run.votes_per_s):,.0f} "
            f"| {statistics.median(ahead):.2f} ({ahead[0]:.2f} to {ahead[-1]:.2f}) "
            f"| {_median(runs, lambda run: run.cpu_s_per_million):.2f} "
            f"| {_median(runs, lambda run: run.peak_rss_bytes / 1e6):.0f} "
            f"| {_median(runs, lambda run: run.usage.other_cores):.2f} |"
        )
    return "\n".join([*lines, "", f"Medians of {len(rounds)} rounds; ratios within a round, in brackets their range."])


def _median(runs: Sequence[Run], of: Callable[[Run], float]) -> float:
    return statistics.median(of(run) for run in runs)
