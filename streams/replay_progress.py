"""How far a replay has come, on standard error: a bar on a terminal, a line now and then elsewhere. Knows only numbers."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from streams import replay

EVERY_S = 5.0


@contextmanager
def shown_progress() -> Iterator[replay.Progress]:
    """Yield what `replay` tells its progress to."""
    if sys.stderr.isatty():
        columns = (TextColumn("replay"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("replay", total=None)
            yield lambda lines, total: bar.update(task, completed=lines, total=total)
    else:
        yield _Plain().tell


class _Plain:
    def __init__(self) -> None:
        self._said_s = float("-inf")

    def tell(self, lines: int, total: int) -> None:
        """Print a line if the last one was a while ago, or all is sent."""
        if lines == total or time.monotonic() - self._said_s >= EVERY_S:
            self._said_s = time.monotonic()
            print(f"{lines:,} of {total:,} lines sent", file=sys.stderr, flush=True)
