"""What runs in containers, on a real Kafka, let to do no more than the image and the chart let it do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from live_worker import PATIENCE_S, ROOT, Deployment, Feed, WorkerProcess, wait_until
from recorded_traffic import recording

from deploy.healthcheck import answer
from streams.broker.ports import free_port

pytestmark = [
    pytest.mark.broker,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file system that is read-only for one process"),
]
AS_IN_A_CONTAINER = ROOT / "tests" / "as_in_a_container.py"


def run(deployment: Deployment, *command: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, **deployment.environ}
    given = [sys.executable, str(AS_IN_A_CONTAINER), *command]
    return subprocess.run(given, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def confined_as(pid: int) -> tuple[str, str]:
    """Return the user of a process and how its root is mounted."""
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    roots = [line.split() for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()]
    (options,) = {root[5].split(",")[0] for root in roots if root[4] == "/"}
    return status["Uid"].split()[0], options


def test_a_worker_needs_no_root_and_writes_nothing(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    deployment = Deployment(kafka, topic_prefix, tmp_path)
    made = run(deployment, "topics")
    assert made.returncode == 0, made.stderr
    with WorkerProcess(deployment, script=[str(AS_IN_A_CONTAINER), "worker"]) as worker:
        worker.wait_until_ready()
        assert confined_as(worker.pid) == ("10001", "ro")
        Feed(deployment, recording(20221003, polls=4, minutes=10, flood=400)).send(1)
        deployment.wait_until_settled(worker)
        assert deployment.alerts()
        assert worker.metrics()["pollwatch_snapshots_total"] > 0
        worker.stop()
    stopped = [line for line in worker.log().splitlines() if "stopped after" in line]
    assert len(stopped) == 1


def is_ready(port: int) -> bool:
    return answer(f"http://127.0.0.1:{port}/readyz")[0]


@contextmanager
def running(deployment: Deployment, command: str, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command until the block ends; then it must stop by itself, and well."""
    given = [sys.executable, str(AS_IN_A_CONTAINER), command]
    log = deployment.folder / f"{command}.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(given, env=os.environ | deployment.environ | environ, cwd=ROOT, stdout=out, stderr=out) as process,
    ):
        try:
            yield process
            process.terminate()
            assert process.wait(PATIENCE_S) == 0, log.read_text()
        finally:
            process.kill()


def test_console_and_notify_need_no_more(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    deployment = Deployment(kafka, topic_prefix, tmp_path).create_topics()
    targets = tmp_path / "targets.toml"
    targets.write_text(f'[nobody]\nformat = "alertmanager"\nurl = "http://127.0.0.1:{free_port()}/api/v2/alerts"\n')
    own = {"POLLWATCH_NOTIFY_TARGETS": str(targets), "POLLWATCH_NOTIFY_GROUP_ID": topic_prefix + "notify"}
    ports = {"CONSOLE_PORT": free_port(), "NOTIFY_HTTP_PORT": free_port()}
    own |= {f"POLLWATCH_{name}": str(port) for name, port in ports.items()}
    with running(deployment, "console", **own) as console, running(deployment, "notify", **own) as notify:
        for process, port in zip((console, notify), ports.values(), strict=True):
            wait_until(partial(is_ready, port), "it ready")
            assert confined_as(process.pid) == ("10001", "ro")
