"""Sends lines to the input topics at a steady pace, whatever happens to the broker meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaProducer

from benchmarks.load import BATCH_BYTES, Sender
from config import Settings, TopicRole
from streams.control import CONTROL_KEY, Control, closing, control_record, opening
from streams.decode import Kind
from streams.kafka_client import aiokafka
from streams.placing import place
from streams.recording import LINES_PER_CHUNK, chunks
from streams.stages import build_decoder

_SLICE_S = 0.05
# a broker may be gone for minutes; idempotent, since a line sent twice would move all offsets after it
_PATIENCE = {"acks": "all", "enable_idempotence": True, "request_timeout_ms": 600_000}
_TOPICS = {Kind.VOTE: TopicRole.VOTES, Kind.REPLY: TopicRole.REPLIES}


@dataclass(frozen=True, slots=True)
class Lot:
    """Lines in order with the topic (a `Kind`) and partition of each, and the first and last event time among them."""

    lines: Sequence[bytes]
    kinds: Sequence[int]
    partitions: Sequence[int]
    first_ms: int
    latest_ms: int


def recorded_lots(path: Path, settings: Settings) -> Iterator[Lot]:
    """Yield the lines of a recording as `replay` places them."""
    decoder, partitions = build_decoder(settings), settings.topics.partitions
    for lines in chunks(path, LINES_PER_CHUNK):
        decoded = decoder.recording(lines)
        placed = place(lines, decoded, decoder, partitions, partitions)
        first_ms, latest_ms = int(decoded.ts_ms.min()), int(decoded.ts_ms.max())
        yield Lot(lines, placed.kind.tolist(), placed.partition.tolist(), first_ms, latest_ms)


class Feeding(threading.Thread):
    """A thread that sends every line, and before and after them the control records of `replay`.

    Topics not of `kinds` are told at once that nothing comes, so that nobody waits for them. A lot is asked for when the one before was sent. `sent` are the lines so far, `behind_s` is the most it was late, `seconds`
    is the time from the first line to the acknowledgement of the last.
    """

    def __init__(
        self, settings: Settings, lots: Iterable[Lot], lines_per_s: int, kinds: Sequence[Kind] = (Kind.VOTE, Kind.REPLY)
    ) -> None:
        super().__init__(name="feeding", daemon=True)
        self._settings = settings
        self._lots = lots
        self._lines_per_s = lines_per_s
        self._topics = [settings.topics.name(_TOPICS[kind]) for kind in kinds]
        self._silent = [settings.topics.name(role) for kind, role in _TOPICS.items() if kind not in kinds]
        self._began_s: float | None = None
        self._ended = False
        self._error: Exception | None = None
        self.sent = 0
        self.behind_s = 0.0
        self.seconds = 0.0

    def run(self) -> None:
        try:
            asyncio.run(self._run())
        except Exception as error:  # noqa: BLE001  whoever waits for the end must hear of it
            self._error = error

    def done(self) -> bool:
        """Tell whether the brokers hold everything. Raises RuntimeError when they never will."""
        if self._error is not None:
            raise RuntimeError(f"not everything could be sent: {self._error!r}") from self._error
        return self._began_s is not None and not self.is_alive()

    def end(self) -> None:
        """Send no more lines."""
        self._ended = True

    async def _run(self) -> None:
        latest_ms = 0
        async with AIOKafkaProducer(
            **aiokafka(self._settings.kafka), max_batch_size=BATCH_BYTES, linger_ms=0, **_PATIENCE
        ) as producer:
            senders = [Sender(producer, topic) for topic in self._topics]
            for lot in self._lots:
                if self._began_s is None:
                    await self._control(producer, self._silent, closing(lot.first_ms, self._settings.rate.window_ms))
                    await self._control(producer, self._topics, opening(lot.first_ms))
                    self._began_s = time.monotonic()
                latest_ms = max(latest_ms, lot.latest_ms)
                await self._send(senders, lot)
            for sender in senders:
                await sender.settle()
            self.seconds = time.monotonic() - (self._began_s or time.monotonic())
            control = closing(latest_ms, self._settings.rate.window_ms)
            await self._control(producer, [*self._topics, *self._silent], control)

    async def _send(self, senders: Sequence[Sender], lot: Lot) -> None:
        size = max(1, round(self._lines_per_s * _SLICE_S))
        for start in range(0, len(lot.lines), size):
            if self._ended:
                return
            rows = slice(start, start + size)
            for kind, to, line in zip(lot.kinds[rows], lot.partitions[rows], lot.lines[rows], strict=True):
                await senders[kind].add(to, b"key", line)
            self.sent += len(lot.lines[rows])
            for sender in senders:
                await sender.send_all()
            await self._wait()

    async def _wait(self) -> None:
        early_s = (self._began_s or 0.0) + self.sent / self._lines_per_s - time.monotonic()
        self.behind_s = max(self.behind_s, -early_s)
        await asyncio.sleep(max(0.0, early_s))

    async def _control(self, producer: AIOKafkaProducer, topics: Sequence[str], control: Control) -> None:
        headers = control_record(control.watermark_ms, control.end)
        for topic in topics:
            for partition in range(self._settings.topics.partitions):
                await producer.send_and_wait(topic, None, CONTROL_KEY, partition, headers=headers)
