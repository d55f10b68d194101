"""How large the workers were over time, and whether that is a line that rises. Reads /proc only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.processes import rss_bytes
from benchmarks.worker_process import WorkerProcess
from detectors.columns import Floats


@dataclass(frozen=True, slots=True)
class Sample:
    """Resident bytes of the worker nothing is done to, and of all together, `at_s` after the begin."""

    at_s: float
    steady: int
    together: int


class Watch(threading.Thread):
    """A thread that looks every few seconds at how large the workers are, while as many run as should.

    While something is `going_on`, it does not look: whoever takes over holds everything, and what waits meanwhile.
    """

    def __init__(self, workers: Callable[[], Sequence[WorkerProcess]], count: int, every_s: float) -> None:
        super().__init__(name="memory", daemon=True)
        self._workers = workers
        self._count = count
        self._every_s = every_s
        self._over = threading.Event()
        self._began_s = time.monotonic()
        self.going_on = False
        self.samples: list[Sample] = []

    def run(self) -> None:
        while not self._over.wait(self._every_s):
            try:
                sizes = [rss_bytes(worker.pid) for worker in self._workers()]
            except (FileNotFoundError, ProcessLookupError):
                continue  # one has just ended: that is what is done here
            if len(sizes) == self._count and not self.going_on:
                self.samples.append(Sample(time.monotonic() - self._began_s, sizes[0], sum(sizes)))

    def stop(self) -> None:
        self._over.set()
        self.join()


def rise(at_s: Sequence[float], size: Sequence[float]) -> float:
    """Return by how much of its middle value a size rises from the first to the last moment, along a line.

    The line is that of Theil and Sen: its slope is the median of the slopes between all pairs, so that a third
    of the samples may lie anywhere. NaN for fewer than ten samples.

    >>> rise(range(10), [100.0 + t for t in range(10)])
    0.0861...
    >>> rise(range(11), [100.0] * 8 + [900.0, 100.0, 900.0])
    0.0
    """
    if len(at_s) < 10:
        return float("nan")
    x, y = np.asarray(at_s, np.float64), np.asarray(size, np.float64)
    first, second = np.triu_indices(len(x), 1)
    slopes: Floats = (y[second] - y[first]) / (x[second] - x[first])
    return float(np.median(slopes) * (x[-1] - x[0]) / np.median(y))
