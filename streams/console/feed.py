"""Carries the output topics into the board: read in a thread, from their beginning, without a group and without a commit.

Where Kafka is not there, or a topic is missing, it says so and tries again; what was read stays.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from config import Settings
from streams.console.board import READ, Board
from streams.tail import Read, TailError, TopicTail

logger = logging.getLogger(__name__)

RETRY_S = 2.0
_POLL_MS = 250
_ASK_EVERY_S = 1.0
_SILENT_S = 5.0
_AT_ONCE = 200
"""Records folded in one turn of the event loop, 10 ms or so: pages are answered in between."""


LITTLE = 1_000
"""Records that may wait where all is well: workers send up to 500 estimates a second."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the feed has come: records that wait (None while not known), and what is wrong ("" when nothing is; one line)."""

    behind: int | None = None
    problem: str = ""

    @property
    def is_live(self) -> bool:
        """Tell whether what is shown is as of now."""
        return not self.problem and self.behind is not None and self.behind <= LITTLE


class Feed:
    """Reads until it is closed; `told` is called in the event loop after records were taken or the standing changed."""

    def __init__(self, settings: Settings, board: Board, told: Callable[[], None]) -> None:
        self.standing = Standing(problem="connecting to Kafka")
        self._settings = settings
        self._board = board
        self._told = told
        self._closing = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="pollwatch-feed", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Stop reading."""
        self._closing.set()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                with TopicTail(self._settings, READ, from_start=True) as tail:
                    self._follow(tail)
            except TailError as error:
                self._say(Standing(self.standing.behind, str(error)))
            except Exception as error:  # the console must outlive whatever a client library raises
                logger.exception("reading stopped")
                self._say(Standing(self.standing.behind, f"reading stopped: {error!r}"))
            self._closing.wait(RETRY_S)

    def _follow(self, tail: TopicTail) -> None:
        asked_s = answered_s = time.monotonic()
        while not self._closing.is_set():
            self._hand_over(tail.poll(_POLL_MS))
            now_s = time.monotonic()
            if now_s - asked_s < _ASK_EVERY_S and self.standing.behind is not None:
                continue
            behind = tail.behind()
            asked_s = time.monotonic()
            if behind is not None:
                answered_s = asked_s
                self._say(Standing(behind))
            elif asked_s - answered_s > _SILENT_S:
                self._say(Standing(self.standing.behind, f"no answer from Kafka at {tail.servers}, trying again"))

    def _hand_over(self, records: Sequence[Read]) -> None:
        """Give records to the event loop and wait until it took them, so that no more than one fetch is ever held."""
        for start in range(0, len(records), _AT_ONCE):
            taken = asyncio.run_coroutine_threadsafe(self._take(records[start : start + _AT_ONCE]), self._loop)
            while not self._closing.is_set():
                try:
                    taken.result(timeout=1.0)
                    break
                except TimeoutError:
                    continue

    async def _take(self, records: Sequence[Read]) -> None:
        for record in records:
            self._board.take(record.role, record.value)
        self._told()

    def _say(self, standing: Standing) -> None:
        if standing != self.standing and not self._loop.is_closed():
            self.standing = standing
            self._loop.call_soon_threadsafe(self._told)
