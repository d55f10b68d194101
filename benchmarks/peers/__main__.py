"""`python -m benchmarks.peers`: Pollwatch with everything on against every peer; 1 when it is less ahead than promised."""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
from pathlib import Path

from benchmarks.cluster import cluster, create_topics
from benchmarks.load import load
from benchmarks.peers.race import PEERS, PeerRace, best, load_by_poll
from benchmarks.peers.table import table
from benchmarks.peers.work import Work
from benchmarks.promises import Verdict
from benchmarks.recording import Traffic, record
from benchmarks.report import conditions, verdicts
from benchmarks.runs import Run

# that against peers which do less is hoped for, not promised
_FLOORS = {Work.COUNTS: (0.0, 3.0), Work.RIVER: (3.0, 3.0), Work.ALL: (3.0, 3.0)}


def main() -> int:
    """Return 0 when every floor was reached."""
    given = _parser().parse_args()
    asked = [peer for peer in PEERS if not given.only or peer.module in given.only]
    peers = [peer for peer in asked if peer.installed]
    for missing in sorted({str(peer.packages) for peer in asked if not peer.installed}):
        print(f"{missing} is missing: measured without its peers; `make bench-peers` installs them", file=sys.stderr)
    if not peers:
        return 1
    logs = Path(tempfile.mkdtemp(prefix="pollwatch-peers-"))
    recording = record(Traffic(votes=given.votes))
    gc.freeze()  # half a million account ids are not looked through while others are measured
    with cluster() as where:
        create_topics(where.settings("load"))
        load(recording, where.settings("load"), where.broker_pid)
        load_by_poll(recording, where)
        rounds = PeerRace(where, recording, logs, peers).rounds(given.repeats, _tell)
    found = []
    for work in sorted({peer.work for peer in peers}):
        name, ahead = best(rounds, peers, work)
        found.append(Verdict(f"votes/s, to the best peer, work: {work} ({name})", ahead, *_FLOORS[work]))
    text = "\n\n".join([conditions(), table(rounds), verdicts(found)])
    print(text)
    if given.out:
        given.out.write_text(text + "\n")
    return 0 if all(verdict.reached for verdict in found) else 1


def _tell(run: Run) -> None:
    print(f"{run.contestant}: {run.votes_per_s:,.0f} votes/s, {run.cpu_s_per_million:.2f} CPU s / million", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="rounds")
    parser.add_argument("--votes", type=int, default=1_000_000, help="in the recording")
    parser.add_argument("--only", action="append", choices=sorted({peer.module for peer in PEERS}), help="one peer; may be given again")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the report goes there, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
