"""How aiokafka's connections receive and send: what is megabytes long is put together once, and not piece by piece.

By itself aiokafka 0.14 reads with asyncio's streams, which stop the socket at 128 KB and go on when that was taken: two system calls and a
turn of the event loop for each piece of an answer, which is copied twice more. Here the socket writes where the answer is put together. A
request it joins at each level of its schema, here it is joined once. Reaches into `conn.AIOKafkaProtocol`, `asyncio.StreamReader` and the
structs of requests. Must not know what is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from aiokafka import conn
from aiokafka.protocol.types import Array, Bytes, Int32, Schema

_FIRST_BYTES = 1 << 16


class FrameReader(asyncio.StreamReader):
    """A stream that is only ever asked for a number of bytes, which are always going to be taken: it never stops the socket.

    Its one buffer stays as large as it had to be so far: up to twice the largest answer.
    """

    def begin(self) -> None:
        """Begin with nothing received."""
        self._buffer = memoryview(bytearray(_FIRST_BYTES))
        self._from = self._to = self._wanted = 0

    def room(self) -> memoryview:
        """Return where the next bytes are to be put, some at least."""
        held, size = self._to - self._from, len(self._buffer)
        if self._to == size or (self._from and self._from + self._wanted > size):
            # it grows as bytes come, not by what is announced: who speaks another protocol announces gigabytes
            moved = self._buffer if self._from else memoryview(bytearray(2 * size))
            moved[:held] = self._buffer[self._from : self._to]
            self._buffer, self._from, self._to = moved, 0, held
        return self._buffer[self._to :]

    def received(self, more: int) -> None:
        """Note that so many bytes were put there; wake who waits when all that is wanted is there."""
        self._to += more
        if self._to - self._from >= self._wanted:
            self._wakeup_waiter()  # type: ignore[attr-defined]

    def at_eof(self) -> bool:
        """Tell whether nothing is left and nothing will come."""
        return self._eof and self._from == self._to  # type: ignore[attr-defined]

    async def readexactly(self, n: int) -> bytes:
        """Return the next `n` bytes. Raises IncompleteReadError when the connection ends before, and what broke it."""
        error = ValueError(f"an answer of {n} bytes: nothing that Kafka says") if n < 0 else self.exception()
        if error is not None:
            raise error
        self._wanted = n
        while self._to - self._from < n:
            if self._eof:  # type: ignore[attr-defined]
                raise asyncio.IncompleteReadError(self._take(self._to - self._from), n)
            await self._wait_for_data("readexactly")  # type: ignore[attr-defined]
        return self._take(n)

    def _take(self, n: int) -> bytes:
        self._from += n
        return bytes(self._buffer[self._from - n : self._from])


class _Protocol(conn.AIOKafkaProtocol, asyncio.BufferedProtocol):  # type: ignore[misc]  # aiokafka has no types
    def __init__(self, closed: asyncio.Future[None], reader: Any, *, loop: asyncio.AbstractEventLoop) -> None:
        # the connection keeps the reader it has just made, and nothing was received yet
        reader.__class__ = FrameReader
        reader.begin()
        self._frames = reader
        super().__init__(closed, reader, loop=loop)

    def get_buffer(self, _hint: int) -> memoryview:
        return self._frames.room()  # type: ignore[no-any-return]

    def buffer_updated(self, more: int) -> None:
        self._frames.received(more)


def read_in_frames() -> None:
    """Have every connection that this process opens from now on receive as this file does."""
    conn.AIOKafkaProtocol = _Protocol


class Joined:
    """A request, or its struct, as aiokafka's connection wants one, whose bytes are joined once.

    Not the struct itself with another method: that would hold itself, and megabytes, until garbage is looked for.
    """

    def __init__(self, joined: Any) -> None:
        self._joined = joined

    def __getattr__(self, name: str) -> Any:
        return getattr(self._joined, name)

    def prepare(self, versions: Any) -> Joined:
        """Return the struct of the version that the broker knows."""
        return Joined(self._joined.prepare(versions))

    def encode(self) -> bytes:
        """Return what the struct's own `encode` does."""
        schema = self._joined.SCHEMA
        return b"".join(_pieces(schema, [self._joined.get_item(name) for name in schema.names]))


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
