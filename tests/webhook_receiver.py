"""A receiver of webhooks on a free port that answers as it is told to: well, badly, slowly, or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from aiohttp import web

SECRET = "0123456789abcdef0123456789abcdef"
Manner = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Got:
    """One request as it came."""

    headers: dict[str, str]
    body: bytes
    path: str

    @property
    def key(self) -> str:
        return self.headers["Idempotency-Key"]


def answers(status: int, **headers: str) -> Manner:
    """Answer with a status."""

    async def manner(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return manner


async def hangs(_: web.Request) -> web.StreamResponse:
    """Take the request and say nothing."""
    await asyncio.sleep(30)
    return web.Response()


async def closes(request: web.Request) -> web.StreamResponse:
    """Take the request and hang up."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def drips(request: web.Request) -> web.StreamResponse:
    """Begin an answer that never comes to its end, a byte now and then."""
    answer = web.StreamResponse()
    await answer.prepare(request)
    while True:
        await answer.write(b".")
        await asyncio.sleep(0.02)


async def talks(request: web.Request) -> web.StreamResponse:
    """Answer with more than anybody wants to read."""
    answer = web.StreamResponse()
    await answer.prepare(request)
    for _ in range(4_096):
        await answer.write(b"x" * 65_536)
    return answer


async def takes(_: web.Request) -> web.StreamResponse:
    """Answer as a sound receiver does."""
    return web.Response(status=204)


@dataclass
class Receiver:
    """What came, and in which manner the next requests are answered; when none is left, as `usually` says of the path."""

    manners: list[Manner] = field(default_factory=list)
    usually: Callable[[str], Manner] = lambda _: takes
    got: list[Got] = field(default_factory=list)
    taken: list[Got] = field(default_factory=list)
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        got = Got(dict(request.headers), await request.read(), request.path)
        self.got.append(got)
        manner = self.manners.pop(0) if self.manners else self.usually(got.path)
        if manner is takes:
            self.taken.append(got)
        return await manner(request)


@asynccontextmanager
async def receiving(manners: Sequence[Manner] = (), tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Run a receiver in this loop."""
    receiver = Receiver(list(manners))
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{tail:.*}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.05, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"{'https' if tls else 'http'}://localhost:{port}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@contextmanager
def receiving_beside() -> Iterator[Receiver]:
    """Run a receiver in a thread of its own, for tests that watch a process."""
    ready, stop, found = threading.Event(), asyncio.Event(), list[Receiver]()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        async with receiving() as receiver:
            found.append(receiver)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), name="receiver")
    thread.start()
    try:
        assert ready.wait(10)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def is_ours(got: Got, secret: str, now_s: float) -> bool:
    """Do what the how-to tells receivers to do."""
    sent_s = int(got.headers["Pollwatch-Timestamp"])
    wanted = hmac.new(secret.encode(), b"%d." % sent_s + got.body, hashlib.sha256).hexdigest()
    given = [part.removeprefix("v1=") for part in got.headers["Pollwatch-Signature"].split(",") if part.startswith("v1=")]
    return abs(now_s - sent_s) <= 300 and any(hmac.compare_digest(wanted, one) for one in given)
