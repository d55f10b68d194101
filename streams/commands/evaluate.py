"""`pollwatch evaluate`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from config import Settings


class _Pairs(argparse.Action):
    """Takes files two by two."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        given = list(values or [])
        if len(given) % 2:
            raise argparse.ArgumentError(self, "give pairs: a folder that scan wrote, and the labels of its recording")
        setattr(namespace, self.dest, list(zip(given[::2], given[1::2], strict=True)))


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "pairs", nargs="+", type=Path, action=_Pairs, metavar="DIR LABELS",
        help="what scan wrote, and the truth; more pairs are pooled",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="the numbers as JSON")


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Score scans against the truth about what they scanned."""
    import msgspec
    from rich.console import Console

    from streams.evaluate import score
    from streams.evaluate_files import read_trial
    from streams.evaluate_table import page

    scores = score([read_trial(folder, labels) for folder, labels in given.pairs])
    if given.json:
        print(msgspec.json.encode(scores).decode())
    else:
        Console(highlight=False).print(page(scores), soft_wrap=True)
    return 0
