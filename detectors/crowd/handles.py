"""What a handle is made of, as three small codes: its stem, its shape, its pattern. It knows no account and judges nothing.

Of "Maria_k_0017" the stem is "maria_k_#" (letters kept, digits not), the shape 5 letters, _, 1 letter, _, 4 digits, the
pattern the same without the letters' numbers. Independent people share none of them often; accounts that one generator named
share one. A handle of fewer than three letters is taken for a number that the platform gave, which says nothing.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Hashes, Int64s
from detectors.keyed_table import mix
from detectors.strings import Strings

HandleCodes: TypeAlias = NDArray[np.uint16]

KINDS = ("stem", "shape", "pattern")
BUCKETS = 1 << 14
UNREAD, SAYS_NOTHING = 0, 1
"""Codes of a handle that was not looked at, and of one that says nothing; what says something has a greater one."""

_LEAST_LETTERS = 3
_MOST_LENGTH = 128
_DIGIT, _LETTER = 1, 2
_BYTES = np.arange(256)
_IS_DIGIT = np.isin(_BYTES, list(b"0123456789"))
_IS_CAPITAL = np.isin(_BYTES, list(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
_FOLDED = np.where(_IS_CAPITAL, _BYTES + 32, np.where(_IS_DIGIT, ord("0"), _BYTES))
# bytes from 128 on are parts of letters of other alphabets
_IS_LETTER = np.isin(_FOLDED, list(b"abcdefghijklmnopqrstuvwxyz")) | (_BYTES >= 128)
_CLASS = np.where(_IS_DIGIT, _DIGIT, np.where(_IS_LETTER, _LETTER, _BYTES)).astype(np.uint8)
_BYTE_TOKEN = mix(_FOLDED.astype(np.uint64), 1)
_RUN_TOKEN = mix(np.arange(256 * (_MOST_LENGTH + 1), dtype=np.uint64), 2)
_PLACE = mix(np.arange(_MOST_LENGTH, dtype=np.uint64), 3) | np.uint64(1)


def handle_codes(ids: Strings) -> HandleCodes:
    """Return the codes of n account ids, 3 x n: in 2 to `BUCKETS` - 1, or `SAYS_NOTHING`.

    >>> from detectors.strings import strings
    >>> codes = handle_codes(strings(["maria_k_0001", "Maria_K_82", "julia_b_0007", "u123456"]))
    >>> (codes[:, :1] == codes[:, 1:3]).tolist(), codes[:, 3].tolist()
    ([[True, False], [False, True], [False, True]], [1, 1, 1])
    """
    codes = np.full((len(KINDS), len(ids)), SAYS_NOTHING, np.uint16)
    whole = ids.contiguous()
    length = np.diff(whole.ends, prepend=0)
    told = np.flatnonzero(length)
    if len(told):
        data, starts = whole.data[: int(whole.ends[-1])], (whole.ends - length)[told]
        kind = _CLASS[data]
        letters = np.add.reduceat((kind == _LETTER).astype(np.int64), starts)
        for row, code in enumerate(_codes(data, kind, starts)):
            codes[row, told] = np.where(letters < _LEAST_LETTERS, SAYS_NOTHING, code)
    return codes


def _codes(data: NDArray[np.uint8], kind: NDArray[np.uint8], starts: Int64s) -> list[HandleCodes]:
    new = np.append(True, kind[1:] != kind[:-1])
    new[starts] = True
    kept = np.flatnonzero(new | (kind != _DIGIT))
    run = np.flatnonzero(new)
    length = np.minimum(np.diff(run, append=len(data)), _MOST_LENGTH)
    of = kind[run].astype(np.int64)
    exact = of * (_MOST_LENGTH + 1) + length
    loose = np.where(of == _LETTER, _LETTER * (_MOST_LENGTH + 1), exact)
    first_run = run.searchsorted(starts)
    stem = _summed(_BYTE_TOKEN[data[kept]], kept.searchsorted(starts))
    return [stem, _summed(_RUN_TOKEN[exact], first_run), _summed(_RUN_TOKEN[loose], first_run)]


def _summed(tokens: Hashes, first: Int64s) -> HandleCodes:
    """Return a code for each handle, of the tokens from one `first` to the next: each counts by its place."""
    place = np.arange(len(tokens)) - np.repeat(first, np.diff(first, append=len(tokens)))
    hashes = np.add.reduceat(tokens * _PLACE[place % _MOST_LENGTH], first) >> np.uint64(50)
    codes: HandleCodes = np.maximum(hashes, np.uint64(SAYS_NOTHING + 1)).astype(np.uint16)
    return codes
