"""A state as chunks of bytes and back: MessagePack, compressed, a chunk at a time. Knows no topic."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec
import zstandard

CHUNK_BYTES = 512 * 1024
# MessagePack's first bytes of a map and an array with at most 65,535 entries, and of bytes
_MAP_16, _ARRAY_16, _BIN_32 = 0xDE, 0xDC, 0xC6
_FEW = 100  # larger lists and maps hold small things: they are encoded at once


def pack(state: Any) -> Iterator[bytes]:
    """Yield a state as MessagePack, compressed, in chunks of CHUNK_BYTES but for the last; its dicts and lists are empty afterwards.

    What is packed is let go of at once: the copy that a snapshot is shrinks while it is written.
    """
    chunker = zstandard.ZstdCompressor(level=1).chunker(chunk_size=CHUNK_BYTES)
    for piece in _pieces(state):
        yield from chunker.compress(piece)
    yield from chunker.finish()  # type: ignore[no-untyped-call]


def next_chunk(chunks: Iterator[bytes], digest: hashlib.blake2b) -> bytes:
    """Return the next chunk, no bytes after the last; the digest goes on with it."""
    chunk = next(chunks, b"")
    digest.update(chunk)
    return chunk


def _pieces(value: Any) -> Iterator[bytes | bytearray]:
    """Yield MessagePack in pieces whose concatenation is the value; columns of bytes as they are, without a copy."""
    if isinstance(value, dict) and len(value) <= _FEW:
        yield bytes([_MAP_16]) + len(value).to_bytes(2, "big")
        for name in list(value):
            yield msgspec.msgpack.encode(name)
            yield from _pieces(value.pop(name))
    elif isinstance(value, list) and len(value) <= _FEW:
        yield bytes([_ARRAY_16]) + len(value).to_bytes(2, "big")
        value.reverse()
        while value:
            yield from _pieces(value.pop())
    elif isinstance(value, bytes | bytearray):
        yield bytes([_BIN_32]) + len(value).to_bytes(4, "big")
        yield value
    else:
        yield msgspec.msgpack.encode(value)


def unpack(chunks: list[bytes]) -> Any:
    """Return the state that `pack` was given; `chunks` is empty afterwards, so that they take no memory beside it."""
    unpacker = zstandard.ZstdDecompressor().decompressobj()
    plain = bytearray()
    while chunks:
        plain += unpacker.decompress(chunks.pop(0))
    return msgspec.msgpack.decode(plain)
