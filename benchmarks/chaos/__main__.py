"""`python -m benchmarks.chaos`: faults at random moments, each in a round of its own; 1 when an end differs or a takeover is late."""

from __future__ import annotations

import argparse
import logging
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.chaos.faults import FAULTS
from benchmarks.chaos.recorded import Recorded
from benchmarks.chaos.rounds import Ground, Outcome, play
from benchmarks.chaos.table import outcomes_as_table
from benchmarks.report import conditions
from streams.broker import EmbeddedKafka

_KILLS = 20


def main() -> int:
    """Return 0 when every round ended as if nothing had happened, and nobody took over late."""
    given = _parser().parse_args()
    # what clients say of a broker that was stopped on purpose
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    folder = Path(tempfile.mkdtemp(prefix="pollwatch-chaos-"))
    _tell(f"seed {seed}; recording and logs in {folder}")
    with EmbeddedKafka(data_dir=folder / "kafka") as broker:
        ground = Ground(
            broker.bootstrap_servers, folder, broker, Recorded(given.votes), given.votes_per_s, given.pause_s, given.gone_s
        )
        _tell(f"{ground.lines:,} lines at {given.votes_per_s:,} a second")
        found = list(_rounds(ground, given.only or list(FAULTS), given.rounds, seed))
    text = "\n\n".join([conditions(), outcomes_as_table(found)])
    print(text)
    if given.out:
        given.out.write_text(text + "\n")
    passed = all(outcome.passed for outcome in found)
    if passed:
        shutil.rmtree(folder)
    return 0 if passed else 1


def _rounds(ground: Ground, names: list[str], rounds: int | None, seed: int) -> Iterator[Outcome]:
    played = [name for name in names for _ in range(rounds or (_KILLS if name == "kill" else 1))]
    for number, name in enumerate(played):
        outcome = play(ground, name, seed + number)
        _tell(_line(outcome))
        yield outcome


def _line(outcome: Outcome) -> str:
    takeover = "never" if outcome.takeover_s is None else f"{outcome.takeover_s:.1f} s"
    head = f"{outcome.fault} (seed {outcome.seed}): at {outcome.moment_s:.1f} s, working after {takeover}, {outcome.restarts} restarts"
    return "\n  ".join([head, *outcome.wrong])


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(FAULTS), help="one fault; may be given again")
    parser.add_argument("--rounds", type=int, help="rounds of each fault (kill: 20, others: 1)")
    parser.add_argument("--seed", type=int, help="of the first round; the next ones count on from it")
    parser.add_argument("--votes", type=int, default=Recorded().votes, help="in the recording, besides those of a world of attacks")
    parser.add_argument("--votes-per-s", type=int, default=50_000, help="sent")
    parser.add_argument("--pause-s", type=float, default=90.0, help="for which a worker is paused")
    parser.add_argument("--gone-s", type=float, default=60.0, help="for which the broker is gone")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the table goes there, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
