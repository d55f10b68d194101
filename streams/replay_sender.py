"""The producer of `replay`: hands records to kafka-python and keeps account of what came of them. Knows no clock, no file."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from config.schema import Settings, TopicRole
from streams.control import CONTROL_KEY, Control, control_record
from streams.decode import Kind
from streams.kafka_client import kafka_python, no_answer

_BATCH_BYTES = 1 << 20
_LINGER_MS = 20
_WAIT_MS = 10_000


class ReplayError(Exception):
    """Kafka cannot be reached or did not take a record: one line that says what to do."""


class Sender:
    """Sends lines and control records to the input topics; leaving the context waits until the brokers hold them."""

    def __init__(self, settings: Settings) -> None:
        self._topics = {
            Kind.VOTE: settings.topics.name(TopicRole.VOTES),
            Kind.REPLY: settings.topics.name(TopicRole.REPLIES),
        }
        self._servers = settings.kafka.bootstrap_servers
        self._failure: Exception | None = None
        self.too_large = 0
        self._producer = self._connect(settings)
        try:
            self.partitions: Mapping[Kind, int] = {
                kind: self._count_partitions(name) for kind, name in self._topics.items()
            }
        except ReplayError:
            self._producer.close(timeout=0)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._producer.close(timeout=30 if error is None else 1)

    def send(self, kind: int, partition: int, key: bytes | None, value: bytes) -> None:
        """Hand over one line. One that is larger than the brokers take is counted in `too_large`, now or later."""
        try:
            sent = self._producer.send(self._topics[Kind(kind)], value, key, None, partition)
        except MessageSizeTooLargeError:
            self.too_large += 1
        else:
            sent.add_errback(self._note)

    def control(self, control: Control) -> None:
        """Send a control record to every partition of both topics, and wait until the brokers hold it."""
        headers = control_record(control.watermark_ms, control.end)
        for kind, count in self.partitions.items():
            for partition in range(count):
                sent = self._producer.send(self._topics[kind], None, CONTROL_KEY, headers, partition)
                sent.add_errback(self._note)
        self.flush()

    def flush(self) -> None:
        """Wait until the brokers hold everything; raise ReplayError when they did not take a record."""
        try:
            self._producer.flush()
        except KafkaError as error:
            raise ReplayError(f"Kafka at {self._servers} does not answer: {error}") from error
        self.check()

    def check(self) -> None:
        """Raise ReplayError when a record handed over earlier was not taken."""
        if self._failure is not None:
            raise ReplayError(f"Kafka at {self._servers} did not take a record: {self._failure}")

    def _connect(self, settings: Settings) -> Any:
        try:
            return KafkaProducer(
                acks="all",
                batch_size=_BATCH_BYTES,
                linger_ms=_LINGER_MS,
                # records over the limit must get through, to be refused by name
                max_request_size=4 * settings.intake.max_record_bytes,
                bootstrap_timeout_ms=_WAIT_MS,
                max_block_ms=_WAIT_MS,
                allow_auto_create_topics=False,
                metrics_enabled=False,
                **kafka_python(settings.kafka),
            )
        except KafkaError as error:
            raise ReplayError(no_answer(kafka_python(settings.kafka))) from error

    def _count_partitions(self, topic: str) -> int:
        try:
            return len(self._producer.partitions_for(topic))
        except KafkaTimeoutError as error:
            raise ReplayError(f"no topic {topic}: create it with `pollwatch topics`") from error
        except KafkaError as error:
            raise ReplayError(f"topic {topic} cannot be used: {error}") from error

    def _note(self, error: Exception) -> None:
        if isinstance(error, MessageSizeTooLargeError):
            self.too_large += 1
        elif self._failure is None:
            self._failure = error
