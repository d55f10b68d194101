"""Wakes aiokafka's fetch routine where it would sleep with nothing under way.

aiokafka 0.14 keeps the nodes it has asked in `Fetcher._in_flight`, and a callback takes a node out once its answer has come. When the routine
is woken by something else in the same turn of the event loop it looks before that callback has run: it takes the node for one that
still has to answer, asks nobody, and sleeps 0.2 s. Must not know Faust.
"""

from __future__ import annotations

import asyncio
from typing import Any


def keep_awake(fetcher: Any) -> None:
    """Have the routine look once more, a turn later, whenever it counts more nodes than there are requests under way."""
    look = fetcher._get_actions_per_node

    def looked(assignment: Any) -> Any:
        if len(fetcher._in_flight) > len(fetcher._pending_tasks):
            asyncio.get_running_loop().call_soon(fetcher._notify, fetcher._wait_consume_future)
        return look(assignment)

    fetcher._get_actions_per_node = looked
