"""A process that works ahead."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from streams.ahead import ahead
from streams.recording import RecordingError


def _squares() -> Iterator[int]:
    yield from (n * n for n in range(5))


def _until_damage() -> Iterator[int]:
    yield 1
    raise RecordingError("x.gz: cut off")


def _killed() -> Iterator[int]:
    yield 1
    os.kill(os.getpid(), signal.SIGKILL)


def _where() -> Iterator[int]:
    yield os.getpid()


def test_items_come_in_order_from_another_process() -> None:
    assert list(ahead(_squares)) == [0, 1, 4, 9, 16]
    assert next(ahead(_where)) != os.getpid()


def test_what_it_raises_is_raised_after_the_items_before() -> None:
    items = ahead(_until_damage)
    assert next(items) == 1
    with pytest.raises(RecordingError, match=r"x\.gz: cut off"):
        next(items)


def test_a_killed_process_is_told() -> None:
    items = ahead(_killed)
    with pytest.raises(RuntimeError, match="was killed"):
        list(items)


def test_who_stops_taking_leaves_no_process() -> None:
    items = ahead(_where)
    child = next(items)
    items.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
