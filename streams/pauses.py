"""Tells the interpreter to pause seldom: how often it looks for garbage in cycles, and how long a thread waits for its lock."""

from __future__ import annotations

import gc
import sys

_YOUNG_OBJECTS = 20_000
"""Python's 700 are made by every step: columns, which are in no cycle, and so looked through in vain."""
_WAIT_FOR_LOCK_S = 0.0005
"""Python's 5 ms are what the event loop waits whenever it has let go of the lock, in a sort or a send, while a snapshot is packed."""


def pause_seldom() -> None:
    """Set the interpreter up. Call it when everything is imported and made that will stay: that is never looked through again.

    Without this a worker at 50,000 votes/s stands still for 0.1 s every quarter of a minute.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
    sys.setswitchinterval(_WAIT_FOR_LOCK_S)
