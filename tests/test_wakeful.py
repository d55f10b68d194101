"""aiokafka's fetch routine does not sleep because an answer has come in the very turn in which something else woke it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from aiokafka.consumer.fetcher import Fetcher

from streams.transport.wakeful import keep_awake

SLEEP_S = 30.0


class Node:
    """Stands where aiokafka's client and cluster stand: answers each request when it is told to."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[bool]] = []
        self.assignment: Any = SimpleNamespace(active=True, unassign_future=asyncio.get_running_loop().create_future(), tps=[])


def fetcher_of(node: Node) -> Any:
    """Return a fetcher whose routine runs as it is written, and asks `node` whenever that is not in flight."""
    fetcher = object.__new__(Fetcher)
    fetcher._subscriptions = SimpleNamespace(subscription=SimpleNamespace(assignment=node.assignment))
    fetcher._pending_tasks, fetcher._in_flight, fetcher._records, fetcher._fetch_waiters = set(), set(), {}, set()
    fetcher._subscriptions.wait_for_assignment = lambda: asyncio.sleep(0)

    def look(_assignment: Any) -> Any:
        requests = [] if 1 in fetcher._in_flight else [(1, None)]
        return requests, {}, SLEEP_S, False, []

    async def ask(_assignment: Any, _node: int, _request: Any) -> bool:
        node.asked.append(asyncio.get_running_loop().create_future())
        return await node.asked[-1]

    fetcher._get_actions_per_node, fetcher._proc_fetch_request = look, ask
    return fetcher


async def asked_again_at_once(wakeful: bool) -> bool:
    """Answer a request in the turn in which the routine is woken, as often as it takes; tell whether the node was always asked again."""
    node = Node()
    fetcher = fetcher_of(node)
    if wakeful:
        keep_awake(fetcher)
    routine = asyncio.create_task(fetcher._fetch_requests_routine())
    try:
        for round_ in range(1, 30):
            for _ in range(50):
                await asyncio.sleep(0)
            if len(node.asked) < round_:
                return False
            for _ in range(round_ % 4):
                await asyncio.sleep(0)
            # woken first, answered in the turns after: one of them is the very one
            fetcher._notify(fetcher._wait_consume_future)
            node.asked[-1].set_result(False)
        return True
    finally:
        routine.cancel()


def test_the_routine_asks_again_though_it_was_woken_as_the_answer_came() -> None:
    assert asyncio.run(asked_again_at_once(wakeful=True))


def test_without_help_it_sleeps() -> None:
    """When this fails the library has mended it, and `streams/transport/wakeful.py` may go."""
    assert not asyncio.run(asked_again_at_once(wakeful=False))
