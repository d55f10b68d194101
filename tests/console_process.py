"""`pollwatch console` as a process, asked as a browser would."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from console_site import TOKEN
from live_worker import ROOT, wait_until
from visitor import Visitor

from streams.broker.ports import free_port

PROGRAM = "import signal, sys\nfrom streams.__main__ import main\nsignal.signal(signal.SIGINT, signal.default_int_handler)\nsys.exit(main())"


@dataclass
class Running:
    """A console process, asked as a browser would."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    visitor: Visitor = field(init=False)

    def __post_init__(self) -> None:
        self.visitor = Visitor(self.url)

    def get(self, path: str, form: dict[str, str] | None = None) -> str:
        return self.visitor.get(path, form)

    def shows(self, path: str, words: str) -> None:
        wait_until(lambda: words in self.get(path), f"{words!r} on {path}")


@contextmanager
def running(environ: Mapping[str, str], folder: Path) -> Iterator[Running]:
    """Run a console with these settings, and a token; its log goes to the folder."""
    port, log, token = free_port(), folder / "console.log", folder / "token"
    token.write_text(TOKEN)
    more = {"POLLWATCH_CONSOLE_PORT": str(port), "POLLWATCH_CONSOLE_TOKEN_FILE": str(token), "PATH": "/usr/bin:/bin"}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "console"], env={**environ, **more}, cwd=ROOT, stdout=file, stderr=file
        )
    try:
        yield Running(f"http://127.0.0.1:{port}", process, log)
    finally:
        process.kill()
        process.wait()
