"""`pollwatch worker` as a process: started, watched through its pages, killed, paused and stopped from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.deployment import Deployment
from benchmarks.waiting import PATIENCE_S, wait_until
from streams.broker.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
_ANSWER_WITHIN_S = 10
_STOCK = "import os; from config import load; from streams.worker import Worker, run_until_signal; "
_STOCK += "run_until_signal(Worker(load(None, os.environ), scheme='kafka'))"


class WorkerProcess:
    """One worker of a deployment; leaving the context kills it if it still runs.

    Its log is a file of its own in the deployment's folder. With `stock` Faust's own transport carries the records;
    `script` is what Python runs in its place.
    """

    _count = 0

    def __init__(self, deployment: Deployment, stock: bool = False, script: Sequence[str] = ()) -> None:
        WorkerProcess._count += 1
        self.port = free_port()
        self.log_file = deployment.folder / f"worker-{WorkerProcess._count}.log"
        ports = dict.fromkeys(("POLLWATCH_WORKER_HTTP_PORT", "POLLWATCH_NOTIFY_HTTP_PORT"), str(self.port))
        own = {**os.environ, **deployment.environ, **ports}
        command = list(script) or (["-c", _STOCK] if stock else ["-m", "streams", "worker"])
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen([sys.executable, *command], env=own, cwd=ROOT, stdout=log, stderr=log)
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            print(f"--- {self.log_file.name}\n{self.log()[-6_000:]}")
        if self.exit_code is None:
            self._process.kill()
            self._process.wait()

    @property
    def exit_code(self) -> int | None:
        """Its exit code, negative for the signal that ended it; None while it runs."""
        return self._process.poll()

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body of a page; status 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=_ANSWER_WITHIN_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def is_ready(self) -> bool:
        """Tell whether it has the state of its partitions, be they none."""
        return self.get("/readyz")[0] == 200

    def wait_until_ready(self) -> Self:
        wait_until(lambda: self.runs() and self.is_ready(), "the worker ready")
        return self

    def runs(self) -> bool:
        """Return True; raises AssertionError when it has ended."""
        if self.exit_code is not None:
            raise AssertionError(f"the worker ended with {self.exit_code}:\n{self.log()[-3_000:]}")
        return True

    def metrics(self) -> dict[str, float]:
        """Return the samples of /metrics, `name` or `name{label=value,..}`; a sum over all labels stands under `name` too."""
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(self.get("/metrics")[1]):
            for sample in family.samples:
                labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
                if labels:
                    found[f"{sample.name}{{{labels}}}"] = sample.value
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
        return found

    def send(self, number: signal.Signals) -> None:
        """Send it a signal and wait for nothing."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a crash does."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Stop it as an operator does; raises AssertionError when it does not end well."""
        self.runs()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"asked to stop, {self.log_file.name} still runs after {PATIENCE_S:.0f} s") from None
        if self.exit_code != 0:
            raise AssertionError(f"the worker, asked to stop, ended with {self.exit_code}:\n{self.log()[-3_000:]}")
