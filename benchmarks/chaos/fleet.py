"""The workers of one deployment, watched from outside: one that ends by itself is started again, as Kubernetes would."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from aiokafka.errors import KafkaError

from benchmarks.deployment import Deployment
from benchmarks.worker_process import WorkerProcess

PATIENCE_S = 300.0
_LOOK_EVERY_S = 0.2
# the first restart is at once, the next ones wait
_BACK_OFF_S = 10.0
_PROCESSED = "pollwatch_consumer_processed_offset{"


class Fleet:
    """Workers that share the partitions of a deployment; leaving the context kills those that run.

    `restarts` counts those that ended by themselves, with what they said last in `last_words`.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._restarted_s = -_BACK_OFF_S
        self._paused: list[WorkerProcess] = []
        self.workers: list[WorkerProcess] = []
        self.restarts = 0
        self.last_words: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for worker in [*self.workers, *self._paused]:
            if worker.exit_code is None:
                worker.kill()

    def start(self, count: int = 1) -> None:
        """Start so many more."""
        self.workers += [WorkerProcess(self._deployment) for _ in range(count)]

    def kill(self, worker: WorkerProcess) -> None:
        """End a worker as a crash does; nobody takes its place."""
        self.workers.remove(worker)
        worker.kill()

    def term(self, worker: WorkerProcess) -> None:
        """Stop a worker as an operator does; nobody takes its place. Raises AssertionError when it ends badly."""
        self.workers.remove(worker)
        try:
            worker.stop()
        finally:
            if worker.exit_code is None:
                worker.kill()

    def pause(self, worker: WorkerProcess) -> None:
        """Stop a worker as a machine that hangs does."""
        self.workers.remove(worker)
        self._paused.append(worker)
        worker.send(signal.SIGSTOP)

    def go_on(self, worker: WorkerProcess) -> None:
        """Let a paused worker go on where it was."""
        self._paused.remove(worker)
        self.workers.append(worker)
        worker.send(signal.SIGCONT)

    def stop(self) -> None:
        """Stop all of them, one after the other. Raises AssertionError when one ends badly."""
        while self.workers:
            self.term(self.workers[0])

    def tend(self) -> None:
        """Start those again that ended by themselves."""
        for number, worker in enumerate(self.workers):
            if worker.exit_code is None or time.monotonic() - self._restarted_s < _BACK_OFF_S:
                continue
            lines = worker.log().strip().splitlines() or [""]
            self.last_words.append(f"{worker.log_file.name}: exit {worker.exit_code}: {lines[-1]}")
            self.restarts += 1
            self._restarted_s = time.monotonic()
            self.workers[number] = WorkerProcess(self._deployment)

    def wait(self, condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> float:
        """Tend the workers until `condition` is true; return the seconds. Raises AssertionError after `patience_s`."""
        began_s = time.monotonic()
        while True:
            self.tend()
            if condition():
                return time.monotonic() - began_s
            if time.monotonic() - began_s > patience_s:
                raise AssertionError(f"not within {patience_s:.0f} s: {what}")
            time.sleep(_LOOK_EVERY_S)

    def rest(self, seconds: float) -> None:
        """Tend the workers for so long."""
        until_s = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() >= until_s, "time passing", seconds + PATIENCE_S)

    def processed(self) -> float | None:
        """Return the sum of offsets come to, or None unless all workers are ready and hold all partitions together."""
        if not all(worker.exit_code is None and worker.is_ready() for worker in self.workers):
            return None
        pages = [worker.metrics() for worker in self.workers]
        held = [name for page in pages for name in page if name.startswith(_PROCESSED)]
        if len(held) != len(set(held)) or len(held) != self._deployment.shared_partitions():
            return None
        return sum(page[name] for page in pages for name in page if name.startswith(_PROCESSED))

    def wait_until_ready(self) -> None:
        """Return when all workers are ready and hold all partitions."""
        self.wait(lambda: self.processed() is not None, "all workers ready, with all partitions")

    def wait_until_working(self, since_s: float) -> float:
        """Return when they hold all partitions and have moved on since then, or nothing is left; the seconds since `since_s`."""
        first: float | None = None

        def moved() -> bool:
            nonlocal first
            now = self.processed()
            if first is None:
                first = now
            return now is not None and first is not None and (now > first or self._all_committed())

        self.wait(moved, "the workers hold all partitions and work")
        return time.monotonic() - since_s

    def wait_until_settled(self, patience_s: float = PATIENCE_S) -> None:
        """Return when everything there is in every topic they read is committed."""

        def settled() -> bool:
            return self.processed() is not None and self._all_committed()

        self.wait(settled, "everything committed", patience_s)

    def _all_committed(self) -> bool:
        try:
            return not self._deployment.lag()
        except KafkaError:
            return False  # the brokers are not quite back
