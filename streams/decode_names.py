"""Names as numbers: ids as keyed hashes, names that come again and again looked up instead of worked out. Knows no record."""

from __future__ import annotations

import base64
import hashlib
import string
from collections.abc import Sequence
from itertools import islice

import numpy as np

from compiled.library import COLUMN, INTEGER, address, function
from detectors.columns import NO_OPTION, Hashes, Int32s
from detectors.senders import NO_CODE, NO_COUNTRY, Codes, Countries
from detectors.strings import Strings, strings

_hash = function("pollwatch_hashes", COLUMN, COLUMN, INTEGER, COLUMN, COLUMN)
_REMEMBERED = 1_000
_REMEMBERED_CHARACTERS = 128


class InOrder(dict[str | None, int]):
    """The numbers of names in order of first appearance; asking for a new one gives it the next. None is `NO_OPTION`."""

    def __init__(self) -> None:
        super().__init__({None: NO_OPTION})

    def __missing__(self, name: str) -> int:
        number = self[name] = len(self) - 1
        return number

    def numbers(self, names: Sequence[str | None]) -> Int32s:
        """Return the number of each name."""
        return np.fromiter(map(self.__getitem__, names), np.int32, len(names))

    def names(self) -> list[str]:
        """Return all names in order of their numbers."""
        return [name for name in self if name is not None]


class NameHashes:
    """Keyed 32-bit hashes of the names in one column, never `NO_CODE`; `NO_CODE` for None.

    The first 1,000 names of at most 128 characters are remembered: to look up one of few names takes half as long as
    to hash it, but one of many longer.
    """

    def __init__(self, hash_key: bytes) -> None:
        self._hash_key = hash_key
        self._code: dict[str | None, int] = {None: NO_CODE}

    def codes(self, names: Sequence[str | None]) -> Codes:
        """Return the hash of each name."""
        try:
            return np.fromiter(map(self._code.__getitem__, names), np.uint32, len(names))
        except KeyError:
            codes = self._hashed(names)
        if len(self._code) <= _REMEMBERED:
            self._remember(dict(zip(names, codes.tolist(), strict=True)))
        return codes

    def _hashed(self, names: Sequence[str | None]) -> Codes:
        told = [name for name in names if name is not None]
        hashes = np.maximum(hash_strings(told, self._hash_key).astype(np.uint32), 1)
        if len(told) == len(names):
            return hashes
        codes = np.full(len(names), NO_CODE, np.uint32)
        codes[[name is not None for name in names]] = hashes
        return codes

    def _remember(self, codes: dict[str | None, int]) -> None:
        room = 1 + _REMEMBERED - len(self._code)
        new = (name for name in codes if name not in self._code and len(name or "") <= _REMEMBERED_CHARACTERS)
        self._code.update({name: codes[name] for name in islice(new, room)})


def hash_strings(texts: Sequence[str], key: bytes) -> Hashes:
    """Keyed 64-bit SipHash of each string's UTF-8 bytes: whoever lacks the key cannot make two ids collide.

    The same as pandas' `hash_array` with the key as text, so whoever holds a deployment's key can work a hash out with that.
    """
    return hash_column(strings(texts), key)


def hash_column(column: Strings, key: bytes) -> Hashes:
    """Return what `hash_strings` does of a column's strings."""
    whole, word, hashes = column.contiguous(), np.frombuffer(hash_bytes(key), np.uint8), np.empty(len(column), np.uint64)
    _hash(address(whole.data), address(whole.ends), len(whole), address(word), address(hashes))
    return hashes


def hash_bytes(key: bytes) -> bytes:
    """Return the 16 bytes with which SipHash works where `key` is a deployment's: text, as pandas wants it, so 96 bits of a digest."""
    return base64.b64encode(hashlib.blake2b(key, digest_size=12).digest())


def country_codes(names: Sequence[str | None]) -> Countries:
    """Return the code of each country (`detectors.senders`), named by two letters."""
    return np.fromiter(map(_COUNTRY_CODES.__getitem__, names), np.int16, len(names))


def _country_code(name: str) -> int:
    first, second = (ord(letter) - ord("A") for letter in name.upper())
    return 26 * first + second


_COUNTRY_CODES: dict[str | None, int] = {
    a + b: _country_code(a + b) for a in string.ascii_letters for b in string.ascii_letters
} | {None: NO_COUNTRY}
