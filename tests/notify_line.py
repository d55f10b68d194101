"""One target with its backlog, its courier and its metrics, for tests that post to a receiver in the same loop."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from notify_messages import ALERTS
from prometheus_client import CollectorRegistry
from webhook_receiver import SECRET, Receiver, receiving

from config import Secret
from config.secret import UNSET
from config.target import Target
from streams.notify.access import Access
from streams.notify.backlog import Backlog
from streams.notify.courier import Courier
from streams.notify.generic import Generic
from streams.notify.poster import Poster
from streams.notify.request import Shaper
from streams.notify.retries import Backoff
from streams.notify.webhook_metrics import WebhookMetrics

PATIENCE_S = 60.0
HIDDEN = "hunter2-hunter2-hunter2-hunter2-hunter2"
TARGET = Target(url="given in access", timeout_ms=30_000)
HASTY = Target(url="given in access", timeout_ms=700)


def access(url: str, tls: ssl.SSLContext | None = None, *secrets: str) -> Access:
    return Access(Secret(url), tuple(map(Secret, secrets or (SECRET,))), UNSET, UNSET, tls or ssl.create_default_context())


@dataclass
class Line:
    """A target with its backlog, its courier and its metrics."""

    backlog: Backlog
    courier: Courier
    registry: CollectorRegistry

    def count(self, outcome: str) -> float:
        return self.registry.get_sample_value("pollwatch_webhook_deliveries_total", {"target": "pager", "outcome": outcome}) or 0.0


def line(poster: Poster, shaper: Shaper | None = None) -> Line:
    registry = CollectorRegistry()
    backlog = Backlog({ALERTS: 0}, Backoff(random.Random(1), first_s=0.01, longest_s=0.05))
    return Line(backlog, Courier("pager", backlog, shaper or Generic(), poster, WebhookMetrics(registry, ["pager"])), registry)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.005)


def answer_of(post: Callable[[Receiver], Awaitable[object]], tls: ssl.SSLContext | None = None) -> object:
    async def ask() -> object:
        async with receiving(tls=tls) as receiver:
            return await post(receiver)

    return asyncio.run(ask())
