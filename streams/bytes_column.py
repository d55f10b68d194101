"""A column of byte strings, any of which may be missing, without a Python object for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from detectors.columns import Int64s, int64s


@dataclass(frozen=True, slots=True, eq=False)
class Bytes(Sequence[bytes | None]):
    """n byte strings: string i is `data[start[i]:end[i]]`, or None where `start[i]` is -1; in any order and with gaps.

    `data` may be part of something larger, which stays in memory as long. Indexing and iterating make Python objects, one at a
    time; on the hot path read `data`.
    """

    data: bytes | memoryview
    start: Int64s
    end: Int64s

    def __len__(self) -> int:
        return len(self.start)

    @overload
    def __getitem__(self, index: int) -> bytes | None: ...
    @overload
    def __getitem__(self, index: slice) -> Bytes: ...
    def __getitem__(self, index: int | slice) -> bytes | Bytes | None:
        if isinstance(index, slice):
            return Bytes(self.data, self.start[index], self.end[index])
        return self._at(int(self.start[index]), int(self.end[index]))

    def __iter__(self) -> Iterator[bytes | None]:
        return map(self._at, self.start.tolist(), self.end.tolist())

    def _at(self, start: int, end: int) -> bytes | None:
        return bytes(self.data[start:end]) if start >= 0 else None

    def lengths(self) -> Int64s:
        """Return the length of each string, 0 where there is none."""
        return self.end - self.start


def bytes_column(values: Iterable[bytes | None]) -> Bytes:
    """Return a column of these strings.

    >>> list(bytes_column([b"a", None, b"", b"bc"])[1:])
    [None, b'', b'bc']
    """
    told = list(values)
    lengths = np.fromiter((0 if value is None else len(value) for value in told), np.int64, len(told))
    end = np.cumsum(lengths)
    missing = np.fromiter((value is None for value in told), np.bool_, len(told))
    start, end = np.where(missing, -1, end - lengths), np.where(missing, -1, end)
    return Bytes(b"".join(value for value in told if value is not None), start, end)


NO_BYTES = Bytes(b"", int64s(), int64s())


class ByteStrings(Sequence[bytes | None]):
    """A column that grows: by single strings, or by whole columns, which become one when it is read."""

    __slots__ = ("_loose", "_parts")

    def __init__(self, column: Bytes = NO_BYTES) -> None:
        self._parts = [column]
        self._loose: list[bytes | None] = []

    def __len__(self) -> int:
        return sum(map(len, self._parts)) + len(self._loose)

    @overload
    def __getitem__(self, index: int) -> bytes | None: ...
    @overload
    def __getitem__(self, index: slice) -> ByteStrings: ...
    def __getitem__(self, index: int | slice) -> bytes | ByteStrings | None:
        return ByteStrings(self.column()[index]) if isinstance(index, slice) else self.column()[index]

    def __iter__(self) -> Iterator[bytes | None]:
        return iter(self.column())

    def append(self, value: bytes | None) -> None:
        """Add a string, or that there is none."""
        self._loose.append(value)

    def add(self, column: Bytes) -> None:
        """Add all strings of a column."""
        self._all_parts().append(column)

    def column(self) -> Bytes:
        """Return all strings so far."""
        parts = [part for part in self._all_parts() if len(part)]
        self._parts = [joined(parts)]
        return self._parts[0]

    def _all_parts(self) -> list[Bytes]:
        if self._loose:
            self._parts.append(bytes_column(self._loose))
            self._loose = []
        return self._parts


def joined(parts: Sequence[Bytes]) -> Bytes:
    """Return columns one after the other as one.

    >>> list(joined([bytes_column([b"a"]), bytes_column([None, b"b"])]))
    [b'a', None, b'b']
    """
    if len(parts) < 2:
        return parts[0] if parts else NO_BYTES
    before = np.cumsum([0, *(len(part.data) for part in parts[:-1])]).tolist()
    moved = [(np.where(part.start < 0, 0, by), part) for by, part in zip(before, parts, strict=True)]
    start, end = (np.concatenate([getattr(part, name) + by for by, part in moved]) for name in ("start", "end"))
    return Bytes(b"".join(part.data for part in parts), start, end)
