"""Reads topics as they grow, beside everybody else: no group, no commit. `pollwatch tail` prints the alerts among it."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from rich.console import Console

from config import Settings, TopicRole
from streams.alert_line import alert_line, read_alert
from streams.kafka_client import kafka_python, no_answer
from streams.terminal import visible

_WAIT_MS = 10_000
_POLL_MS = 500
_ASK_MS = 2_000
_COMPLAINT_EVERY_S = 30.0
REMEMBERED_IDS = 10_000
"""Ids of alerts that `Repeats` knows: more than are open at once, and about 1 MB."""


class TailError(Exception):
    """Kafka cannot be reached or lacks the topic: one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Read:
    """One record: what its topic is for, its value, and where it stands (`topic/partition@offset`)."""

    role: TopicRole
    value: bytes | None
    stands: str


class TopicTail:
    """All partitions of some topics, from now on or from their beginning; a context manager."""

    def __init__(self, settings: Settings, roles: Sequence[TopicRole], from_start: bool) -> None:
        self._servers = settings.kafka.bootstrap_servers
        self._roles = {settings.topics.name(role): role for role in roles}
        self._consumer = self._connect(settings)
        try:
            self._begin(from_start)
        except BaseException:
            self._consumer.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._consumer.close()

    def poll(self, timeout_ms: int) -> list[Read]:
        """Return what came, waiting for it at most so long. Raises TailError when Kafka refuses."""
        try:
            records = self._consumer.poll(timeout_ms=timeout_ms)
        except KafkaError as error:
            raise TailError(f"Kafka at {self._servers} refused: {error}") from error
        return [
            Read(self._roles[tp.topic], record.value, f"{tp.topic}/{tp.partition}@{record.offset}")
            for tp, part in records.items()
            for record in part
        ]

    def whole(self) -> Iterator[Read]:
        """Yield what stands between here and where the topics end now. Raises TailError when Kafka refuses or stops answering."""
        ends = self._asked(lambda: self._consumer.end_offsets(list(self._consumer.assignment())))
        heard_s = time.monotonic()
        while self._asked(lambda: [tp for tp, end in ends.items() if self._consumer.position(tp) < end]):
            came = self.poll(_POLL_MS)
            heard_s = time.monotonic() if came else heard_s
            if time.monotonic() - heard_s > _WAIT_MS / 1000:
                raise TailError(f"Kafka at {self._servers} stopped answering")
            yield from came

    def _asked(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except KafkaError as error:
            raise TailError(f"Kafka at {self._servers} refused: {error}") from error

    @property
    def servers(self) -> str:
        """Where it looks for Kafka."""
        return self._servers

    def behind(self) -> int | None:
        """Return how many records are there and not yet read, None when the brokers don't say."""
        tps = sorted(self._consumer.assignment())
        try:
            ends = self._consumer.end_offsets(tps, timeout_ms=_ASK_MS)
            return sum(max(0, int(ends[tp]) - int(self._consumer.position(tp, timeout_ms=_ASK_MS) or 0)) for tp in tps)
        except KafkaError:
            return None

    def _connect(self, settings: Settings) -> Any:
        try:
            return KafkaConsumer(
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                bootstrap_timeout_ms=_WAIT_MS,
                metrics_enabled=False,
                **kafka_python(settings.kafka),
            )
        except KafkaError as error:
            raise TailError(no_answer(kafka_python(settings.kafka))) from error

    def _begin(self, from_start: bool) -> None:
        try:
            tps = [TopicPartition(topic, number) for topic in self._roles for number in self._partitions(topic)]
            self._consumer.assign(tps)
            ends = self._consumer.beginning_offsets(tps) if from_start else self._consumer.end_offsets(tps)
        except KafkaError as error:
            raise TailError(f"Kafka at {self._servers} refused: {error}") from error
        for tp, offset in ends.items():
            self._consumer.seek(tp, offset)

    def _partitions(self, topic: str) -> list[int]:
        partitions = self._consumer.partitions_for_topic(topic)
        if not partitions:
            raise TailError(f"no topic {topic}: create it with `pollwatch topics`")
        return sorted(partitions)


class Repeats:
    """Knows the last REMEMBERED_IDS ids: delivery is at least once, and after a restart alerts are said again."""

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}

    def is_new(self, alert_id: str) -> bool:
        """Tell whether this id was not met among the last ones, and remember it."""
        if alert_id in self._ids:
            return False
        if len(self._ids) >= REMEMBERED_IDS:
            del self._ids[next(iter(self._ids))]
        self._ids[alert_id] = None
        return True


class _Complaints(logging.Handler):
    """The client's many lines about a lost connection, which it mends by itself, as one line now and then."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._said_s = float("-inf")

    def emit(self, record: logging.LogRecord) -> None:
        """Print it unless the last one was a short while ago."""
        now_s = time.monotonic()
        if now_s - self._said_s >= _COMPLAINT_EVERY_S:
            self._said_s = now_s
            print(f"no connection to Kafka, trying again: {visible(record.getMessage(), 200)}", file=sys.stderr, flush=True)


def run_tail(settings: Settings, from_start: bool) -> int:
    """Print alerts as they come until Ctrl-C, which is the normal end: returns 0. Raises TailError."""
    client_logger = logging.getLogger("kafka")
    # until it is connected, the error raised says it all
    client_logger.propagate = False
    client_logger.addHandler(logging.NullHandler())
    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
    repeats = Repeats()
    try:
        with TopicTail(settings, [TopicRole.ALERTS], from_start) as tail:
            client_logger.addHandler(_Complaints())
            while True:
                for record in tail.poll(_POLL_MS):
                    _print(record, repeats, console)
    except KeyboardInterrupt:
        return 0


def _print(record: Read, repeats: Repeats, console: Console) -> None:
    try:
        alert = read_alert(record.value or b"")
    except msgspec.DecodeError as error:
        print(f"{record.stands} is no alert: {visible(str(error), 200)}", file=sys.stderr)
        return
    if repeats.is_new(alert.id):
        console.print(alert_line(alert))
