"""`pollwatch reprocess`."""

from __future__ import annotations

import argparse
import asyncio

from config import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--from-start", action="store_true", help="all that the input topics still hold")
    where.add_argument("--from-time", metavar="TIME", help="what the brokers took since then: ISO 8601 (UTC) or milliseconds since 1970")
    where.add_argument(
        "--from-offsets",
        nargs="+",
        metavar="TOPIC/PARTITION=OFFSET",
        help="these offsets, or a file of such lines; partitions not named go on where they are",
    )
    parser.add_argument("--dry-run", action="store_true", help="change nothing, say what would be done")


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Send the group back and say what follows from it."""
    from streams.reprocess import Offsets, reprocess
    from streams.reprocess_plan import from_offsets, from_start, from_time, parse_offsets, parse_time_ms

    if given.from_offsets is not None:
        wanted = parse_offsets(given.from_offsets)
        asked = Offsets(lambda places, _: from_offsets(places, wanted))
    elif given.from_time is not None:
        asked = Offsets(from_time, parse_time_ms(given.from_time))
    else:
        asked = Offsets(lambda places, _: from_start(places))
    asyncio.run(reprocess(settings, asked, given.dry_run, print))
    return 0
