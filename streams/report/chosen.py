"""An even choice of few among many, in one pass: the values whose numbers are the smallest. Knows no vote."""

from __future__ import annotations

from heapq import heappush, heapreplace
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Chosen(Generic[Value]):
    """At most `most` values. With hashes for numbers all are equally likely, whatever order they come in.

    >>> chosen = Chosen(2)
    >>> for number in (5, 9, 1):
    ...     chosen.offer(number, f"value {number}")
    >>> chosen.values()
    ['value 1', 'value 5']
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._heap: list[tuple[int, Value]] = []

    def offer(self, number: int, value: Value) -> None:
        """Take a value if it is chosen; no two have the same number."""
        if len(self._heap) < self._most:
            heappush(self._heap, (-number, value))
        elif number < -self._heap[0][0]:
            heapreplace(self._heap, (-number, value))

    def values(self) -> list[Value]:
        """Return the chosen values, in order of their numbers."""
        return [value for _, value in sorted(self._heap, key=lambda entry: -entry[0])]
