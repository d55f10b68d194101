"""A command of Pollwatch that the demo runs as a process of its own, under the broker's keeper, which ends it when the demo is gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import deque
from pathlib import Path
from typing import Self

from config import Settings
from streams.broker import keeper

READY_WITHIN_S = 60.0
STOP_WITHIN_S = 6.0
_SECRETS = ("KAFKA_SASL_PASSWORD", "KAFKA_SSL_PASSWORD")


class ProcessError(Exception):
    """A process did not start, or died; the message is one line for the operator."""


class KeptProcess:
    """`python -m streams COMMAND` with exactly these settings, which answers at `ready` when it can work.

    Its log and settings are in `folder`; `keeps_folder` False: the folder is removed when the demo dies.
    """

    def __init__(self, command: str, settings: Settings, folder: Path, ready: str, keeps_folder: bool) -> None:
        self._command = command
        self._settings = settings
        self._folder = folder
        self._ready = ready
        self._keeps_folder = keeps_folder
        self._log = folder / f"{command}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the process; `wait_until_ready` says when it can work."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"{self._command}.toml"
        file.write_text(as_toml(self._settings), encoding="utf-8")
        command = [sys.executable, "-m", "streams", self._command, "--config", str(file)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", keeper.__file__, "" if self._keeps_folder else str(self._folder), *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Faust makes a data directory where it runs, and Ctrl-C must reach the demo alone
                cwd=self._folder,
                start_new_session=True,
                env=_environment(),
            )
        return self

    def wait_until_ready(self) -> None:
        """Return when it can work. Raises ProcessError."""
        deadline_s = time.monotonic() + READY_WITHIN_S
        while not _answers(self._ready):
            self.check()
            if time.monotonic() > deadline_s:
                raise ProcessError(f"the {self._command} was not ready within {READY_WITHIN_S:.0f} s: {self._last_words()}")
            time.sleep(0.1)

    def check(self) -> None:
        """Raise ProcessError when it is gone."""
        if self._process is None or self._process.poll() is not None:
            raise ProcessError(f"the {self._command} ended by itself: {self._last_words()}")

    def stop(self) -> None:
        """End it, by force if it takes longer than STOP_WITHIN_S; harmless when nothing runs."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _last_words(self) -> str:
        if not self._log.exists():
            return "it left no log"
        with self._log.open(errors="replace") as lines:
            last = deque((line.strip() for line in lines if line.strip()), 1)
        return last[0] if last else "it said nothing"


def as_toml(settings: Settings) -> str:
    """Return the settings, without secrets, as a settings file that can be read from any directory.

    >>> print(as_toml(Settings()).splitlines()[1])
    bootstrap_servers = "127.0.0.1:9092"
    """
    lines: list[str] = []
    for section, values in settings.dump().items():
        lines.append(f"[{section}]")
        for key, value in values.items():
            whole = str(Path(str(value)).absolute()) if key.endswith("file") and value else value
            # a JSON string, number or boolean means the same in TOML
            lines.append(f"{key} = {json.dumps(whole)}")
    return "\n".join(lines) + "\n"


def _environment() -> dict[str, str]:
    """The settings file says everything but the passwords."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("POLLWATCH_", "KAFKA_"))}
    return kept | {name: os.environ[name] for name in _SECRETS if name in os.environ}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
