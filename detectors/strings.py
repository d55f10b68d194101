"""A column of strings without a Python object for each: UTF-8 bytes end to end, and where each string ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Int64s, int64s


@dataclass(frozen=True, slots=True)
class Strings:
    """n strings: string i is `data[ends[i - 1]:ends[i]]`, the first one begins at 0."""

    data: NDArray[np.uint8]
    ends: Int64s

    def __len__(self) -> int:
        return len(self.ends)

    def take(self, rows: Any) -> Strings:
        """Return the strings that a slice, a mask or an array of indices selects.

        >>> strings(["a", "bcd", "ef"]).take([2, 1]).texts()
        ['ef', 'bcd']
        """
        if isinstance(rows, slice) and rows.step in (None, 1):
            return self._part(*rows.indices(len(self))[:2])
        ends = self.ends[rows]
        starts = np.concatenate(([0], self.ends[:-1]))[rows] if len(self.ends) else ends
        lengths = ends - starts
        new_ends = np.cumsum(lengths)
        shift = np.repeat(starts - (new_ends - lengths), lengths)
        return Strings(self.data[shift + np.arange(len(shift))], new_ends)

    def _part(self, start: int, stop: int) -> Strings:
        ends = self.ends[start:stop]
        first = int(self.ends[start - 1]) if start else 0
        return Strings(self.data[first : int(ends[-1])], ends - first) if len(ends) else NO_STRINGS

    def texts(self) -> list[str]:
        """Return the strings as text."""
        data, ends = self.data.tobytes(), self.ends.tolist()
        return [data[a:b].decode() for a, b in zip([0, *ends[:-1]], ends, strict=True)] if ends else []


def strings(texts: Sequence[str]) -> Strings:
    """Return a column of these texts."""
    joined = "".join(texts)
    if joined.isascii():
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        return Strings(np.frombuffer(joined.encode("ascii"), np.uint8), np.cumsum(lengths))
    parts = [text.encode() for text in texts]
    lengths = np.fromiter(map(len, parts), np.int64, len(parts))
    return Strings(np.frombuffer(b"".join(parts), np.uint8), np.cumsum(lengths))


NO_STRINGS = Strings(np.zeros(0, np.uint8), int64s())


def joined(parts: Iterable[Strings]) -> Strings:
    """Return columns one after the other as one.

    >>> joined([strings(["ä"]), strings([]), strings(["b", ""])]).texts()
    ['ä', 'b', '']
    """
    columns = [part for part in parts if len(part)]
    if len(columns) < 2:
        return columns[0] if columns else NO_STRINGS
    offsets = np.cumsum([0, *(len(part.data) for part in columns[:-1])])
    ends = [part.ends + offset for part, offset in zip(columns, offsets.tolist(), strict=True)]
    return Strings(np.concatenate([part.data for part in columns]), np.concatenate(ends))
