"""The canary as the settings want it, and how its votes are sent: to all partitions of the topic of votes in turn, so that each of
them has to work."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import cycle

import msgspec

from config import Settings, TopicRole
from streams.canary import WINDOWS_OF_PAST, Canary, Vote
from streams.metric_labels import Sink
from streams.metrics import Metrics
from streams.outbox import Outbox
from streams.stages import build_canary_cases, canary_poll

_PATIENCE_S = 5.0


class CanarySender:
    """What a `Canary` sends with. Raises TimeoutError when there is no room for the votes for 5 seconds."""

    def __init__(self, outbox: Outbox, topic: str, partitions: int) -> None:
        self._outbox = outbox
        self._topic = topic
        self._partitions = cycle(range(partitions))

    async def __call__(self, votes: list[Vote]) -> None:
        """Queue these votes; nobody waits until the brokers hold them."""
        async with asyncio.timeout(_PATIENCE_S):
            for vote in votes:
                key, value = vote.poll_id.encode(), msgspec.json.encode(vote)
                await self._outbox.send(Sink.CANARY, self._topic, next(self._partitions), key, value)


def build_canary(settings: Settings, partitions: int, outbox: Outbox, metrics: Metrics) -> Canary | None:
    """Return the canary of a worker, None where there is none; the topic of votes has so many `partitions`."""
    poll_id, every_ms = canary_poll(settings), settings.canary.every_ms
    if poll_id is None or not every_ms:
        return None
    send = CanarySender(outbox, settings.topics.name(TopicRole.VOTES), partitions)
    past_ms = WINDOWS_OF_PAST * settings.rate.window_ms
    return Canary(poll_id, every_ms, past_ms, partial(build_canary_cases, settings), send, metrics)
