"""`python -m benchmarks.profile_worker`: where the worker's CPU time goes, in microseconds a vote, by stage."""

from __future__ import annotations

import argparse
import pstats
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cluster import Cluster, cluster, create_topics, log_file
from benchmarks.contestant_pollwatch import PollwatchWorker
from benchmarks.latency import measure
from benchmarks.live_traffic import LiveTraffic
from benchmarks.load import load
from benchmarks.recording import Traffic, record
from config import load as settings_of


def main() -> int:
    """Print the table, or tables; return 0."""
    given = _parser().parse_args()
    directory = Path(tempfile.mkdtemp(prefix="pollwatch-profile-"))
    out, calls = directory / "stages.md", directory / "calls"
    module = ["benchmarks.profiled_worker", str(out), *([str(calls)] if given.calls else [])]
    with cluster() as where:
        if given.live:
            measure(where, LiveTraffic(given.live, warm_up_s=10, seconds=20), directory, module)
        else:
            _as_fast_as_it_goes(where, given.votes, directory, module)
    print(out.read_text(), flush=True)
    if given.calls:
        pstats.Stats(str(calls)).sort_stats("tottime").print_stats(given.calls)
    return 0


def _as_fast_as_it_goes(where: Cluster, votes: int, directory: Path, module: Sequence[str]) -> None:
    recording = record(Traffic(votes=votes))
    create_topics(where.settings("load"))
    load(recording, where.settings("load"), where.broker_pid)
    environment = where.environment("profiled")
    settings = settings_of(None, environment)
    create_topics(settings)
    with PollwatchWorker(environment, settings, log_file(directory, "profiled"), module) as worker:
        worker.wait_until_assigned()
        worker.wait_until_counted(recording.standing_votes(), 600)
        worker.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks.profile_worker", description=__doc__)
    parser.add_argument("--votes", type=int, default=1_000_000)
    parser.add_argument("--live", type=int, metavar="VOTES_PER_S", help="in real time, not as fast as it goes")
    parser.add_argument("--calls", type=int, metavar="N", help="also the N most costly functions, by cProfile")
    return parser


if __name__ == "__main__":
    sys.exit(main())
