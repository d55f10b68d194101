"""Runs the console: the feed, the site and what decides, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from config import Settings
from streams.console.board import Board
from streams.console.deciding import Deciding
from streams.console.drawings import Drawings
from streams.console.feed import Feed, Standing
from streams.console.meters import ConsoleMeters
from streams.console.page import Desk
from streams.console.sessions import Door
from streams.console.site import Site
from streams.console.templates import Templates
from streams.console.token_file import read_token
from streams.console.verdicts_topic import VerdictsTopic

logger = logging.getLogger(__name__)


class CannotListen(OSError):
    """The console's address cannot be used; the text says what to do."""


async def run_console(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Raises ConfigError for an unusable token file, and CannotListen."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with serving(settings) as url:
        logger.info("the console is at %s", url)
        await stopped.wait()


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[str]:
    """Yield the address of a running console."""
    door = Door(read_token(settings.console))
    board, meters, drawings, templates = Board(), ConsoleMeters(), Drawings(), Templates()
    verdicts = VerdictsTopic(settings)
    deciding = Deciding(templates, door, verdicts.send, meters, settings.decisions.bulk_accounts)
    standing = Standing(problem="connecting to Kafka")
    feed: Feed | None = None

    site = Site(
        Desk(board, templates, drawings),
        lambda: feed.standing if feed else standing,
        deciding,
        meters,
        settings.console.known_names,
    )
    runner = web.AppRunner(site.app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        url = await _listen(runner, settings)
        feed = Feed(settings, board, site.live.change)
        yield url
    finally:
        if feed is not None:
            await feed.close()
        await site.live.close()
        await runner.cleanup()
        await verdicts.close()
        drawings.close()


async def _listen(runner: web.AppRunner, settings: Settings) -> str:
    host, port = settings.console.host, settings.console.port
    site = web.TCPSite(runner, host, port, reuse_address=True)
    try:
        await site.start()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise CannotListen(
            f"cannot listen on {host}:{port} ({reason}): change console.host or console.port (0 = any free port)"
        ) from error
    found = runner.addresses[0][1]
    return f"http://{f'[{host}]' if ':' in host else host}:{found}/"
