"""Serves /metrics, /healthz and /readyz from a thread of its own, so that a stuck event loop is reported, not shared."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from streams.health import Answer, Health, monotonic_ms

REQUEST_BYTES = 8_192
CLIENT_SECONDS = 5.0
CLIENTS = 32
"""Bounds on what a stranger can take: request size, time for a whole exchange, connections at once."""
OPENMETRICS = "application/openmetrics-text; version=1.0.0"

T = TypeVar("T")


class CannotListen(OSError):
    """The address of the metrics page cannot be used; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Request:
    """What matters of an HTTP request: method, path without query, and the Accept header."""

    method: str
    path: str
    accept: str


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back."""

    status: HTTPStatus
    content_type: str
    body: bytes


def parse(head: bytes) -> Request | None:
    """Read request line and headers (up to and including the empty line); None when they are not HTTP.

    >>> parse(b"GET /metrics?x=1 HTTP/1.1\\r\\nAccept: text/plain\\r\\n\\r\\n")
    Request(method='GET', path='/metrics', accept='text/plain')
    """
    line, *headers = head.decode("latin-1").split("\r\n")
    parts = line.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1.") or not parts[1].startswith("/"):
        return None
    named = {
        name.strip().lower(): value.strip() for name, _, value in (each.partition(":") for each in headers)
    }
    return Request(parts[0], parts[1].partition("?")[0], named.get("accept", ""))


class Pages:
    """Answers requests from a registry and a Health."""

    def __init__(
        self, health: Health, registry: CollectorRegistry, now_ms: Callable[[], int] = monotonic_ms
    ) -> None:
        self._health = health
        self._registry = registry
        self._now_ms = now_ms

    def respond(self, request: Request | None) -> Response:
        """The page of a request; None stands for one that could not be read."""
        if request is None:
            return _plain(HTTPStatus.BAD_REQUEST)
        if request.method not in ("GET", "HEAD"):
            return _plain(HTTPStatus.METHOD_NOT_ALLOWED)
        match request.path:
            case "/metrics":
                return self._metrics(request.accept)
            case "/healthz":
                return _verdict(self._health.alive(self._now_ms()))
            case "/readyz":
                return _verdict(self._health.ready())
        return _plain(HTTPStatus.NOT_FOUND)

    def _metrics(self, accept: str) -> Response:
        # the library raises on Accept headers it did not expect, so it only ever sees one of these two
        encode, content_type = choose_encoder(OPENMETRICS if "application/openmetrics-text" in accept else "")
        return Response(HTTPStatus.OK, content_type, encode(self._registry))


def _plain(status: HTTPStatus) -> Response:
    return Response(status, "text/plain; charset=utf-8", f"{status.phrase}\n".encode())


def _verdict(answer: Answer) -> Response:
    status = HTTPStatus.OK if answer.ok else HTTPStatus.SERVICE_UNAVAILABLE
    body = json.dumps({"ok": answer.ok, "reason": answer.reason}) + "\n"
    return Response(status, "application/json", body.encode())


class Server:
    """A running server; `port` is the one it listens on. `close` ends it and its thread."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._clients: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="pollwatch-health", daemon=True)
        self._thread.start()
        self._server: asyncio.Server | None = None
        self._closing = False
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen; called once."""
        self.port = await self._there(self._listen(host, port))

    async def close(self) -> None:
        """Stop listening, drop open connections, end the thread."""
        await self._there(self._drop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)
        self._loop.close()

    async def _there(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` in the server's thread without holding the caller's loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def _listen(self, host: str, port: int) -> int:
        server = await asyncio.start_server(self._accept, host, port, limit=REQUEST_BYTES)
        self._server = server
        found: int = server.sockets[0].getsockname()[1]
        return found

    async def _drop(self) -> None:
        self._closing = True
        # a server closed while it accepts a connection leaves that open (CPython gh-109564): accept no more, then see
        # those through that are under way, then close
        for listening in self._server.sockets if self._server else ():
            self._loop.remove_reader(listening.fileno())
        for task in self._clients:
            task.cancel()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)
        if self._server:
            self._server.close()
        await asyncio.sleep(0)  # what was aborted in this turn of the loop is closed in the next

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closing or len(self._clients) >= CLIENTS:
            writer.transport.abort()
            return
        task = self._loop.create_task(self._client(reader, writer))
        self._clients.add(task)
        # not at the end of the task itself: one that is cancelled before its first step never gets there
        task.add_done_callback(lambda _: writer.transport.abort())
        task.add_done_callback(self._clients.discard)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(CLIENT_SECONDS):
                await self._exchange(reader, writer)
        except (TimeoutError, ConnectionError):
            pass  # a client that is slow or gone is its own trouble, and not worth a log line each time

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = parse(await reader.readuntil(b"\r\n\r\n"))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            request = None
        response = self._pages.respond(request)
        writer.write(_head(response))
        if request is None or request.method != "HEAD":
            writer.write(response.body)
        writer.close()
        await writer.wait_closed()


def _head(response: Response) -> bytes:
    return (
        f"HTTP/1.1 {response.status.value} {response.status.phrase}\r\n"
        f"Content-Type: {response.content_type}\r\n"
        f"Content-Length: {len(response.body)}\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    ).encode("latin-1")


async def serve(health: Health, registry: CollectorRegistry, host: str, port: int, section: str = "worker") -> Server:
    """Start the server on `host`:`port` (0 = any free port), which stand in this section of the settings. Raises CannotListen."""
    server = Server(Pages(health, registry))
    try:
        await server.start(host, port)
    except OSError as error:
        await server.close()
        # asyncio wraps the system's words in its own; name look-ups have negative numbers and words of their own
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise CannotListen(
            f"cannot listen on {host}:{port} ({reason}): change {section}.http_host or {section}.http_port (0 = any free port)"
        ) from error
    return server
