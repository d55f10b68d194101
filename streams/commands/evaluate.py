"""`pollwatch evaluate`."""

from __future__ import annotations

import argparse
from pathlib import Path

from config import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "pairs", nargs="+", type=Path, metavar="DIR LABELS", help="what scan wrote, and the truth; more pairs are pooled"
    )
    parser.add_argument("--json", action="store_true", help="the numbers as JSON")


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Score scans against the truth about what they scanned."""
    import msgspec
    from rich.console import Console

    from streams.evaluate import score
    from streams.evaluate_files import EvaluateError, read_trial
    from streams.evaluate_table import page

    if len(given.pairs) % 2:
        raise EvaluateError("evaluate takes pairs: a folder that scan wrote, and the labels of its recording")
    pairs = zip(given.pairs[::2], given.pairs[1::2], strict=True)
    scores = score([read_trial(folder, labels) for folder, labels in pairs])
    if given.json:
        print(msgspec.json.encode(scores).decode())
    else:
        Console(highlight=False).print(page(scores), soft_wrap=True)
    return 0
