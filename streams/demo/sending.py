"""Sends the story in a thread of its own, and stops within a second when it is told to."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from config import Settings
from streams.replay import replay

_STOP_WITHIN_S = 5.0


class _Stopped(Exception):
    """Somebody wants the replay to end early."""


class Sending:
    """A replay in the background; leaving the context stops it. `sent` counts the lines handed over so far."""

    def __init__(self, recording: Path, settings: Settings, speed: float) -> None:
        self.sent = 0
        self._stop = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._send, args=(recording, settings, speed), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(_STOP_WITHIN_S)

    def done(self) -> bool:
        """Tell whether everything was sent. Raises what went wrong while it was."""
        if self._error is not None:
            raise self._error
        return not self._thread.is_alive()

    def _send(self, recording: Path, settings: Settings, speed: float) -> None:
        try:
            replay(recording, settings, speed, False, self._tell)
        except _Stopped:
            pass
        except Exception as error:  # noqa: BLE001  the thread that watches raises it
            self._error = error

    def _tell(self, sent: int, total: int) -> None:
        if self._stop.is_set():
            raise _Stopped
        self.sent = sent
