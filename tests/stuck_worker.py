"""`pollwatch worker`, run as a script, with a shard that takes a run of blocks and never comes back.

Arguments: the number of the shard, and after how many milliseconds without progress the worker is no longer alive.
"""

from __future__ import annotations

import asyncio
import os
import sys

from config import load
from streams.health import Health, monotonic_ms
from streams.transport import Batch
from streams.worker import Worker, run_until_signal


def stuck(shard: int, stall_after_ms: int) -> Worker:
    worker = Worker(load(None, os.environ))
    worker.health = Health(monotonic_ms(), stall_after_ms)
    handle = worker._shards.handle

    async def handle_or_hang(batch: Batch) -> None:
        if batch.tp.partition == shard:
            await asyncio.Event().wait()
        await handle(batch)

    worker._shards.handle = handle_or_hang  # type: ignore[method-assign]
    return worker


if __name__ == "__main__":
    asyncio.run(run_until_signal(stuck(*map(int, sys.argv[1:]))))
