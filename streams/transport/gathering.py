"""Lets records of partitions that are read to their end gather on the brokers, so that runs are few and long.

What a run costs beside its records (a fetch, a block for each shard, a look at every detector) is the same for ten records as
for ten thousand. Partitions that are behind are asked again at once. Runs in the thread of aiokafka 0.14, of which it uses
`TopicPartitionState.pause` and `.resume`. Must not know Faust.
"""

from __future__ import annotations

import asyncio
from typing import Any


class Gathering:
    """Partitions that are not fetched at present; each for less than the `gather_ms` it was given."""

    def __init__(self) -> None:
        self._due_s: dict[int, float] = {}

    def pause(self, state: Any, gather_ms: int) -> None:
        """Fetch no more of a partition until the next whole multiple of `gather_ms`, as all that gather as long.

        Does nothing where that is 0, or where the brokers are known to hold more.
        """
        if not gather_ms or state.lso is None or state.position < state.lso:
            return
        loop, gather_s = asyncio.get_running_loop(), gather_ms / 1000
        due_s = (loop.time() // gather_s + 1) * gather_s
        state.pause()
        self._due_s[id(state)] = due_s
        loop.call_at(due_s, self._resume, state)

    def _resume(self, state: Any) -> None:
        del self._due_s[id(state)]
        state.resume()

    def at_most_ms(self, wait_ms: int) -> int:
        """Return how long a fetch of others may wait, at most `wait_ms`, so that nobody has to wait for it when due."""
        if not self._due_s:
            return wait_ms
        left_s = min(self._due_s.values()) - asyncio.get_running_loop().time()
        return max(1, min(wait_ms, int(left_s * 1000)))
