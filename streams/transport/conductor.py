"""Puts runs into the queues of the agents that subscribe to their topic.

Must not know fetching or commits. A topic that is not batched keeps Faust's own handler.
"""

from __future__ import annotations

from collections.abc import MutableSet
from typing import Any

from faust.transport.conductor import Conductor as FaustConductor
from faust.types import TP, Message
from faust.types.transports import ConsumerCallback


class Conductor(FaustConductor):
    """Faust's conductor, with a handler for batch topics that neither decodes nor waits for a full queue."""

    def _build_handler(self, tp: TP, channels: MutableSet[Any]) -> ConsumerCallback:
        transport: Any = self.app.transport
        if transport.is_batch(tp):
            return _Handler(self.app, tp, channels)
        return super()._build_handler(tp, channels)


class _Handler:
    """Delivers the runs of one partition.

    It never waits for room: one full queue would stop all topics, and agents that wait for each other for ever. Past the
    pressure mark the partition is not fetched, so a queue holds at most its `maxsize` plus one fetch of each partition.
    """

    def __init__(self, app: Any, tp: TP, channels: MutableSet[Any]) -> None:
        self._app = app
        self._tp = tp
        self._channels = channels
        # The queue compares callbacks: a bound method fetched anew each time would still be equal, a closure not.
        self._pressure = {"on_pressure_high": self._on_high, "on_pressure_drop": self._on_drop}

    async def __call__(self, message: Message) -> None:
        await self._app.flow_control.acquire()
        await self._app.producer.buffer.wait_until_ebb()
        if not self._app.consumer.ledger.holds(self._tp, message):
            return  # void: the partition was sought or reassigned while this waited
        message.incref(len(self._channels))
        event = self._app.create_event(None, message.value, {}, message)  # nothing to decode
        for channel in self._channels:
            channel.queue.put_nowait_enhanced(event, **self._pressure)

    def _on_high(self) -> None:
        self._app.sensors.on_topic_buffer_full(self._tp)
        self._app.consumer.on_buffer_full(self._tp)

    def _on_drop(self) -> None:
        self._app.consumer.on_buffer_drop(self._tp)
