"""The group's commits while the brokers are away: nothing hangs, and what was not committed is with the next."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError

from streams.notify import group as module
from streams.notify.group import Group

TP = TopicPartition("pollwatch.alerts", 0)


class Consumer:
    """Stands in for the client: hangs, refuses or takes, as told."""

    def __init__(self, *manners: str) -> None:
        self.manners = list(manners)
        self.took: list[Any] = []

    async def commit(self, offsets: Any) -> None:
        match self.manners.pop(0):
            case "hangs":
                await asyncio.sleep(60)
            case "refuses":
                raise IllegalStateError("not ours any more")
            case _:
                self.took.append(offsets)

    async def stop(self) -> None:
        await asyncio.sleep(60)


def test_a_commit_that_gets_no_answer_ends_and_the_next_says_it_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_PATIENCE_S", 0.05)
    consumer = Consumer("hangs", "refuses", "takes", "takes")

    async def run() -> None:
        group = Group({"bootstrap_servers": ["127.0.0.1:1"]}, "g", 10_000)
        real, group._consumer = group._consumer, consumer
        for chat in (5, 5, 6, 6, 7):
            await group.commit({TP: {"pager": 4, "chat": chat}})
        await group.leave()
        await real.stop()

    caplog.set_level(logging.WARNING)
    asyncio.run(asyncio.wait_for(run(), 30))
    assert consumer.took == [{TP: (4, '{"pager":4,"chat":6}')}, {TP: (4, '{"pager":4,"chat":7}')}], "and nothing that is known there"
    said = [record.getMessage() for record in caplog.records if record.name == module.__name__]
    assert said == [
        "how far the targets have come could not be committed, trying again: TimeoutError",
        "no broker answered to the end; what was sent since the last commit will be sent again",
    ]
