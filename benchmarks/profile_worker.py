"""`python -m benchmarks.profile_worker`: where the worker's CPU time goes, in microseconds a vote, by stage."""

from __future__ import annotations

import argparse
import pstats
import sys
import tempfile
from pathlib import Path

from benchmarks.cluster import cluster, create_topics, log_file
from benchmarks.contestant_pollwatch import PollwatchWorker
from benchmarks.load import load
from benchmarks.recording import Traffic, record
from config import load as settings_of


def main() -> int:
    """Print the table; return 0."""
    given = _parser().parse_args()
    recording = record(Traffic(votes=given.votes))
    directory = Path(tempfile.mkdtemp(prefix="pollwatch-profile-"))
    out, calls = directory / "stages.md", directory / "calls"
    with cluster() as where:
        create_topics(where.settings("load"))
        load(recording, where.settings("load"), where.broker_pid)
        for number in range(given.repeats):
            environment = where.environment(f"profiled{number}")
            settings = settings_of(None, environment)
            create_topics(settings)
            module = ["benchmarks.profiled_worker", str(out), *([str(calls)] if given.calls else [])]
            with PollwatchWorker(environment, settings, log_file(directory, f"profiled{number}"), module) as worker:
                worker.wait_until_assigned()
                worker.wait_until_counted(recording.standing_votes(), 600)
                worker.stop()
            print(out.read_text(), flush=True)
    if given.calls:
        pstats.Stats(str(calls)).sort_stats("tottime").print_stats(given.calls)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks.profile_worker", description=__doc__)
    parser.add_argument("--votes", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--calls", type=int, metavar="N", help="also the N most costly functions, by cProfile")
    return parser


if __name__ == "__main__":
    sys.exit(main())
