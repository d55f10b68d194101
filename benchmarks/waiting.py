"""Waiting for a condition, with a deadline and a reason."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE_S = 60.0
_ASK_EVERY_S = 0.1


def wait_until(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> None:
    """Return when `condition` is true; raises AssertionError when it was not for so long."""
    deadline_s = time.monotonic() + patience_s
    while not (last := condition()):
        if time.monotonic() >= deadline_s:
            raise AssertionError(f"not within {patience_s:.0f} s: {what}; last {last!r}")
        time.sleep(_ASK_EVERY_S)
