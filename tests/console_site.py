"""A console without Kafka: its site over a board that a test fills, and the decisions it would have sent."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from console_records import Record

from detectors.cases.decision import Decision
from streams.console.board import Board
from streams.console.deciding import Deciding
from streams.console.drawings import Drawings
from streams.console.feed import Standing
from streams.console.meters import ConsoleMeters
from streams.console.page import Desk
from streams.console.sessions import Door
from streams.console.site import Site
from streams.console.templates import Templates
from streams.console.verdicts_topic import NotTaken

TOKEN = "a-token-of-the-tests"
NAMES = ("polls.example",)
Client = TestClient[web.Request, web.Application]


class Console:
    """A site; `sent` are decisions that were handed on, `standing` is what the feed says. Make it in a running loop."""

    def __init__(self, token: str | None = TOKEN) -> None:
        self.board = Board()
        self.standing = Standing(0)
        self.sent: list[Decision] = []
        self.is_kafka_away = False
        self._drawings = Drawings()
        self.meters = ConsoleMeters()
        desk = Desk(self.board, Templates(), self._drawings)
        deciding = Deciding(desk.templates, Door(token), self._send, self.meters, 100)
        self.site = Site(desk, lambda: self.standing, deciding, self.meters, NAMES)

    def take(self, *records: Record) -> None:
        for role, value in records:
            self.board.take(role, value)
        self.site.live.change()

    async def close(self) -> None:
        await self.site.live.close()
        self._drawings.close()

    async def _send(self, decisions: Sequence[Decision]) -> None:
        if self.is_kafka_away:
            raise NotTaken("Kafka did not take it (no answer): try again")
        self.sent += decisions


@asynccontextmanager
async def client(*records: Record, token: str | None = TOKEN) -> AsyncIterator[tuple[Console, Client]]:
    """Yield a console that took these records, and a client of it."""
    console = Console(token)
    console.take(*records)
    async with TestClient(TestServer(console.site.app)) as asking:
        yield console, asking
        await console.close()


async def signed_in(asking: Client, by: str = "ann") -> str:
    """Sign in; return the secret that the forms carry."""
    answer = await asking.post("/sign-in", data={"by": by, "token": TOKEN, "to": "/"})
    found = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
    assert answer.status == 200
    assert found is not None
    return found[1]


class InThread:
    """A console that serves from a thread of its own, for tests whose browser needs theirs; a context manager."""

    def __init__(self, *records: Record, token: str | None = TOKEN) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.console, self._runner, self.url = asyncio.run_coroutine_threadsafe(self._start(token), self._loop).result(20)
        self.take(*records)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    def take(self, *records: Record) -> None:
        """Let the console read these records."""
        asyncio.run_coroutine_threadsafe(self._take(records), self._loop).result(20)

    async def _take(self, records: Iterable[Record]) -> None:
        self.console.take(*records)

    @staticmethod
    async def _start(token: str | None) -> tuple[Console, web.AppRunner, str]:
        console = Console(token)
        runner = web.AppRunner(console.site.app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return console, runner, f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def _stop(self) -> None:
        await self.console.close()
        await self._runner.cleanup()


def asked(check: Callable[[Console, Client], Awaitable[None]], *records: Record, token: str | None = TOKEN) -> None:
    async def run() -> None:
        async with client(*records, token=token) as (console, asking):
            await check(console, asking)

    asyncio.run(run())
