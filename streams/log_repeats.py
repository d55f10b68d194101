"""Keeps libraries from filling the log: what they say again and again, while the brokers are away, is told now and then."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection

EVERY_S = 10.0
_MOST_KINDS = 1_000


class Repeats(logging.Filter):
    """Lets a message of these libraries through once in `EVERY_S`, and says how many like it were left out since.

    Alike are messages of one logger, level and format, whatever their arguments. It holds at most 1,000 kinds; when there
    are more, all are told again. What others log passes untouched.
    """

    def __init__(self, libraries: Collection[str], now_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._libraries = libraries
        self._now_s = now_s
        self._told: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a message is to be told."""
        if record.name.partition(".")[0] not in self._libraries:
            return True
        kind, now_s = (record.name, record.levelno, str(record.msg)), self._now_s()
        told_s, left_out = self._told.get(kind, (now_s - EVERY_S, 0))
        if now_s - told_s < EVERY_S:
            self._told[kind] = told_s, left_out + 1
            return False
        if len(self._told) >= _MOST_KINDS:
            self._told.clear()
        self._told[kind] = now_s, 0
        if left_out:
            record.msg, record.args = f"{record.getMessage()} (left out {left_out} like it)", ()
        return True
