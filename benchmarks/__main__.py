"""`python -m benchmarks`: everything that is promised, measured; a Markdown report; 1 when a floor was missed."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.cluster import cluster, create_topics
from benchmarks.load import load
from benchmarks.recording import Traffic, record
from benchmarks.report import loading_table, throughput_table
from benchmarks.throughput import Race, Run


def main() -> int:
    """Return 0 when every floor was reached."""
    given = _parser().parse_args()
    logs = Path(tempfile.mkdtemp(prefix="pollwatch-bench-"))
    recording = record(Traffic(votes=given.votes))
    with cluster() as where:
        settings = where.settings("load")
        create_topics(settings)
        loaded = load(recording, settings, where.broker_pid)
        print(loading_table(loaded), flush=True)
        runs = Race(where, recording, given.stock_votes, logs).rounds(given.repeats, _tell)
        print(throughput_table(runs))
    return 0


def _tell(run: Run) -> None:
    print(f"{run.contestant}: {run.votes_per_s:,.0f} votes/s", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--votes", type=int, default=2_000_000)
    parser.add_argument("--stock-votes", type=int, default=300_000)
    parser.add_argument("--repeats", type=int, default=3)
    return parser


if __name__ == "__main__":
    sys.exit(main())
