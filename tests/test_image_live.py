"""A worker on a real Kafka, let to do no more than the image and the chart let it do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from live_worker import ROOT, Deployment, Feed, WorkerProcess
from recorded_traffic import recording

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
