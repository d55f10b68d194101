"""`pollwatch worker`, run as a script, in which a shard takes a run of blocks and never comes back, and a partition is no longer fetched.

Arguments: the number of the shard, the partition as TOPIC/PARTITION, and after how many milliseconds without progress the
worker is no longer alive and the canary's flood is missed.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from faust.types import TP

from config import load
from streams import canary
from streams.transport import Batch
from streams.transport.fetch import ConsumerThread, Fetched
from streams.worker import Worker, run_until_signal


def stuck(shard: int, lost: TP, patience_ms: int) -> Worker:
    worker = Worker(load(None, os.environ))
    worker.health._stall_after_ms = patience_ms
    canary.FOUND_WITHIN_MS = patience_ms
    handle, fetch = worker._shards.handle, ConsumerThread.fetch

    async def handle_or_hang(batch: Batch) -> None:
        if batch.tp.partition == shard:
            await asyncio.Event().wait()
        await handle(batch)

    async def fetch_others(thread: Any, tps: set[TP], timeout_s: float) -> Fetched:
        return await fetch(thread, tps - {lost}, timeout_s)

    worker._shards.handle = handle_or_hang  # type: ignore[method-assign]
    ConsumerThread.fetch = fetch_others  # type: ignore[method-assign, assignment]
    return worker


if __name__ == "__main__":
    topic, _, number = sys.argv[2].rpartition("/")
    run_until_signal(stuck(int(sys.argv[1]), TP(topic, int(number)), int(sys.argv[3])))
