"""How aiokafka's connections receive and send: what is megabytes long is put together once, and not piece by piece.

By itself aiokafka 0.14 reads with asyncio's streams, which stop the socket at 128 KB and go on when that was taken: two system calls and a
turn of the event loop for each piece of an answer, which is then copied twice. A request is joined at each level of its schema. Reaches
into `conn.AIOKafkaProtocol`, `asyncio.StreamReader` and the structs of requests. Must not know what is sent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from typing import Any

from aiokafka import conn
from aiokafka.protocol.types import Array, Bytes, Int32, Schema


class FrameReader(asyncio.StreamReader):
    """A stream that is only ever asked for a number of bytes, which are always going to be taken: it never stops the socket."""

    def begin(self) -> None:
        """Begin with nothing received."""
        self._pieces: deque[memoryview] = deque()
        self._held = self._wanted = 0

    def feed_data(self, data: Any) -> None:
        """Keep a piece; wake who waits when all that is wanted is there."""
        if data:
            self._pieces.append(memoryview(data))
            self._held += len(data)
            if self._held >= self._wanted:
                self._wakeup_waiter()  # type: ignore[attr-defined]

    def at_eof(self) -> bool:
        """Tell whether nothing is left and nothing will come."""
        return self._eof and not self._held  # type: ignore[attr-defined]

    async def readexactly(self, n: int) -> bytes:
        """Return the next `n` bytes. Raises IncompleteReadError when the connection ends before, and what broke it."""
        error = self.exception()
        if error is not None:
            raise error
        self._wanted = n
        while self._held < n:
            if self._eof:  # type: ignore[attr-defined]
                raise asyncio.IncompleteReadError(self._take(self._held), n)
            await self._wait_for_data("readexactly")  # type: ignore[attr-defined]
        return self._take(n)

    def _take(self, n: int) -> bytes:
        self._held -= n
        taken: list[memoryview] = []
        while n:
            piece = self._pieces.popleft()
            if len(piece) > n:
                self._pieces.appendleft(piece[n:])
                piece = piece[:n]
            taken.append(piece)
            n -= len(piece)
        return b"".join(taken)


class _Protocol(conn.AIOKafkaProtocol):  # type: ignore[misc]  # aiokafka has no types
    def __init__(self, closed: asyncio.Future[None], reader: Any, *, loop: asyncio.AbstractEventLoop) -> None:
        # the connection keeps the reader it has just made, and nothing was received yet
        reader.__class__ = FrameReader
        reader.begin()
        super().__init__(closed, reader, loop=loop)


def read_in_frames() -> None:
    """Have every connection that this process opens from now on receive as this file does."""
    conn.AIOKafkaProtocol = _Protocol


class Joined:
    """A request as aiokafka's connection wants one, whose bytes are joined once."""

    def __init__(self, request: Any) -> None:
        self._request = request

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)

    def prepare(self, versions: Any) -> Any:
        """Return the struct of the version that the broker knows."""
        struct = self._request.prepare(versions)
        struct.encode = lambda: b"".join(_pieces(struct.SCHEMA, [struct.get_item(name) for name in struct.SCHEMA.names]))
        return struct


def _pieces(kind: Any, value: Any) -> Iterator[Any]:
    """Yield what `kind.encode(value)` joins."""
    if isinstance(kind, Schema):
        for field, its in zip(kind.fields, value, strict=True):
            yield from _pieces(field, its)
    elif isinstance(kind, Array) and value is not None:
        yield Int32.encode(len(value))
        for one in value:
            yield from _pieces(kind.array_of, one)
    elif kind is Bytes and value is not None:
        yield Int32.encode(len(value))
        yield value
    else:
        yield kind.encode(value)
