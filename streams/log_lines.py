"""How a log line looks: whatever a stranger's text in it holds, it is one line, and the terminal that shows it obeys nothing."""

from __future__ import annotations

import logging
from collections.abc import Collection
from types import TracebackType

from streams.log_repeats import Repeats
from streams.terminal import visible

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_Told = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class VisibleLines(logging.Formatter):
    """Writes out what can't be seen, in messages and in the lines of tracebacks."""

    def __init__(self) -> None:
        super().__init__(_FORMAT)

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line without its traceback."""
        record.message = visible(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: _Told) -> str:
        """Return a traceback, in which the text of the error may come from a stranger."""
        return "\n".join(map(visible, super().formatException(ei).splitlines()))


def log_to_stderr(level: str, libraries: Collection[str]) -> None:
    """Let every logger write to standard error what is at least of this level; of `libraries` warnings at least, and no repeats."""
    handler = logging.StreamHandler()
    handler.setFormatter(VisibleLines())
    logging.basicConfig(level=level, handlers=[handler])
    # they tell of every fetch and every rebalance below this level, and of every try to reach a broker at it
    for library in libraries:
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.getLogger().level))
    for each in logging.getLogger().handlers:
        each.addFilter(Repeats(libraries))
