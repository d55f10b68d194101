"""`python -m benchmarks.soak`: live traffic for half an hour with faults thrown in; 1 when anything was lost or memory rose."""

from __future__ import annotations

import argparse
import logging
import random
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks import report
from benchmarks.soak.run import BROKER, soak
from benchmarks.soak.table import judge, soaked_as_table
from benchmarks.soak.traffic import SoakTraffic
from streams.broker import EmbeddedKafka

_WARM_UP_S = 360.0
"""By then what is bounded by votes or polls is full; what crowds were like, learned from a thousand polls in each shard, comes last."""


def main() -> int:
    """Return 0 when nothing was lost, every flood was noticed, and memory stayed flat."""
    given = _parser().parse_args()
    # what clients say of a broker that was stopped on purpose
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    folder = Path(tempfile.mkdtemp(prefix="pollwatch-soak-"))
    print(f"seed {seed}; logs in {folder}", file=sys.stderr, flush=True)
    before = report.conditions()
    traffic = SoakTraffic(given.minutes * 60, given.votes_per_s, seed=seed)
    with EmbeddedKafka(data_dir=folder / "kafka", properties=BROKER) as broker:
        soaked = soak(traffic, broker, folder)
    verdicts = judge(soaked, given.votes_per_s, _WARM_UP_S)
    text = "\n\n".join([f"{before} Seed {seed}.", soaked_as_table(soaked), report.verdicts(verdicts)])
    print(text)
    if given.out:
        given.out.write_text(text + "\n")
    kept = all(verdict.reached for verdict in verdicts)
    shutil.rmtree(folder / "kafka" if not kept else folder)
    return 0 if kept else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="for which votes are sent")
    parser.add_argument("--votes-per-s", type=int, default=50_000, help="sent")
    parser.add_argument("--seed", type=int, help="of traffic and faults")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the report goes there, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
