"""The lines of recordings, decoded and placed: what of a scan needs no memory of the lines before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from config.schema import Settings
from detectors.columns import Int32s
from streams.ahead import ahead
from streams.decode import Decoded, Kind
from streams.placing import place
from streams.recording import LINES_PER_CHUNK, chunks
from streams.stages import build_decoder

# below this, starting another process takes longer than it saves
_WORTH_A_PROCESS_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """So many lines: their rows, the number of the source each line goes to, and the refused ones' bytes by index."""

    lines: int
    decoded: Decoded
    source: Int32s
    refused: dict[int, bytes]


def is_large(paths: list[Path]) -> bool:
    """Tell whether there is enough to read for more than one process."""
    return sum(path.stat().st_size for path in paths if path.exists()) >= _WORTH_A_PROCESS_BYTES


def read(paths: list[Path], settings: Settings, apart: bool) -> Iterator[Chunk]:
    """Yield the chunks of all recordings; with `apart` they are read and decoded in a process of their own.

    Raises `streams.recording.RecordingError` for a file that can't be read to its end, after everything before.
    """
    make = partial(_read, paths, settings)
    yield from ahead(make) if apart else make()


def _read(paths: list[Path], settings: Settings) -> Iterator[Chunk]:
    decoder, partitions = build_decoder(settings), settings.topics.partitions
    for path in paths:
        for lines in chunks(path, LINES_PER_CHUNK):
            decoded = decoder.recording(lines)
            placed = place(lines, decoded, decoder, partitions, partitions)
            source = placed.partition + partitions * (placed.kind == Kind.REPLY)
            yield Chunk(len(lines), decoded, source, {bad.index: lines[bad.index] for bad in decoded.refused})
