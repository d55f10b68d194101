"""`pollwatch notify` on a real Kafka: killed, restarted, taken over, with a target that is down all the while."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live_worker import WorkerProcess, wait_until
from notify_messages import alert, item
from notify_process import Notified
from webhook_receiver import SECRET, Manner, Receiver, answers, is_ours, receiving_beside, takes

pytestmark = pytest.mark.broker

CASES = [f"{number:016x}" for number in range(6)]
ALL = {"sends": "alerts"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving_beside() as receiver:
        yield receiver


@pytest.fixture
def notified(kafka: str, topic_prefix: str, tmp_path: Path, receiver: Receiver) -> Iterator[Notified]:
    made = Notified(kafka, topic_prefix, tmp_path, receiver.url)
    made.side.create_topics()
    yield made
    made.side.delete_topics()


def keys(receiver: Receiver, name: str) -> list[str]:
    """Return the keys of what a target took, as they came."""
    return [got.key.removesuffix(f":{name}") for got in receiver.taken if got.path == f"/hook/{name}"]


def told(first: int, last: int, **data: Any) -> list[dict[str, Any]]:
    """Return revisions `first` to `last` of all cases, in turns."""
    return [
        alert(case_id, revision, "opened" if revision == 1 else "updated", **data)
        for revision in range(first, last + 1)
        for case_id in CASES
    ]


def names(said: list[dict[str, Any]]) -> list[str]:
    return [one["id"] for one in said]


def in_order(arrived: list[str]) -> bool:
    """Tell whether of each case no revision, or part of one, arrived for the first time after a later one."""
    of_case: dict[str, list[list[int]]] = {}
    for key in dict.fromkeys(arrived):
        case_id, *numbers = key.split(":")
        of_case.setdefault(case_id, []).append(list(map(int, numbers)))
    return all(numbers == sorted(numbers) for numbers in of_case.values())


def test_whatever_happens_everything_arrives_in_order_and_repeats_have_equal_keys(notified: Notified, receiver: Receiver) -> None:
    down = {"/hook/down"}

    def usually(path: str) -> Manner:
        time.sleep(0.01)
        return answers(503) if path in down else takes

    receiver.usually = usually
    severe = {"severities": ["critical"]}
    notified.say(told(1, 1, summary="Said before anybody listened."))
    notified.targets(chat={}, down={}, pager=severe, items={"sends": "moderation"})
    first, second, ends = told(2, 15), told(16, 20, severity="info"), [alert(one, 21, "resolved", severity="info") for one in CASES]
    parts = [item(case_id, 1, part, 3) for case_id in CASES for part in (1, 2, 3)]
    with notified.start() as process:
        process.wait_until_ready()
        notified.say([*first, *parts])
        wait_until(lambda: len(keys(receiver, "chat")) >= 20, "the half of it")
        process.kill()
    assert 0 < len(keys(receiver, "chat")) < len(first)
    with notified.start() as process:
        process.wait_until_ready()
        notified.say([*second, *ends])
        everything = names([*first, *second, *ends])
        for name in ("chat", "pager"):
            wait_until(lambda name=name: set(keys(receiver, name)) == set(everything), f"all at {name}")  # type: ignore[misc]
        wait_until(lambda: len(set(keys(receiver, "items"))) == len(parts), "all items")
        assert keys(receiver, "down") == []
        assert_shown(process)
        down.clear()
        wait_until(lambda: set(keys(receiver, "down")) == set(everything), "all where nobody answered")
        wait_until(lambda: not notified.lag(), "everything committed")
        process.stop()
        log = process.log()
    for name in ("chat", "down", "pager", "items"):
        assert in_order(keys(receiver, name)), name
    bodies: dict[str, bytes] = {}
    for got in receiver.taken:
        assert bodies.setdefault(got.key, got.body) == got.body
        assert is_ours(got, SECRET, time.time())
    assert sorted(keys(receiver, "down")) == sorted(everything), "what was never taken is not sent twice"
    assert "target down did not take" in log
    assert SECRET not in log
    assert "Traceback" not in log


def assert_shown(process: WorkerProcess) -> None:
    """Fail when a target that is down is not to be seen, or makes the process look broken."""
    age = "pollwatch_webhook_oldest_waiting_seconds{{target={}}}".format
    wait_until(lambda: (shown := process.metrics())[age("down")] > 0 == shown[age("chat")], "ages shown")
    shown = process.metrics()
    assert shown["pollwatch_webhook_waiting_messages{target=down}"] > 0
    assert shown["pollwatch_webhook_deliveries_total{outcome=retried,target=down}"] >= 1
    assert shown["pollwatch_webhook_deliveries_total{outcome=refused,target=chat}"] == 0
    assert process.get("/healthz")[0] == 200
    status, reason = process.get("/readyz")
    assert status == 200
    assert "target down waits: it failed" in reason
    assert SECRET not in process.get("/metrics")[1]


def test_another_process_takes_over_and_a_new_target_begins_with_what_comes(notified: Notified, receiver: Receiver) -> None:
    notified.targets(chat={})
    with notified.start() as one:
        one.wait_until_ready()
        notified.say(told(1, 2))
        wait_until(lambda: len(keys(receiver, "chat")) == 12, "all of it")
        notified.targets(chat={}, new={})
        with notified.start() as other:
            other.wait_until_ready()
            one.stop()
            # a new target begins where the process that has the partition first knows of it
            wait_until(lambda: "1 partitions are ours" in other.log(), "the other has taken over")
            notified.say(told(3, 3))
            for name in ("chat", "new"):
                wait_until(lambda name=name: names(told(3, 3))[-1] in keys(receiver, name), f"news at {name}")  # type: ignore[misc]
            other.stop()
    assert keys(receiver, "chat") == names(told(1, 3)), "nothing twice, nothing lost"
    assert keys(receiver, "new") == names(told(3, 3))


def test_a_topic_that_is_not_there_is_one_line(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    made = Notified(kafka, topic_prefix, tmp_path, "http://127.0.0.1:1")
    made.targets(chat={})
    with made.start() as process:
        wait_until(lambda: process.exit_code is not None, "an end")
    assert process.exit_code == 1
    assert process.log().splitlines()[-1] == f"pollwatch: NotifyError: no topic {topic_prefix}pollwatch.alerts: create it with `pollwatch topics`"
