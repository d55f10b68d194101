"""Which texts are copies of which: sketches put into families, without comparing all with all.

Each of `BANDS` runs of three numbers of a sketch is a key (locality-sensitive hashing, Indyk and Motwani, STOC 1998): texts
that share a key are compared, those that resemble each other become one family. With resemblance .35 a text finds
another with probability .6, with .6 in 99 of 100 cases; a family soon has several examples to be found by.
At most `most` examples are kept, 0.6 kB each with their keys: 16,384 hold 10 MB. Those that nobody copied go first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.columns import Bools, Hashes, Int64s, int64s
from detectors.keyed_table import KeyedTable, mix
from detectors.senders import SKETCH_WIDTH, Sketches
from detectors.sketch import BINS, bins, resemblance

BAND = 3
BANDS = BINS // BAND
_AT_ONCE = 4_096


class Texts:
    """Examples of texts: `serial` names each for ever, `family` is the serial of its family's first example."""

    def __init__(self, least: float, most: int) -> None:
        self._least = least
        self._most = most
        self.next_serial = 0
        self._sketch: Sketches = np.zeros((0, SKETCH_WIDTH), np.uint32)
        self._serial, self._family, self._copies = int64s(), int64s(), int64s()
        self._owner = KeyedTable({"example": "i8"})

    def __len__(self) -> int:
        return len(self._serial)

    def add(self, sketches: Sketches) -> Int64s:
        """Return the serial of an example that each text is a copy of, or that it became itself."""
        parts = [self._add(sketches[i : i + _AT_ONCE]) for i in range(0, len(sketches), _AT_ONCE)]
        return np.concatenate(parts) if parts else int64s()

    def families(self, serial: Int64s) -> Int64s:
        """Return the family of each example, -1 for one that was forgotten."""
        if not len(self._serial):
            return np.full(len(serial), -1, np.int64)
        place = np.minimum(np.searchsorted(self._serial, serial), len(self._serial) - 1)
        return np.where(self._serial[place] == serial, self._family[place], -1)

    def is_copied(self, family: Int64s) -> Bools:
        """Tell of each family whether more than one reply was of it."""
        names, place = np.unique(self._family, return_inverse=True)
        copied = names[np.bincount(place.ravel(), weights=self._copies, minlength=len(names)) > 1]
        return np.isin(family, copied)

    def _add(self, sketches: Sketches) -> Int64s:
        distinct, of = _distinct(sketches)
        row, key = _band_keys(distinct)
        slot = self._owner.find(key)
        known = slot >= 0
        found = self._matched(distinct, row[known], self._owner.values["example"][slot[known]])
        new = found < 0
        found[new] = len(self._serial) + np.arange(np.count_nonzero(new))
        self._append(distinct[new])
        rest = new[row] & ~known
        self._claim(found[row[rest]], key[rest])
        np.add.at(self._copies, found, np.bincount(of, minlength=len(distinct)))
        serial = self._serial[found]
        self._forget_some()
        return serial[of]

    def _matched(self, sketches: Sketches, row: Int64s, example: Int64s) -> Int64s:
        """Return the place of the example each text resembles most, or -1; families it resembles become one."""
        row, example = _distinct_pairs(row, example)
        like = resemblance(sketches[row], self._sketch[example])
        row, example, like = row[like >= self._least], example[like >= self._least], like[like >= self._least]
        best = np.full(len(sketches), -1, np.int64)
        order = np.lexsort((-example, like))
        best[row[order]] = example[order]
        self._unite(best[row], example)
        return best

    def _append(self, sketches: Sketches) -> None:
        serial = self.next_serial + np.arange(len(sketches))
        self.next_serial += len(sketches)
        self._serial = np.concatenate((self._serial, serial))
        self._family = np.concatenate((self._family, serial))
        self._copies = np.concatenate((self._copies, np.zeros(len(sketches), np.int64)))
        self._sketch = np.concatenate((self._sketch, sketches))

    def _claim(self, example: Int64s, keys: Hashes) -> None:
        """Give each of these keys to the first of the examples that has it; the others may be of its family."""
        wanted, first, of = np.unique(keys, return_index=True, return_inverse=True)
        slots = self._owner.insert(wanted)
        self._owner.values["example"][slots] = example[first]
        later, owner = _distinct_pairs(example, example[first][of.ravel()])
        like = resemblance(self._sketch[later], self._sketch[owner]) >= self._least
        self._unite(later[like], owner[like])

    def _unite(self, one: Int64s, other: Int64s) -> None:
        apart = self._family[one] != self._family[other]
        if apart.any():
            a, b = self._family[one[apart]], self._family[other[apart]]
            old, new = united(a, b)
            place = np.minimum(np.searchsorted(old, self._family), len(old) - 1)
            self._family = np.where(old[place] == self._family, new[place], self._family)

    def _forget_some(self) -> None:
        if len(self._serial) <= self._most:
            return
        rank = np.lexsort((self._serial, self.is_copied(self._family)))
        keep = np.sort(rank[len(rank) - self._most * 3 // 4 :])
        self._sketch, self._serial = self._sketch[keep], self._serial[keep]
        self._family, self._copies = self._family[keep], self._copies[keep]
        self._owner = KeyedTable({"example": "i8"})
        example, keys = _band_keys(self._sketch)
        self._claim(example, keys)

    def snapshot(self) -> dict[str, Any]:
        """Return the examples as plain data."""
        owned, values = self._owner.entries()
        return {
            "next": self.next_serial,
            "sketch": self._sketch.tobytes(),
            "serial": self._serial.tobytes(),
            "family": self._family.tobytes(),
            "copies": self._copies.tobytes(),
            "keys": owned.tobytes(),
            "owners": values["example"].tobytes(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` returned."""
        self.next_serial = state["next"]
        self._sketch = np.frombuffer(state["sketch"], np.uint32).reshape(-1, SKETCH_WIDTH)
        self._serial, self._family, self._copies = (
            np.frombuffer(state[name], np.int64).copy() for name in ("serial", "family", "copies")
        )
        self._owner = KeyedTable({"example": "i8"})
        self._owner.replace(
            np.frombuffer(state["keys"], np.uint64), {"example": np.frombuffer(state["owners"], np.int64)}
        )


def united(one: Int64s, other: Int64s) -> tuple[Int64s, Int64s]:
    """Return all names in two columns, sorted, and the smallest name that each is linked to through the pairs.

    >>> united(np.array([3, 7, 9]), np.array([5, 3, 9]))
    (array([3, 5, 7, 9]), array([3, 3, 3, 9]))
    """
    names, place = np.unique(np.concatenate((one, other)), return_inverse=True)
    a, b = np.split(place.ravel(), 2)
    root = np.arange(len(names))
    while (apart := root[a] != root[b]).any():
        high, low = np.maximum(root[a], root[b])[apart], np.minimum(root[a], root[b])[apart]
        np.minimum.at(root, high, low)
        while (root[root] != root).any():
            root = root[root]
    return names, names[root]


def _band_keys(sketches: Sketches) -> tuple[Int64s, Hashes]:
    """Return rows and their keys, at most `BANDS` a row: none for a run in which a number is missing."""
    values = bins(sketches)[:, : BAND * BANDS].reshape(-1, BANDS, BAND).astype(np.uint64)
    row, band = np.nonzero((values != 0).all(axis=2))
    told = values[row, band]
    packed = told[:, 0] << np.uint64(32) | told[:, 1] << np.uint64(16) | told[:, 2]
    return row, mix(packed, band)


def _distinct_pairs(one: Int64s, other: Int64s) -> tuple[Int64s, Int64s]:
    """Return each pair of numbers once."""
    pair = np.unique(one << 32 | other)
    return pair >> 32, pair & 0xFFFF_FFFF


def _distinct(sketches: Sketches) -> tuple[Sketches, Int64s]:
    """Return each sketch once, in order, and the place of each text's among them."""
    whole, width = np.ascontiguousarray(sketches).tobytes(), 4 * SKETCH_WIDTH
    places: dict[bytes, int] = {}
    of = [places.setdefault(whole[at : at + width], len(places)) for at in range(0, len(whole), width)]
    _, once = np.unique(of, return_index=True)
    return sketches[once], int64s(of)
