"""Prometheus and Alertmanager as they are shipped, on free ports of their own, and the webhook they tell.

Changed is what would make a test wait, and nothing else: how often is scraped and evaluated, how long an alert is held after its
end, how long messages are gathered (`_hurry`). Expressions, `for`, labels, routes and inhibitions are the shipped ones.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self

import pytest
import yaml
from alert_rules import PROMETHEUS, loaded

from benchmarks.waiting import wait_until
from benchmarks.worker_process import ROOT
from streams.broker.ports import free_port

PROGRAMS = ("prometheus", "prometheus-alertmanager")
SHORTLY = "1s"
_HURRIED = {"scrape_interval", "evaluation_interval", "keep_firing_for", "group_wait", "group_interval"}
_ANSWER_WITHIN_S = 10


def program(name: str) -> str:
    """Return where a program is that Debian has in a package of its name; without it skip, and fail in CI."""
    path = shutil.which(name)
    if path is not None:
        return path
    why = f"no {name}: apt-get install --no-install-recommends {name}"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


@dataclass(frozen=True)
class Told:
    """An alert as the webhook heard of it: when, by which receiver, whether it `fires` or is resolved."""

    at_s: float
    receiver: str
    fires: bool
    labels: dict[str, str]
    annotations: dict[str, str]


@dataclass
class Webhook:
    """Listens for Alertmanager's messages, on 127.0.0.1."""

    told: list[Told] = field(default_factory=list)

    def __enter__(self) -> Self:
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                for one in message["alerts"]:
                    fires = one["status"] == "firing"
                    told.append(Told(time.time(), message["receiver"], fires, one["labels"], one["annotations"]))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


class AlertChain:
    """One Prometheus that scrapes a worker on `worker_port`, one Alertmanager, one webhook; `folder` takes all their files."""

    def __init__(self, folder: Path, worker_port: int) -> None:
        self._folder, self._worker_port = folder, worker_port
        self._port, self._alertmanager_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._stack = ExitStack()
        self.webhook = Webhook()

    def __enter__(self) -> Self:
        prometheus, alertmanager = map(program, PROGRAMS)
        self._stack.enter_context(self.webhook)
        self._write()
        listen = f"--web.listen-address=127.0.0.1:{self._alertmanager_port}"
        self._start("alertmanager", alertmanager, "--storage.path=told", listen, "--cluster.listen-address=", "--web.external-url=http://am")
        self._start("prometheus", prometheus, "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{self._port}", "--enable-feature=exemplar-storage")
        ready = [f"http://127.0.0.1:{port}/-/ready" for port in (self._port, self._alertmanager_port)]
        wait_until(lambda: all(map(_answers, ready)), "Prometheus and Alertmanager ready")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()
        if kind is not None:
            for log in self._folder.glob("*.log"):
                print(f"--- {log.name}\n{log.read_text()[-3_000:]}")

    def query(self, promql: str) -> list[dict[str, Any]]:
        """Return the series of an instant query: `metric` and `value`."""
        found = self.ask("query?" + urllib.parse.urlencode({"query": promql}))
        return list(found["result"])

    def value(self, promql: str) -> float:
        """Return the sum of what a query finds, 0 where that is nothing."""
        return sum(float(one["value"][1]) for one in self.query(promql))

    def evaluated_s(self) -> float:
        """Return when the rules that were evaluated longest ago were, in seconds since 1970."""
        return min(datetime.fromisoformat(group["lastEvaluation"]).timestamp() for group in self.ask("rules")["groups"])

    def ask(self, path: str) -> Any:
        """Return what Prometheus answers under /api/v1/."""
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}", timeout=_ANSWER_WITHIN_S) as answer:
            return json.load(answer)["data"]

    def _start(self, name: str, *command: str) -> None:
        config = f"--config.file={self._folder / name}.yml"
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen([*command, config, "--log.level=warn"], cwd=self._folder, stdout=log, stderr=log)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)

    def _write(self) -> None:
        shutil.copytree(PROMETHEUS, self._folder, dirs_exist_ok=True)
        for name, port in (("workers", self._worker_port), ("alertmanagers", self._alertmanager_port)):
            self._put(f"targets/{name}.yml", [{"targets": [f"127.0.0.1:{port}"]}])
        for path in sorted((self._folder / "rules").glob("*.yml")):
            self._put(f"rules/{path.name}", _hurry(loaded(path)))
        self._put("prometheus.yml", _hurry(loaded(PROMETHEUS / "prometheus.yml")))
        told = _hurry(loaded(ROOT / "deploy" / "alertmanager" / "alertmanager.yml"))
        for receiver in told["receivers"]:
            for hook in receiver.get("webhook_configs", []):
                hook["url"] = self.webhook.url
        self._put("alertmanager.yml", told)

    def _put(self, name: str, what: Any) -> None:
        (self._folder / name).write_text(yaml.safe_dump(what, sort_keys=False))


def _hurry(configured: Any) -> Any:
    """Return what is configured, where what only costs time takes a second."""
    if isinstance(configured, list):
        return [_hurry(one) for one in configured]
    if isinstance(configured, dict):
        return {name: SHORTLY if name in _HURRIED else _hurry(value) for name, value in configured.items()}
    return configured


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER_WITHIN_S) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
