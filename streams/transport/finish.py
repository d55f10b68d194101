"""Waits for what agents have begun, before partitions are given up. Must not know how runs are fetched or committed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from faust.types import TP
from faust.types.tuples import Message

from streams.transport.batch import BatchMessage

logger = logging.getLogger(__name__)

# Of the rebalance timeout: past it the group gives our partitions to others while a handler still writes.
_HAND_OVER_SHARE = 0.8
# what a topic takes again within this is committed before partitions are given up; the rest is read again
_OUTPUT_PATIENCE_S = 5.0


class HandlerTooSlow(RuntimeError):
    """A batch was still being handled when the group would no longer wait for it."""


async def finish_begun(consumer: Any, aside: Mapping[TP, asyncio.Task[None]]) -> None:
    """Return when every begun run of a consumer is acked, or when only topics that take nothing keep some from it.

    `aside` has the work of partitions set aside: it is cancelled then. Crashes the app when a handler takes too long.
    """
    deadline_s = consumer.app.conf.broker_rebalance_timeout * _HAND_OVER_SHARE
    began_s = consumer.loop.time()
    while (begun := _begun(consumer)) and not consumer.app.crashed:
        waited_s = consumer.loop.time() - began_s
        if waited_s > deadline_s:
            error = HandlerTooSlow(f"still at {begun} after {deadline_s:.0f} s: hand over smaller batches")
            await consumer.app.crash(error)
        elif waited_s > min(_OUTPUT_PATIENCE_S, deadline_s / 2) and _only_outputs_wait(begun, aside):
            for tp, work in aside.items():
                logger.warning("%s/%d is given up with runs that could not be finished: they are read again", *tp)
                work.cancel()
            return
        else:
            await consumer._wait_for_ack(timeout=1)


def _begun(consumer: Any) -> list[Message]:
    """Return what agents have taken up; of what is void, only what a handler is still at."""
    return [
        message
        for message in consumer._unacked_messages
        if not message.acked and (consumer.ledger.holds(message.tp, message) or not _handled(message))
    ]


def _only_outputs_wait(begun: Iterable[Message], aside: Mapping[TP, asyncio.Task[None]]) -> bool:
    return all(_handled(message) or message.tp in aside for message in begun)


def _handled(message: Message) -> bool:
    return isinstance(message, BatchMessage) and message.handled
