"""The canary: a made-up poll that gets a vote a second and is flooded on schedule, to see how soon that is found.

It takes the way of every other poll, from the topic of votes to a case; what comes out is told to the metrics and to nobody else.
It belongs to the worker that owns the findings. Knows no broker: it is given somebody who sends.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from detectors.cases.book import CaseBook
from detectors.findings import Report
from streams.metric_labels import Flood
from streams.metrics import Metrics

BEAT_S = 1.0
FLOOD_VOTES = 300
FOUND_WITHIN_MS = 60_000
WINDOWS_OF_PAST = 3
"""Rate windows of trickle before a flood: what the rate detector needs is less than two."""

logger = logging.getLogger(__name__)


class Vote(msgspec.Struct, frozen=True):
    """A made-up vote, as it goes into the topic of votes."""

    event_id: str
    poll_id: str
    account_id: str
    option: str
    ts: int


def wall_ms() -> int:
    """The time of day, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Canary:
    """One canary poll. State: a case book with one poll in it, and the flood that is to be found.

    `every_ms` is the time between two floods, `past_ms` how long the poll must have had its vote a second before. `send` sends
    votes and may fail: then a flood is missed. `build` makes a case book for one shard.
    """

    def __init__(
        self,
        poll_id: str,
        every_ms: int,
        past_ms: int,
        build: Callable[[], CaseBook],
        send: Callable[[list[Vote]], Awaitable[None]],
        metrics: Metrics,
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self._poll_id = poll_id
        self._every_ms, self._past_ms = every_ms, past_ms
        self._build, self._send, self._now_ms = build, send, now_ms
        self._metrics = metrics
        self._book: CaseBook | None = None
        self._next_ms = 0
        self._flooded_ms: int | None = None

    def begin(self) -> None:
        """Take over: this worker owns the findings now. The next flood comes at a whole multiple of `every_ms`."""
        self._book, self._flooded_ms = self._build(), None
        self._next_ms = self._slot(self._now_ms() + self._past_ms)

    def end(self) -> None:
        """Give up: another worker owns the findings. A flood that was not found yet is neither found nor missed."""
        self._book, self._flooded_ms = None, None

    async def beat(self) -> None:
        """Send what is due; call it every `BEAT_S`."""
        if self._book is None:
            return
        now_ms = self._now_ms()
        self._give_up(now_ms - FOUND_WITHIN_MS)
        votes = 1
        if now_ms >= self._next_ms:
            self._give_up(now_ms)
            self._flooded_ms, self._next_ms = now_ms, self._slot(now_ms + 1)
            self._metrics.canary_floods.labels(Flood.SENT).inc()
            votes = FLOOD_VOTES
        try:
            await self._send([self._vote(now_ms, number) for number in range(votes)])
        except Exception as error:  # noqa: BLE001  whatever it was: a flood that is not sent is a flood that is missed
            logger.warning("the canary's votes can't be sent: %r", error)

    def hear(self, reports: Iterable[Report]) -> None:
        """Take what the canary's shard reports; a case that opens after a flood began is that flood, found."""
        if self._book is None:
            return
        for report in reports:
            self._book.accept(report)
        for revision in self._book.advance().revisions:
            if self._flooded_ms is not None and revision.data.updated_ms >= self._flooded_ms and revision.news == "opened":
                self._found(self._flooded_ms)

    def _found(self, flooded_ms: int) -> None:
        now_ms = self._now_ms()
        self._flooded_ms = None
        self._metrics.canary_floods.labels(Flood.FOUND).inc()
        self._metrics.canary_detection.observe((now_ms - flooded_ms) / 1000)
        self._metrics.canary_found.set(now_ms / 1000)
        logger.info("the canary's flood was found after %d ms", now_ms - flooded_ms)

    def _give_up(self, sent_before_ms: int) -> None:
        if self._flooded_ms is not None and self._flooded_ms <= sent_before_ms:
            self._flooded_ms = None
            self._metrics.canary_floods.labels(Flood.MISSED).inc()
            logger.error("the canary's flood was not found: what is flooded now may not be found either")

    def _slot(self, from_ms: int) -> int:
        return -(-from_ms // self._every_ms) * self._every_ms

    def _vote(self, now_ms: int, number: int) -> Vote:
        name = f"{now_ms}-{number}"
        return Vote(f"{self._poll_id}-{name}", self._poll_id, f"canary-{name}", "yes", now_ms)
