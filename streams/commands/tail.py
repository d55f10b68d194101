"""`pollwatch tail`."""

from __future__ import annotations

import argparse

from config import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--from-start", action="store_true", help="first those that the topic still holds")


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Print alerts as they come, one line each, until Ctrl-C."""
    from streams.tail import run_tail

    return run_tail(settings, given.from_start)
