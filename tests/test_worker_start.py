"""What a worker does before it has any partition."""

from __future__ import annotations

import asyncio

from config import Settings
from streams.worker import Worker


def test_chores_that_come_before_faust_has_started_find_nothing_to_do() -> None:
    async def look() -> object:
        # on a busy machine the first chores are due before Faust's consumer has a thread
        return Worker(Settings())._progress()

    assert asyncio.run(look()) == {}
