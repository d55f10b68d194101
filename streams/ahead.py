"""Lets an iterator work in a process of its own, one item ahead of who takes the items. Knows nothing of what they are."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any, TypeVar

Item = TypeVar("Item")

# a forked child has all modules loaded; elsewhere than on Linux forking is not safe beside system libraries
START = "fork" if sys.platform == "linux" else "spawn"


def ahead(items: Callable[[], Iterator[Item]]) -> Iterator[Item]:
    """Yield what `items()` yields in a child process, which makes the next item meanwhile.

    What the child raises is raised here after the items before it. Raises RuntimeError if the child was killed.
    """
    context: Any = multiprocessing.get_context(START)
    taking, giving = context.Pipe(duplex=False)
    child = context.Process(target=_give, args=(items, giving), daemon=True)
    child.start()
    giving.close()
    try:
        yield from _taken(taking)
    finally:
        child.terminate()
        child.join()
        taking.close()


def _taken(taking: Connection) -> Iterator[Item]:
    while True:
        try:
            item, error, ended = taking.recv()
        except EOFError:
            raise RuntimeError("the process that reads ahead was killed: is there enough memory?") from None
        if error is not None:
            raise error
        if ended:
            return
        yield item


def _give(items: Callable[[], Iterator[Item]], giving: Connection) -> None:
    try:
        for item in items():
            giving.send((item, None, False))
        giving.send((None, None, True))
    except Exception as error:  # noqa: BLE001  whatever it was, it is raised on the other side
        giving.send((None, error, False))
