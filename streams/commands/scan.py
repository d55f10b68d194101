"""`pollwatch scan`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from config import Settings, with_overrides
from streams.durations import duration_ms


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="recording: JSON Lines, plain, .gz or .zst")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for what is found")
    parser.add_argument("--scores", action="store_true", help="also write scores.csv")
    parser.add_argument("--window", type=duration_ms, metavar="5m", help="length of the rate windows: 10s, 5m, 1h")


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Scan, showing how far it has come on a terminal."""
    from streams.pauses import pause_seldom
    from streams.scan import scan

    pause_seldom()

    if given.window is not None:
        quiet_ms = max(settings.rate.quiet_ms, 10 * given.window)
        rate = {"window_ms": given.window, "tick_ms": given.window, "quiet_ms": quiet_ms}
        settings = with_overrides(settings, rate=rate)
    summary = scan(given.files, settings, given.out, given.scores, _tell if sys.stderr.isatty() else _silent)
    print(
        f"{summary.events:,} events in {summary.seconds:.1f} s ({summary.events_per_second:,.0f}/s): "
        f"{summary.polls} polls, {summary.cases} cases, {summary.rejected} refused -> {given.out}"
    )
    return 0


def _tell(events: int) -> None:
    print(f"\r{events:,} events", end="", file=sys.stderr, flush=True)


def _silent(events: int) -> None:
    pass
