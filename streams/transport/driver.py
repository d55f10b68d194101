"""The Faust transport behind `pollwatch://`: its parts, and which topics are handed over in runs.

Must not know what the topics mean.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.transport.chunks import ONE_RECORD, BatchLimits
from streams.transport.conductor import Conductor
from streams.transport.consumer import Consumer
from streams.transport.ledger import Gate
from streams.transport.producer import Producer

Hook = Callable[[frozenset[TP]], Awaitable[None]]
RefusalHook = Callable[[str, BaseException | None], None]


class Transport(driver.Transport):
    """Faust over aiokafka, in runs of records. Topics not named in `batch` are delivered record by record."""

    Consumer = Consumer
    Producer = Producer
    Conductor = Conductor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.assign_hooks: list[Hook] = []
        self.revoke_hooks: list[Hook] = []
        self.refusal_hooks: list[RefusalHook] = []
        self._limits: dict[str, BatchLimits] = {}
        self._gated: set[str] = set()

    def batch(self, topics: Iterable[str], limits: BatchLimits, gate: Gate) -> None:
        """Deliver these topics in runs. Call before the app starts."""
        for topic in topics:
            self._limits[topic] = limits
            if gate is Gate.GUARDED:
                self._gated.add(topic)

    def on_assign(self, hook: Hook) -> None:
        """Await `hook(partitions)` once partitions are assigned, before any of their records are read.

        It has Faust's `broker_request_timeout`, and is cancelled when the group rebalances again meanwhile.
        """
        self.assign_hooks.append(hook)

    def on_revoke(self, hook: Hook) -> None:
        """Await `hook(partitions)` before partitions are given up: begun batches are done, the last commit follows.

        Not called after a crash, nor for an assignment whose assign hooks did not finish.
        """
        self.revoke_hooks.append(hook)

    def on_refusal(self, hook: RefusalHook) -> None:
        """Call `hook(topic, error)` each time a topic takes no record, and `hook(topic, None)` when it does again."""
        self.refusal_hooks.append(hook)

    def is_batch(self, tp: TP) -> bool:
        """Whether records of this partition arrive in runs."""
        return tp.topic in self._limits

    def limits_of(self, tp: TP) -> BatchLimits:
        """The largest run of this partition."""
        return self._limits.get(tp.topic, ONE_RECORD)

    def gate_of(self, tp: TP) -> Gate:
        """Whether commits of this partition wait for `open_gate`."""
        return Gate.GUARDED if tp.topic in self._gated else Gate.NONE
