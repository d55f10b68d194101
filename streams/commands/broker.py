"""`pollwatch broker`."""

from __future__ import annotations

import argparse
from pathlib import Path

from config import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep the data here; default: gone at the end")
    parser.add_argument("--port", type=int, metavar="PORT", help="default: a free one, which is printed")


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Run the embedded Apache Kafka until Ctrl-C or SIGTERM."""
    from streams.broker import run_broker

    return run_broker(given.data, given.port)
