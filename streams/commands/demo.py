"""`pollwatch demo`."""

from __future__ import annotations

import argparse
from pathlib import Path

from config import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--speed", type=_speed, default=1.0, metavar="X", help="times faster than the three minutes")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep the story's recording here, for scan and replay")


def _speed(text: str) -> float:
    speed = float(text)
    if not 0.1 <= speed <= 100:
        raise argparse.ArgumentTypeError("from 0.1 to 100")
    return speed


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Run the whole of Pollwatch on this machine for one story; 0 when what happens in it was found."""
    from streams.demo import run_demo

    return run_demo(settings, given.speed, given.keep)
