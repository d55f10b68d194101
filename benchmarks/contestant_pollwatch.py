"""Contestant (b): the Pollwatch worker with everything on, a process as a user runs it, watched from outside only.

It is done when its published estimates account for every vote of the recording: after intake, exchange, shards and
cases, and after the broker has it all.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from aiokafka import AIOKafkaConsumer

from config import Settings, TopicRole
from streams.kafka_client import aiokafka

_ASK_EVERY_S = 0.02
_START_WITHIN_S = 60.0
_STOP_WITHIN_S = 60.0


class PollwatchWorker:
    """`pollwatch worker` with its log in a file; a context manager that stops it."""

    def __init__(
        self, environment: Mapping[str, str], settings: Settings, log: Path, module: Sequence[str] = ("streams", "worker")
    ) -> None:
        self._settings = settings
        self._log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *module], env=dict(environment), stdout=file, stderr=file
            )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def wait_until_assigned(self) -> None:
        """Return as soon as the group has given it partitions, before it restores anything."""
        self._wait_while("waiting for the assignment")

    def wait_until_ready(self) -> None:
        """Return as soon as it has restored the state of its partitions."""
        self._wait_while("waiting for the assignment", "restoring state")

    def _wait_while(self, *reasons: str) -> None:
        deadline_s = time.monotonic() + _START_WITHIN_S
        while not (answer := self._readiness()) or any(reason in answer for reason in reasons):
            self._still_alive()
            if time.monotonic() > deadline_s:
                raise RuntimeError(f"the worker still said {answer!r} after {_START_WITHIN_S:.0f} s: see {self._log}")
            time.sleep(_ASK_EVERY_S)

    def wait_until_counted(self, votes: int, within_s: float) -> None:
        """Return once the running estimates of all polls add up to `votes`."""
        asyncio.run(self._until_counted(votes, within_s))

    def metrics(self) -> str:
        """Return what /metrics says, with exemplars."""
        port = self._settings.worker.http_port
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/metrics", headers={"Accept": "application/openmetrics-text"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            text: bytes = answer.read()
        return text.decode()

    def stop(self) -> int:
        """Stop it as an operator does; return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(_STOP_WITHIN_S)

    def _readiness(self) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._settings.worker.http_port}/readyz", timeout=5) as ok:
                text: bytes = ok.read()
        except urllib.error.HTTPError as refusal:
            text = refusal.read()
        except OSError:
            return ""
        return text.decode()

    def _still_alive(self) -> None:
        if self._process.poll() is not None:
            raise RuntimeError(f"the worker ended: {self._last_words()}")

    def _last_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])

    async def _until_counted(self, wanted: int, within_s: float) -> None:
        topic = self._settings.topics.name(TopicRole.INTEGRITY)
        consumer = AIOKafkaConsumer(topic, **aiokafka(self._settings.kafka), auto_offset_reset="earliest")
        await consumer.start()
        votes: dict[str, int] = {}
        try:
            await asyncio.wait_for(self._add_up(consumer, votes, wanted), within_s)
        except TimeoutError as error:
            counted = f"{sum(votes.values())} of {wanted} votes were counted within {within_s:.0f} s"
            raise RuntimeError(f"{counted}: see {self._log}") from error
        finally:
            await consumer.stop()

    async def _add_up(self, consumer: Any, votes: dict[str, int], wanted: int) -> None:
        while sum(votes.values()) < wanted:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                votes.update({record.key.decode(): json.loads(record.value)["votes"] for record in records})
            self._still_alive()
