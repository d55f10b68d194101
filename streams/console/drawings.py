"""Draws off the event loop, one drawing after the other, and remembers what was drawn: V8 takes tens of milliseconds for each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor

from markupsafe import Markup

logger = logging.getLogger(__name__)

MOST_DRAWINGS = 300
"""Drawings that are remembered, 10 kB each; those asked for longest ago leave first."""


class Drawings:
    """`of` gives a drawing by its name and the version of what it shows; a name has one drawing at a time."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "pollwatch-draw")
        self._drawn: dict[Hashable, tuple[Hashable, asyncio.Future[str]]] = {}

    async def of(self, name: Hashable, version: Hashable, draw: Callable[[], str]) -> Markup:
        """Return what `draw` returns, called in another thread unless this version was drawn before; "" where it failed."""
        known = self._drawn.pop(name, None)
        if known is None or known[0] != version:
            loop = asyncio.get_running_loop()
            known = (version, asyncio.ensure_future(loop.run_in_executor(self._executor, draw)))
        self._drawn[name] = known
        if len(self._drawn) > MOST_DRAWINGS:
            del self._drawn[next(iter(self._drawn))]
        try:
            # one that waits and goes must not take the drawing from the others
            return Markup(await asyncio.shield(known[1]))
        except Exception:  # a page without a drawing still says everything
            logger.exception("a drawing failed")
            return Markup("")

    def close(self) -> None:
        """Let go of the thread."""
        self._executor.shutdown(wait=False, cancel_futures=True)
