"""`pollwatch check-config`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from config import check, load


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="settings; default: built-in and environment")


def run(given: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Show every problem; 0 when there is none, 1 otherwise. What works and is not safe is shown too."""
    from config.targets import check_targets, read_targets
    from streams.cautions import cautions, target_cautions
    from streams.console.token_file import check_token
    from streams.hash_key import check_hash_key
    from streams.kafka_client import check_files
    from streams.notify.access import check_access
    from streams.pseudonyms import check_key

    problems = check(given.file, environ)
    if not problems:
        settings = load(given.file, environ)
        problems = [
            *check_files(settings.kafka),
            *check_hash_key(settings.intake),
            *check_key(settings.privacy),
            *check_token(settings.console),
        ]
        unusable = check_targets(settings.notify)
        targets = {} if unusable else read_targets(settings.notify)
        problems += unusable or check_access(settings.notify.targets, targets)
        for caution in (*cautions(settings), *target_cautions(settings.notify.targets, targets)):
            print(f"caution: {caution}", file=sys.stderr)
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print("no problems")
    return 1 if problems else 0
