"""A column of strings without a Python object for each: UTF-8 bytes end to end, and where each string ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiled.library import COLUMN, INTEGER, address, function
from detectors.columns import Bools, Int64s, int64s

_pick = function("pollwatch_strings", COLUMN, INTEGER, COLUMN, COLUMN, INTEGER, COLUMN, INTEGER, COLUMN)


@dataclass(frozen=True, slots=True)
class Strings:
    """n strings: string i is `data[ends[i - 1]:ends[i]]`, the first one begins at 0.

    With `starts` it is a view, of which string i is `data[starts[i]:ends[i]]`, in any order and with gaps: cheap to
    pick from again and again, while all of `data` stays in memory. Only a column without `starts` may be stored.
    """

    data: NDArray[np.uint8]
    ends: Int64s
    starts: Int64s | None = None

    def __len__(self) -> int:
        return len(self.ends)

    def view(self, rows: Any) -> Strings:
        """Return the strings that a slice, a mask or an array of indices selects, without copying one.

        >>> strings(["a", "bcd", "ef"]).view([2, 1]).view([0]).texts()
        ['ef']
        """
        return Strings(self.data, self.ends[rows], self._starts()[rows])

    def take(self, rows: Any) -> Strings:
        """Return the strings that a slice, a mask or an array of indices selects, end to end."""
        if self.starts is None and isinstance(rows, slice) and rows.step in (None, 1):
            return self._part(*rows.indices(len(self))[:2])
        return self.view(rows).contiguous()

    def without(self, rows: Bools) -> Strings:
        """Return a copy, end to end, in which these strings are empty.

        >>> strings(["a", "bcd", "ef"]).without(np.array([False, True, False])).texts()
        ['a', '', 'ef']
        """
        whole = self.contiguous()
        starts, used = whole._starts(), int(whole.ends[-1]) if len(whole) else 0
        depth = np.zeros(used + 1, np.int8)
        np.add.at(depth, starts[rows], 1)
        np.add.at(depth, whole.ends[rows], -1)
        left = depth[:used].cumsum(dtype=np.int8) == 0
        return Strings(whole.data[:used][left], whole.ends - np.where(rows, whole.ends - starts, 0).cumsum())

    def contiguous(self) -> Strings:
        """Return the same strings end to end."""
        if self.starts is None:
            return self
        data = np.ascontiguousarray(self.data)
        starts, ends = (np.ascontiguousarray(of, np.int64) for of in (self.starts, self.ends))
        picked, its_ends = np.empty(int((ends - starts).sum()), np.uint8), np.empty(len(ends), np.int64)
        given = address(data), len(data), address(starts), address(ends), len(ends)
        if _pick(*given, address(picked), len(picked), address(its_ends)) < len(picked):
            raise ValueError("a string does not lie in its column")
        return Strings(picked, its_ends)

    def texts(self) -> list[str]:
        """Return the strings as text."""
        whole = self.contiguous()
        data, ends = whole.data.tobytes(), whole.ends.tolist()
        return [data[a:b].decode() for a, b in zip([0, *ends[:-1]], ends, strict=True)] if ends else []

    def _starts(self) -> Int64s:
        if self.starts is not None:
            return self.starts
        starts = np.zeros_like(self.ends)
        starts[1:] = self.ends[:-1]
        return starts

    def _part(self, start: int, stop: int) -> Strings:
        ends = self.ends[start:stop]
        first = int(self.ends[start - 1]) if start else 0
        return Strings(self.data[first : int(ends[-1])], ends - first) if len(ends) else NO_STRINGS


def strings(texts: Sequence[str]) -> Strings:
    """Return a column of these texts."""
    together = "".join(texts)
    if together.isascii():
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        return Strings(np.frombuffer(together.encode("ascii"), np.uint8), np.cumsum(lengths))
    parts = [text.encode() for text in texts]
    lengths = np.fromiter(map(len, parts), np.int64, len(parts))
    return Strings(np.frombuffer(b"".join(parts), np.uint8), np.cumsum(lengths))


NO_STRINGS = Strings(np.zeros(0, np.uint8), int64s())


def joined(parts: Iterable[Strings]) -> Strings:
    """Return columns one after the other as one; a view if one of them is.

    >>> joined([strings(["ä"]), strings([]), strings(["b", "", "c"]).view([2])]).texts()
    ['ä', 'c']
    """
    columns = [part for part in parts if len(part)]
    if len(columns) < 2:
        return columns[0] if columns else NO_STRINGS
    offsets = np.cumsum([0, *(len(part.data) for part in columns[:-1])]).tolist()
    data = np.concatenate([part.data for part in columns])
    ends = np.concatenate([part.ends + offset for part, offset in zip(columns, offsets, strict=True)])
    if all(part.starts is None for part in columns):
        return Strings(data, ends)
    starts = [part._starts() + offset for part, offset in zip(columns, offsets, strict=True)]
    return Strings(data, ends, np.concatenate(starts))
