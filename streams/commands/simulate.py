"""`pollwatch simulate`."""

from __future__ import annotations

import argparse
import gzip
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import zstandard

from config import Settings
from lab.worlds import SCENARIOS, world

_LINES_AT_ONCE = 20_000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("scenario", choices=SCENARIOS, metavar="SCENARIO", help=", ".join(SCENARIOS))
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="recording: .jsonl, .jsonl.gz or .jsonl.zst")
    parser.add_argument("--labels", type=Path, required=True, metavar="FILE", help="the truth: .json, .json.gz or .json.zst")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed makes the same world; default: 1")


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Write one world and the truth about it."""
    made = world(SCENARIOS[given.scenario], given.seed)
    encode = msgspec.json.Encoder().encode_lines
    starts = range(0, len(made.events), _LINES_AT_ONCE)
    write(given.out, (encode(made.events[start : start + _LINES_AT_ONCE]) for start in starts))
    write(given.labels, [msgspec.json.encode(made.labels), b"\n"])
    print(_in_words(made.labels, given.out))
    return 0


def write(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file, packed as its name says; equal parts make equal files."""
    with _opened(path) as file:
        for part in parts:
            file.write(part)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    with path.open("wb") as raw:
        if path.suffix == ".gz":
            # without a name and a time in it, equal content is an equal file
            with gzip.GzipFile(filename="", mode="wb", compresslevel=5, fileobj=raw, mtime=0) as packed:
                yield packed  # type: ignore[misc]
        elif path.suffix == ".zst":
            with zstandard.ZstdCompressor().stream_writer(raw) as packed:
                yield packed
        else:
            yield raw


def _in_words(labels: dict[str, Any], out: Path) -> str:
    votes = sum(labels["bot_votes"].values())
    kinds = Counter(attack["kind"] for attack in labels["attacks"])
    number = "1 attack" if kinds.total() == 1 else f"{kinds.total()} attacks"
    named = ", ".join(kind if many == 1 else f"{many} {kind}" for kind, many in kinds.items())
    attacks = f"{number} ({named}) with {votes:,} votes" if kinds else "no attack"
    crowds = len(labels["hard_negatives"])
    return f"{labels['events']:,} events in {len(labels['polls'])} polls: {attacks}; {crowds} crowds that are none -> {out}"
