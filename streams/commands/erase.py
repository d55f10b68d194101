"""`pollwatch erase`."""

from __future__ import annotations

import argparse

from config import Settings
from streams.durations import duration_ms


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("account", metavar="ACCOUNT", help="the account's id")
    parser.add_argument(
        "--patience", type=duration_ms, default=duration_ms("5m"), metavar="5m",
        help="how long to wait for the workers at each step; default: 5m",
    )  # fmt: skip


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Erase an account from the workers' state and the internal topics, while the workers run."""
    from streams.erase import erase

    erase(settings, given.account, given.patience / 1000, print)
    return 0
