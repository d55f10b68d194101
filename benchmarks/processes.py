"""What processes took: CPU seconds, peak memory, and what the rest of the machine did meanwhile. Reads /proc only."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PATIENCE_S = 20.0
_SIGN = '{"mark": '
_BUSY_FIELDS = (0, 1, 2, 5, 6)  # user, nice, system, irq, softirq of /proc/stat


@dataclass(frozen=True, slots=True)
class Reading:
    """CPU seconds so far: of what is measured, its children included, of the broker (0 when it is not ours), of the machine."""

    at_s: float
    process_cpu_s: float
    broker_cpu_s: float
    machine_cpu_s: float


@dataclass(frozen=True, slots=True)
class Usage:
    """What was taken between two readings; `other_cores` is everybody else on the machine, this process included."""

    seconds: float
    process_cpu_s: float
    broker_cpu_s: float
    other_cores: float

    @classmethod
    def between(cls, begin: Reading, end: Reading) -> Self:
        """Return the difference of two readings."""
        seconds = end.at_s - begin.at_s
        own = end.process_cpu_s - begin.process_cpu_s
        broker = end.broker_cpu_s - begin.broker_cpu_s
        other = end.machine_cpu_s - begin.machine_cpu_s - own - broker
        return cls(seconds, own, broker, other / max(seconds, 1e-9))


def read(pid: int, broker_pid: int | None) -> Reading:
    """Return what was taken up to now."""
    return Reading(
        time.time(),
        sum(map(cpu_s, tree(pid))),
        cpu_s(broker_pid) if broker_pid else 0.0,
        sum(_machine_ticks()) / _TICKS_PER_S,
    )


def tree(pid: int) -> list[int]:
    """Return a process and those that it has started, and so on: PyFlink works in a JVM of its own."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        parent = _parent(int(path.name))
        if parent is not None:
            children.setdefault(parent, []).append(int(path.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def peak_rss_bytes(pid: int) -> int:
    """Return the largest resident size a process ever had."""
    return _status_bytes(pid, "VmHWM:")


def rss_bytes(pid: int) -> int:
    """Return the resident size of a process now."""
    return _status_bytes(pid, "VmRSS:")


def _status_bytes(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(f"process {pid} has ended")


def embedded_broker_pid() -> int:
    """Return the process of the Apache Kafka that this process has started."""
    for path in Path("/proc").glob("[0-9]*"):
        if b"kafka.Kafka" in _command(path) and b"java" in _command(path).split(b"\0")[0] and _is_ours(int(path.name)):
            return int(path.name)
    raise ProcessLookupError("no Apache Kafka was started by this process")


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _is_ours(pid: int) -> bool:
    while pid > 1:
        if pid == os.getpid():
            return True
        pid = _parent(pid) or 0
    return False


def _parent(pid: int) -> int | None:
    """Return who has started it, None when it has ended."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else int(parent)


def _see_off(pid: int) -> None:
    """Wait for the end of a process whose parent was killed: Flink's JVM ends with it, and takes its files along."""
    until_s = time.monotonic() + _PATIENCE_S
    while _parent(pid) is not None and time.monotonic() < until_s:
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _machine_ticks() -> list[int]:
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    return [int(fields[number]) for number in _BUSY_FIELDS]


class Contestant:
    """A process that says on standard output, one JSON object a line, what it has come to; a context manager."""

    def __init__(
        self, module: str, arguments: Sequence[str], environment: Mapping[str, str], python: str = sys.executable
    ) -> None:
        command = [python, "-m", module, *arguments]
        self._process = subprocess.Popen(command, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        children = tree(self.pid)[1:]
        self._process.kill()
        # waits, and closes what it was told and what it said through
        with self._process:
            pass
        for pid in children:
            _see_off(pid)

    def wait_for(self, mark: str) -> dict[str, Any]:
        """Return what it says with this `mark`. Raises RuntimeError when it ends before."""
        lines: IO[str] = self._process.stdout  # type: ignore[assignment]
        for line in lines:
            # Faust writes to the terminal whatever it is told
            if _SIGN in line and (said := json.loads(line[line.index(_SIGN) :]))["mark"] == mark:
                return dict(said)
        raise RuntimeError(f"{self._process.args!r} ended before it said {mark!r}")

    def tell(self, line: str) -> None:
        """Write a line to its standard input."""
        lines: IO[str] = self._process.stdin  # type: ignore[assignment]
        lines.write(line + "\n")
        lines.flush()


def say(mark: str, **facts: Any) -> None:
    """Tell the parent."""
    # Faust makes log lines of what is printed, so past it
    print(json.dumps({"mark": mark, **facts}), flush=True, file=sys.__stdout__)
