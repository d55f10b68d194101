"""Which records were sent because of which run: a run is acked once the brokers hold all of them. Must not know Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from faust.types import TP


class Outputs:
    """The records sent while one run of `tp` was handled, in whatever task."""

    def __init__(self, tp: TP) -> None:
        self.tp = tp
        self._open: set[asyncio.Future[Any]] = set()
        self._failed = False
        self._then: Callable[[], object] | None = None

    def add(self, sent: asyncio.Future[Any]) -> None:
        """Note a record that is on its way."""
        self._open.add(sent)
        sent.add_done_callback(self._settle)

    def when_acknowledged(self, then: Callable[[], object]) -> None:
        """Call `then` once nothing is on its way any more; never if a record of it failed for good."""
        self._then = then
        self._look()

    def _settle(self, sent: asyncio.Future[Any]) -> None:
        self._open.discard(sent)
        self._failed = self._failed or sent.cancelled() or sent.exception() is not None
        self._look()

    def _look(self) -> None:
        if self._then is not None and not self._open and not self._failed:
            then, self._then = self._then, None
            then()


HANDLED: ContextVar[Outputs | None] = ContextVar("HANDLED", default=None)
"""The outputs of the run that the current task works on; None in chores that no run has caused."""
