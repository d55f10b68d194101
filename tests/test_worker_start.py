"""What a worker does before it has any partition."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from live_worker import Deployment

from streams.worker import Worker


@pytest.mark.broker
def test_chores_that_are_due_before_faust_has_started_find_nothing_to_do(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    deployment = Deployment(kafka, topic_prefix, tmp_path).create_topics()

    async def look() -> object:
        # on a busy machine the first chores come before Faust's consumer has a thread
        return Worker(deployment.settings)._progress()

    assert asyncio.run(look()) == {}
