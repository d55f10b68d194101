"""What connections receive and send is what aiokafka's own would, in whatever pieces it comes."""

from __future__ import annotations

import asyncio
import gc
import weakref
from itertools import pairwise
from typing import Any

import pytest
from aiokafka import conn
from aiokafka.protocol.produce import ProduceRequest
from hypothesis import given
from hypothesis import strategies as st

from streams.transport.frames import FrameReader, Joined, _Protocol, read_in_frames

Topics = list[tuple[str, list[tuple[int, bytes]]]]
TOPICS = st.lists(st.tuples(st.text(max_size=5), st.lists(st.tuples(st.integers(0, 99), st.binary(max_size=40)), max_size=4)), max_size=4)


def connected(limit: int = 2**16) -> tuple[Any, Any]:
    """Return a protocol and the reader of its connection, made as aiokafka makes them."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=limit, loop=loop)
    return _Protocol(loop.create_future(), reader, loop=loop), reader


def put(protocol: Any, piece: bytes) -> None:
    """Let a protocol receive what a socket has, in as many turns as its buffer makes of it."""
    while piece:
        room = protocol.get_buffer(-1)
        taken = min(len(room), len(piece))
        assert taken, "a socket that may write nothing looks like one that was closed"
        room[:taken] = piece[:taken]
        protocol.buffer_updated(taken)
        piece = piece[taken:]


@given(st.lists(st.binary(max_size=30), max_size=8), st.lists(st.integers(0, 300), max_size=12), st.sampled_from([1, 7, 64, 1 << 16]))
def test_frames_are_read_whole_however_they_were_cut(frames: list[bytes], cuts: list[int], size: int) -> None:
    sent = b"".join(frames)
    pieces = [sent[a:b] for a, b in pairwise([0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)])]

    async def received() -> list[bytes]:
        protocol, reader = connected()
        reader._buffer = memoryview(bytearray(size))

        async def read() -> list[bytes]:
            return [await reader.readexactly(len(frame)) for frame in frames]

        reading = asyncio.ensure_future(read())
        for piece in pieces:
            put(protocol, piece)
            await asyncio.sleep(0)
        found = await reading
        protocol.eof_received()
        assert reader.at_eof()
        return found

    assert asyncio.run(received()) == frames


def test_a_reader_is_woken_once_for_a_frame_and_never_stops_the_socket() -> None:
    class Socket(asyncio.Transport):
        def pause_reading(self) -> None:
            raise AssertionError("what is asked for is taken, however much it is")

    async def turns() -> int:
        protocol, reader = connected(limit=10)
        protocol.connection_made(Socket())
        woken, wake = 0, reader._wakeup_waiter

        def counted() -> None:
            nonlocal woken
            woken += 1
            wake()

        reader._wakeup_waiter = counted
        reading = asyncio.ensure_future(reader.readexactly(1_000))
        await asyncio.sleep(0)
        for _ in range(100):
            put(protocol, b"0123456789")
        assert await reading == b"0123456789" * 100
        return woken

    assert asyncio.run(turns()) == 1


def test_a_connection_that_ends_within_a_frame_says_so() -> None:
    async def ends() -> None:
        protocol, reader = connected()
        reading = asyncio.ensure_future(reader.readexactly(10))
        await asyncio.sleep(0)
        put(protocol, b"abc")
        protocol.eof_received()
        with pytest.raises(asyncio.IncompleteReadError) as error:
            await reading
        assert (error.value.partial, error.value.expected) == (b"abc", 10)

    asyncio.run(ends())


def test_what_another_protocol_seems_to_announce_takes_no_memory_and_less_than_nothing_is_an_error() -> None:
    async def announces() -> int:
        protocol, reader = connected()
        reading = asyncio.ensure_future(reader.readexactly(int.from_bytes(b"HTTP")))
        await asyncio.sleep(0)
        put(protocol, b"/1.1 400 Bad Request")
        protocol.eof_received()
        with pytest.raises(asyncio.IncompleteReadError):
            await reading
        with pytest.raises(ValueError, match="-1 bytes"):
            await reader.readexactly(-1)
        return len(reader._buffer)

    assert asyncio.run(announces()) == 2**16


@pytest.mark.parametrize("when", ["while waiting", "before"])
def test_what_broke_a_connection_is_raised(when: str) -> None:
    async def breaks() -> None:
        protocol, reader = connected()
        if when == "before":
            protocol.connection_lost(ConnectionResetError("gone"))
        reading = asyncio.ensure_future(reader.readexactly(1))
        await asyncio.sleep(0)
        if when == "while waiting":
            protocol.connection_lost(ConnectionResetError("gone"))
        with pytest.raises(ConnectionResetError, match="gone"):
            await reading

    asyncio.run(breaks())


def test_connections_opened_from_now_on_read_in_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiokafka makes the reader and the protocol itself: this would see it doing so in another way."""

    async def opened() -> Any:
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        connection = conn.AIOKafkaConnection("127.0.0.1", port)
        monkeypatch.setattr(connection, "_do_version_lookup", lambda: asyncio.sleep(0))
        reader, _ = await connection.connect()
        connection.close()
        server.close()
        return reader

    monkeypatch.setattr(conn, "AIOKafkaProtocol", conn.AIOKafkaProtocol)
    read_in_frames()
    assert isinstance(asyncio.run(opened()), FrameReader)


@given(st.one_of(st.none(), st.text(max_size=4)), st.integers(-1, 1), TOPICS, st.integers(0, 7))
def test_a_request_that_is_joined_once_has_the_same_bytes(transaction: str | None, acks: int, topics: Topics, version: int) -> None:
    request = ProduceRequest(transaction if version >= 3 else None, acks, 1_000, topics)
    versions = {0: (version, version)}
    assert Joined(request).prepare(versions).encode() == request.prepare(versions).encode()
    assert Joined(request).required_acks == acks


def test_what_was_sent_is_let_go_of_at_once() -> None:
    """Requests hold megabytes: those that wait for the garbage collector were a tenth of a worker's memory."""
    request = ProduceRequest(None, -1, 1_000, [("t", [(0, b"x")])])
    struct = Joined(request).prepare({0: (7, 7)})
    struct.encode()
    gone = weakref.ref(struct._joined)
    gc.disable()
    try:
        del struct
        assert gone() is None
    finally:
        gc.enable()
