"""`pollwatch replay`."""

from __future__ import annotations

import argparse
from pathlib import Path

from config import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="recording: JSON Lines, plain, .gz or .zst")
    parser.add_argument("--speed", type=_speed, default=1.0, metavar="X", help="times faster than recorded, or max")
    parser.add_argument("--rebase", action="store_true", help="shift its times to begin now")


def _speed(text: str) -> float:
    speed = 0.0 if text == "max" else float(text)
    if not 0 <= speed < float("inf"):
        raise ValueError(text)
    return speed


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Send a recording, showing how far it has come."""
    from streams.replay import replay
    from streams.replay_progress import shown_progress

    with shown_progress() as progress:
        summary = replay(given.file, settings, given.speed, given.rebase, progress)
    print(
        f"{summary.lines:,} lines in {summary.seconds:.1f} s ({summary.lines_per_s:,.0f}/s): {summary.votes:,} votes, "
        f"{summary.replies:,} replies, {summary.refused} that will be refused"
    )
    if summary.out_of_time:
        print(f"{summary.out_of_time:,} lines are too old or ahead of the clock: add --rebase, or set intake.max_age_ms")
    return 0
