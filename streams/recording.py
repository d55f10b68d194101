"""Reads recordings (JSON Lines: plain, .gz or .zst) as lists of raw lines, and says which partition each line belongs to."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import zstandard

from detectors.columns import Hashes, Int32s

LINES_PER_CHUNK = 65_536
"""What `scan` and `replay` take at a time: both tell the smallest time of the first chunk as the beginning."""
BLOCK_BYTES = 1 << 20
CHUNK_BYTES = 32 * BLOCK_BYTES
"""A chunk that holds more ends early, so that memory does not grow with the length of lines."""
MAX_LINE_BYTES = 64 * BLOCK_BYTES
"""Nobody's record is longer: the file is not what its name says."""
# four bytes of zstd can stand for 128 KiB, so this much never becomes more than 64 MiB at once
_ZSTD_INPUT_BYTES = 2048


class RecordingError(Exception):
    """A recording that cannot be read, or not to its end: one line that names the file and what is wrong with it."""


class _LineTooLong(ValueError):
    pass


def chunks(path: Path, lines_per_chunk: int) -> Iterator[list[bytes]]:
    """Yield the file's lines in order, without their ends (LF or CR LF) and without blank ones.

    Every chunk but the last has `lines_per_chunk` lines, or fewer of more than CHUNK_BYTES. Raises RecordingError,
    for a damaged or cut off file after everything that could be read.
    """
    waiting: list[bytes] = []
    waiting_bytes = 0
    problem: Exception | None = None
    try:
        for lines in _lines(_blocks(path)):
            waiting += lines
            waiting_bytes += sum(map(len, lines))
            if len(waiting) < lines_per_chunk and waiting_bytes < CHUNK_BYTES:
                continue
            rest = len(waiting) % lines_per_chunk if waiting_bytes < CHUNK_BYTES else 0
            yield from _slices(waiting[: len(waiting) - rest], lines_per_chunk)
            waiting = waiting[len(waiting) - rest :]
            waiting_bytes = sum(map(len, waiting))
    except (OSError, EOFError, zlib.error, zstandard.ZstdError, _LineTooLong) as error:
        problem = error
    if waiting:
        yield waiting
    if problem is not None:
        raise RecordingError(f"{path}: {_in_words(problem)}") from problem


def partition_of(account: Hashes, partitions: int) -> Int32s:
    """Which of the input's partitions (0-based) each record goes to, by the hash of its account."""
    return (account % np.uint64(partitions)).astype(np.int32)


def _slices(lines: list[bytes], size: int) -> Iterator[list[bytes]]:
    for start in range(0, len(lines), size):
        yield lines[start : start + size]


def _lines(blocks: Iterable[bytes]) -> Iterator[list[bytes]]:
    tail: list[bytes] = []
    tail_bytes = 0
    for block in blocks:
        end = block.rfind(b"\n") + 1
        if end:
            yield _split(b"".join([*tail, block[:end]]))
            tail, tail_bytes = [], 0
        tail.append(block[end:])
        tail_bytes += len(block) - end
        if tail_bytes > MAX_LINE_BYTES:
            raise _LineTooLong
    yield _split(b"".join(tail))


def _split(text: bytes) -> list[bytes]:
    lines = text.split(b"\n")
    if b"\r" in text:
        lines = [line.removesuffix(b"\r") for line in lines]
    return [line for line in lines if line]


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        if path.suffix == ".zst":
            yield from _unzstd(iter(lambda: file.read(_ZSTD_INPUT_BYTES), b""))
        elif path.suffix == ".gz":
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield from iter(lambda: unpacked.read1(BLOCK_BYTES), b"")
        else:
            yield from iter(lambda: file.read(BLOCK_BYTES), b"")


def _unzstd(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack frame by frame: only an object for one frame can tell an end from a cut."""
    frame = zstandard.ZstdDecompressor().decompressobj()
    open_frame = True  # an empty file lacks its first frame
    for part in parts:
        rest = part
        while rest:
            if not open_frame:
                frame, open_frame = zstandard.ZstdDecompressor().decompressobj(), True
            yield frame.decompress(rest)
            rest, open_frame = (frame.unused_data, False) if frame.eof else (b"", True)
    if open_frame:
        raise EOFError


def _in_words(problem: Exception) -> str:
    if isinstance(problem, FileNotFoundError):
        return "no such file"
    if isinstance(problem, _LineTooLong):
        return f"a line is longer than {MAX_LINE_BYTES} bytes: no recording in JSON Lines"
    if isinstance(problem, gzip.BadGzipFile | zlib.error | zstandard.ZstdError):
        return "not in the format its name says, or damaged; the lines before the damage were read"
    if isinstance(problem, OSError):
        return f"cannot be read ({problem.strerror})"
    return "cut off: it ends in the middle of the packed data; the lines before were read"
