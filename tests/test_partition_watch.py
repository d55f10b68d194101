"""What is told of partitions: lag as the brokers say, what is done and not committed, and what should move and does not."""

import asyncio
from typing import Any

import pytest
from faust.types import TP
from prometheus_client import CollectorRegistry

from config import Settings
from streams.health import Health
from streams.metric_labels import Sink
from streams.metrics import Metrics
from streams.outbox import Outbox
from streams.partition_watch import Held, PartitionWatch
from streams.transport import Progress

VOTES = TP("poll.votes", 0)
EXCHANGE = TP("pollwatch.exchange", 2)


class Watched:
    """A watch with the page it writes to, and its clock."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.health = Health(0, stall_after_ms=30_000)
        self.health.assigned(0)
        self.health.recovered(0)
        self.watch = PartitionWatch(Metrics(self.registry), self.health)
        self.now_ms = 0

    def show(self, seconds: int, at: Progress, end: int | None, held: str = "", tp: TP = VOTES) -> None:
        for _ in range(seconds):
            self.now_ms += 1_000
            self.watch.show({tp: at}, {} if end is None else {tp: end}, lambda _: held, self.now_ms)

    def value(self, name: str, tp: TP = VOTES) -> float | None:
        labels = {"topic": tp.topic, "partition": str(tp.partition)}
        return self.registry.get_sample_value(f"pollwatch_consumer_{name}", labels)


def progress(
    processed: int | None, committed: int | None = None, begun: int | None = 0, fetched_end: int = 0
) -> Progress:
    return Progress(processed, fetched_end or None, 0, begun, processed, committed)


def test_lag_is_what_the_brokers_hold_and_not_what_was_fetched() -> None:
    watched = Watched()
    watched.show(1, progress(40, 40, fetched_end=40), end=100)
    assert watched.value("lag_records") == 60
    watched.show(1, progress(40, 40, fetched_end=90), end=None)
    assert watched.value("lag_records") == 50, "the last fetch knows something while the brokers do not answer"


def test_a_partition_that_is_no_longer_fetched_is_found() -> None:
    watched = Watched()
    watched.show(31, progress(40, 40, fetched_end=40), end=100)
    assert watched.health.alive(watched.now_ms).ok
    watched.show(1, progress(40, 40, fetched_end=40), end=100)
    assert watched.health.alive(watched.now_ms).reason == "nothing was processed for 31000 ms in poll.votes/0 (60 records wait)"


def test_a_partition_that_was_never_fetched_is_found() -> None:
    watched = Watched()
    watched.show(32, progress(None, begun=None), end=100)
    assert watched.value("lag_records") == 100
    assert watched.health.alive(watched.now_ms).reason == "nothing was processed for 31000 ms in poll.votes/0 (100 records wait)"


def test_while_the_brokers_do_not_answer_nothing_is_stuck() -> None:
    watched = Watched()
    watched.show(100, progress(40, 40, fetched_end=90), end=None)
    assert watched.health.alive(watched.now_ms).ok


def test_what_is_held_on_purpose_is_not_stuck_and_is_told() -> None:
    watched = Watched()
    watched.show(100, progress(40, 40), end=90, held="no room")
    assert watched.health.alive(watched.now_ms).ok
    assert watched.health.ready().reason == "ready; poll.votes/0 waits: no room"


def test_what_is_processed_and_not_committed_is_told_with_its_age() -> None:
    watched = Watched()
    watched.show(1, progress(50, 20), end=50, tp=EXCHANGE)
    watched.show(9, progress(60, 20), end=60, tp=EXCHANGE)
    assert watched.value("uncommitted_records", EXCHANGE) == 40
    assert watched.value("commit_age_seconds", EXCHANGE) == 9
    watched.show(1, progress(70, 50), end=70, tp=EXCHANGE)
    assert watched.value("uncommitted_records", EXCHANGE) == 20
    assert watched.value("commit_age_seconds", EXCHANGE) == 0, "something was committed just now"
    watched.show(5, progress(70, 70), end=70, tp=EXCHANGE)
    assert watched.value("uncommitted_records", EXCHANGE) == watched.value("commit_age_seconds", EXCHANGE) == 0


@pytest.mark.parametrize("begun", [0, 1_000])
def test_before_the_first_commit_all_that_was_processed_is_uncommitted(begun: int) -> None:
    watched = Watched()
    watched.show(3, progress(begun + 30, None, begun), end=begun + 30)
    assert watched.value("uncommitted_records") == 30
    assert watched.value("commit_age_seconds") == 2


def test_a_partition_that_left_and_came_back_has_its_age_anew() -> None:
    watched = Watched()
    watched.show(20, progress(50, 20), end=50)
    watched.show(1, progress(5, 5), end=5, tp=EXCHANGE)
    watched.show(1, progress(50, 20), end=50)
    assert watched.value("commit_age_seconds") == 0


class Taking:
    """A producer of a topic that takes records."""

    async def send(self, *_: Any) -> asyncio.Future[None]:
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sent.set_result(None)
        return sent


def an_outbox() -> Outbox:
    """Return an outbox that has sent an alert and a block."""
    outbox = Outbox(Taking, Metrics(CollectorRegistry()), lambda _: None)

    async def send() -> None:
        await outbox.send(Sink.ALERTS, "pollwatch.alerts", None, b"k", b"v")
        await outbox.send(Sink.EXCHANGE, "pollwatch.exchange", 0, b"k", b"v")

    asyncio.run(send())
    return outbox


def test_only_partitions_whose_output_is_refused_are_held_and_only_as_long() -> None:
    outbox = an_outbox()
    held, findings = Held(Settings().topics, outbox), TP("pollwatch.findings", 0)
    assert {held(tp) for tp in (VOTES, EXCHANGE, findings)} == {""}
    outbox.refused("pollwatch.alerts", PermissionError("no"))
    assert held(findings) == "pollwatch.alerts takes no records (PermissionError)"
    assert held(VOTES) == held(EXCHANGE) == ""
    outbox.refused("pollwatch.exchange", PermissionError("no"))
    assert held(VOTES) == "pollwatch.exchange takes no records (PermissionError)"
    outbox.refused("pollwatch.alerts", None)
    outbox.refused("pollwatch.exchange", None)
    assert {held(tp) for tp in (VOTES, EXCHANGE, findings)} == {""}


def test_while_intake_waits_the_inputs_are_held_and_the_exchange_is_not() -> None:
    held = Held(Settings().topics, an_outbox())
    held.intake = "2001 blocks"
    assert (held(VOTES), held(TP("poll.replies", 1)), held(EXCHANGE)) == ("2001 blocks", "2001 blocks", "")
