"""A hash table over 64-bit keys that is read and written a column at a time; it knows nothing of what the keys mean.

Open addressing with linear probing, Fibonacci hashing (`compiled/keyed_table.c`). The table grows by half when it is 70 % full, so it holds between 11 and 18 bytes a
key, and each value column adds its own width times 1.4 to 2.2. One key (2**64 - 1) stands for an empty place and is folded
into its neighbour.

Whoever knows the key of the hashes can choose ids that all want one place. The table counts the steps that keys take beyond
what is usual; when they are as many as it has places, it is laid out anew by a multiplier that all its keys together
decide, so that they cannot have been chosen for it. Where entries lie decides nothing, and their order means nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors import places
from detectors.columns import Bools, Hashes, Int64s

_EMPTY = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_SMALLEST = 1 << 10
_MAX_LOAD = 0.7
_ODD = np.uint64(0x9E37_79B9_7F4A_7C15)
_USUAL_STEPS = 8
"""Steps beyond its first place that a key may take without being noticed: the mean is 5 for an absent one at 70 %."""
_UNBOUNDED = 1 << 62


def mix(keys: Hashes, salt: int | Int64s) -> Hashes:
    """Return `keys` mixed with `salt` (one for all, or one each) into new 64-bit keys.

    The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014, figure 2), a bijection of key + salt * odd.
    """
    salted = np.asarray(salt).astype(np.uint64) * _ODD
    z = keys + salted
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    mixed: Hashes = z ^ (z >> np.uint64(31))
    return mixed


class KeyedTable:
    """Distinct 64-bit keys, each with one row of the value columns named in `columns` (name to dtype).

    `slots` are positions in the value columns; they hold until anything else is asked of the table.
    """

    def __init__(self, columns: dict[str, str] | None = None) -> None:
        self._dtypes = dict(columns or {})
        self._count = 0
        self._odd = _ODD
        self._strain = 0
        self._allocate(_SMALLEST)

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        """Bytes held by the key and value columns."""
        return int(self._keys.nbytes) + sum(int(c.nbytes) for c in self.values.values())

    def find(self, keys: Hashes) -> Int64s:
        """Return the slot of each key, or -1."""
        slots, done = self._find(keys, self._most_steps(len(keys)))
        if done < len(keys):
            self._scatter(keys[:0])
            slots, _ = self._find(keys)
        self._rest(len(keys))
        return slots

    def contains(self, keys: Hashes) -> Bools:
        """Tell for each key whether it is in the table."""
        return self.find(keys) >= 0

    def insert(self, keys: Hashes) -> Int64s:
        """Add `keys`, which are distinct and absent, and return their slots; value columns hold zeros there."""
        return self.enter(keys)[0]

    def enter(self, keys: Hashes) -> tuple[Int64s, Bools]:
        """Return the slot of each of these keys, and which were absent: those are added, with zeros there.

        Of equal keys the first one alone can have been absent.
        """
        self.reserve(len(keys))
        slots, new, done = self._enter(keys, self._most_steps(len(keys)))
        if done < len(keys):
            self._scatter(keys[done:])
            new[done:] = self._enter(keys[done:])[1]
            slots = self._find(keys)[0]
        self._rest(len(keys))
        self._count += int(np.count_nonzero(new))
        return slots, new

    def reserve(self, more: int) -> None:
        """Make room for so many more keys at once, instead of step by step."""
        if (self._count + more) > _MAX_LOAD * len(self._keys):
            self._move(self._size_for(self._count + more, len(self._keys)))

    def entries(self) -> tuple[Hashes, dict[str, NDArray[Any]]]:
        """Return copies of all keys and their values, in no particular order."""
        packed = self.packed()
        keys = np.frombuffer(packed.pop("key"), np.uint64)
        return keys, {name: np.frombuffer(column, self._dtypes[name]) for name, column in packed.items()}

    def packed(self) -> dict[str, bytearray]:
        """Return `key` and the value columns of all entries as bytes."""
        columns = {"key": self._keys, **self.values}
        return {name: places.compact(self._keys, column, self._count) for name, column in columns.items()}

    def keep(self, kept: Bools) -> None:
        """Forget the entries whose slots are not `kept`; the others get other slots."""
        kept = kept & (self._keys != _EMPTY)
        self._count = int(np.count_nonzero(kept))
        self._move(self._size_for(self._count, _SMALLEST), kept)

    def replace(self, keys: Hashes, values: dict[str, NDArray[Any]]) -> None:
        """Forget everything and hold these distinct keys with these values instead."""
        self._count = len(keys)
        self._allocate(self._size_for(len(keys), _SMALLEST))
        slots = self._fill(keys)
        for name, column in values.items():
            self.values[name][slots] = column

    def _allocate(self, size: int) -> None:
        self._keys = np.full(size, _EMPTY, dtype=np.uint64)
        self.values: dict[str, NDArray[Any]] = {n: np.zeros(size, dtype=d) for n, d in self._dtypes.items()}

    def _find(self, keys: Hashes, most_steps: int = _UNBOUNDED) -> tuple[Int64s, int]:
        """Return the slot of each key, or -1, and how many were looked for before it came to be too much."""
        slots, done, steps = places.find(self._keys, int(self._odd), keys, most_steps)
        self._strain += steps
        return slots, done

    def _enter(self, keys: Hashes, most_steps: int = _UNBOUNDED) -> tuple[Int64s, Bools, int]:
        """Place keys; return their slots, which were absent, and how many are placed before it came to be too much."""
        slots, new, done, steps = places.enter(self._keys, int(self._odd), keys, most_steps)
        self._strain += steps
        return slots, new, done

    def _most_steps(self, keys: int) -> int:
        """Return how many steps a call with so many keys may take."""
        return len(self._keys) + _USUAL_STEPS * keys - self._strain

    def _rest(self, keys: int) -> None:
        """Leave out of the strain what is usual for so many keys."""
        self._strain = max(0, self._strain - _USUAL_STEPS * keys)

    def _scatter(self, coming: Hashes) -> None:
        """Lay the table out by another multiplier, which its keys and those that come decide together."""
        self._odd = _odd_of(np.concatenate((mix(self._keys[self._keys != _EMPTY], 1), mix(coming, 2))))
        self._strain = 0
        self._move(len(self._keys))

    @staticmethod
    def _size_for(count: int, size: int) -> int:
        """Return `size`, grown until it takes `count` keys."""
        while count > _MAX_LOAD * size:
            size += size // 2
        return size

    def _move(self, size: int, kept: Bools | None = None) -> None:
        """Give the entries, or those whose slots are `kept`, places in a table of another size.

        Keys that come from a table want places in nearly that order: it takes little.
        """
        old, where = self._keys, np.empty(len(self._keys), np.int32) if self.values else None
        self._keys = np.full(size, _EMPTY, dtype=np.uint64)
        if not places.move(old, kept, self._keys, int(self._odd), size + _USUAL_STEPS * self._count, where):
            self._odd = _odd_of(mix(old[old != _EMPTY], 1))
            self._keys.fill(_EMPTY)
            places.move(old, kept, self._keys, int(self._odd), _UNBOUNDED, where)
        if where is not None:
            # one column after the other, so that only one is held twice
            for name, column in self.values.items():
                self.values[name] = np.zeros(size, dtype=column.dtype)
                places.follow(column, where, self.values[name])

    def _fill(self, keys: Hashes) -> Int64s:
        """Place distinct keys in an empty table; return their slots."""
        slots, _, done, _ = places.enter(self._keys, int(self._odd), keys, len(self._keys) + _USUAL_STEPS * len(keys))
        if done < len(keys):
            self._odd = _odd_of(mix(keys, 1))
            self._keys.fill(_EMPTY)
            slots = places.enter(self._keys, int(self._odd), keys, _UNBOUNDED)[0]
        return slots


def _odd_of(mixed: Hashes) -> np.uint64:
    """Return a multiplier that all these keys decide together."""
    return np.uint64(mix(mixed.sum(keepdims=True), 3)[0] | np.uint64(1))
