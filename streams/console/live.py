"""Sends the parts of a page again when they changed, as server-sent events; whoever looks at the same page shares the work."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Hashable

from aiohttp import web

from streams.console.page import Asked, Shown

MOST_STREAMS = 100
EVERY_S = 1.0
_BEAT_S = 15.0
_WRITE_WITHIN_S = 20.0
_MOST_NEWS = 3

Render = Callable[[Asked], Awaitable[Shown | None]]


class Live:
    """Turns changes into ticks, at most one in EVERY_S; at each tick every stream sends what changed on its page."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._changed = asyncio.Event()
        self._ticked = asyncio.Event()
        self._closing = False
        self._shown: dict[Hashable, asyncio.Future[Shown | None]] = {}
        self._ticking = asyncio.get_running_loop().create_task(self._tick())
        self.streams = 0

    def change(self) -> None:
        """Say that something changed."""
        self._changed.set()

    async def close(self) -> None:
        """End all streams."""
        self._closing = True
        self._ticking.cancel()
        self._ticked.set()
        await asyncio.wait([self._ticking])

    async def stream(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        """Answer with events until the browser goes or the console ends."""
        if self.streams >= MOST_STREAMS:
            raise web.HTTPServiceUnavailable(text="too many pages are open\n")
        if await self._now(asked) is None:
            raise web.HTTPNotFound(text="no such page\n")
        self.streams += 1
        try:
            response = web.StreamResponse(
                headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store"}
            )
            await response.prepare(request)
            await self._follow(response, asked)
            return response
        except (ConnectionError, TimeoutError):
            # a browser that is gone, or too slow, opens another stream if it is still there
            return response
        finally:
            self.streams -= 1

    async def _follow(self, response: web.StreamResponse, asked: Asked) -> None:
        sent: dict[str, str] = {}
        told: set[str] | None = None
        while not self._closing:
            # taken before the page is made: what changes meanwhile is another tick
            ticked = self._ticked
            shown = await self._now(asked)
            if shown is None:
                return
            for part in shown.parts:
                if part.live and sent.get(part.name) != part.html:
                    sent[part.name] = part.html
                    await _write(response, "part", json.dumps({"name": part.name, "html": part.html}))
            news = [words for key, words in shown.news.items() if told is not None and key not in told]
            told = set(shown.news) | (told or set())
            if news:
                await _write(response, "news", json.dumps("; ".join(news[:_MOST_NEWS])))
            await self._wait(ticked, response)

    async def _wait(self, ticked: asyncio.Event, response: web.StreamResponse) -> None:
        while True:
            try:
                async with asyncio.timeout(_BEAT_S):
                    await ticked.wait()
                    return
            except TimeoutError:
                await _write(response, "beat", "{}")

    async def _now(self, asked: Asked) -> Shown | None:
        """Return the page as of the last tick, made once for all who look at it."""
        if asked.key not in self._shown:
            if len(self._shown) >= 2 * MOST_STREAMS:
                self._shown = {}
            self._shown[asked.key] = asyncio.ensure_future(self._render(asked))
        return await asyncio.shield(self._shown[asked.key])

    async def _tick(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            self._shown = {}
            ticked, self._ticked = self._ticked, asyncio.Event()
            ticked.set()
            await asyncio.sleep(EVERY_S)


async def _write(response: web.StreamResponse, event: str, data: str) -> None:
    async with asyncio.timeout(_WRITE_WITHIN_S):
        await response.write(f"event: {event}\ndata: {data}\n\n".encode())
