"""Sends a recording to the input topics at a steady pace, as `replay` places it, whatever happens to the broker meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from aiokafka import AIOKafkaProducer

from benchmarks.load import BATCH_BYTES, Sender
from config import Settings, TopicRole
from streams.control import CONTROL_KEY, Control, closing, control_record, opening
from streams.decode import Decoded, Kind
from streams.kafka_client import aiokafka
from streams.placing import place
from streams.recording import LINES_PER_CHUNK, chunks
from streams.stages import build_decoder

_SLICE_S = 0.05
# a broker may be gone for minutes; idempotent, since a line sent twice would move all offsets after it
_PATIENCE = {"acks": "all", "enable_idempotence": True, "request_timeout_ms": 600_000}


class Feeding(threading.Thread):
    """A thread that sends every line of a file; `sent` lines so far, `error` if it could not go on."""

    def __init__(self, settings: Settings, path: Path, lines_per_s: int) -> None:
        super().__init__(name="feeding", daemon=True)
        self._settings = settings
        self._path = path
        self._lines_per_s = lines_per_s
        self._decoder = build_decoder(settings)
        self._began_s: float | None = None
        self._ended = False
        self._latest_ms = 0
        self.sent = 0
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._run())
        except Exception as error:  # noqa: BLE001  whoever waits for the end must hear of it
            self.error = error

    def done(self) -> bool:
        """Tell whether the brokers hold everything. Raises RuntimeError when they never will."""
        if self.error is not None:
            raise RuntimeError(f"the recording could not be sent: {self.error!r}") from self.error
        return not self.is_alive()

    def end(self) -> None:
        """Send no more."""
        self._ended = True

    async def _run(self) -> None:
        roles = {Kind.VOTE: TopicRole.VOTES, Kind.REPLY: TopicRole.REPLIES}
        async with AIOKafkaProducer(
            **aiokafka(self._settings.kafka), max_batch_size=BATCH_BYTES, linger_ms=0, **_PATIENCE
        ) as producer:
            senders = [Sender(producer, self._settings.topics.name(roles[kind])) for kind in sorted(roles)]
            for lines in chunks(self._path, LINES_PER_CHUNK):
                decoded = self._decoder.recording(lines)
                if self._began_s is None:
                    await self._control(producer, senders, opening(int(decoded.ts_ms.min())))
                    self._began_s = time.monotonic()
                self._latest_ms = max(self._latest_ms, int(decoded.ts_ms.max()))
                await self._send(senders, lines, decoded)
            for sender in senders:
                await sender.settle()
            await self._control(producer, senders, closing(self._latest_ms, self._settings.rate.window_ms))

    async def _send(self, senders: Sequence[Sender], lines: Sequence[bytes], decoded: Decoded) -> None:
        partitions = self._settings.topics.partitions
        placed = place(lines, decoded, self._decoder, partitions, partitions)
        kinds, to = placed.kind.tolist(), placed.partition.tolist()
        size = max(1, round(self._lines_per_s * _SLICE_S))
        for start in range(0, len(lines), size):
            if self._ended:
                return
            rows = slice(start, start + size)
            for kind, partition, line in zip(kinds[rows], to[rows], lines[rows], strict=True):
                await senders[kind].add(partition, b"key", line)
            self.sent += len(lines[rows])
            for sender in senders:
                await sender.send_all()
            await self._wait()

    async def _wait(self) -> None:
        due_s = (self._began_s or 0.0) + self.sent / self._lines_per_s
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))

    async def _control(self, producer: AIOKafkaProducer, senders: Sequence[Sender], control: Control) -> None:
        headers = control_record(control.watermark_ms, control.end)
        for sender in senders:
            for partition in range(self._settings.topics.partitions):
                await producer.send_and_wait(sender.topic, None, CONTROL_KEY, partition, headers=headers)
