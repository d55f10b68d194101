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
from detectors.crowd.tallied import lengths
from detectors.keyed_table import mix
from detectors.strings import Strings

Handles: TypeAlias = NDArray[np.uint64]
"""Each the three codes of one handle, 16 bits each."""

KINDS = ("stem", "shape", "pattern")
BUCKETS = 1 << 14
UNREAD = np.uint64(0)
SAYS_NOTHING = 1
"""The code of a handle that says nothing; what says something has a greater one, what was not looked at is `UNREAD`."""

_BITS = np.uint64(16)
_CODE = np.uint64((1 << 16) - 1)
_FIRST = np.zeros(1, np.int64)
_NOTHING = np.uint64(SAYS_NOTHING * (1 + (1 << 16) + (1 << 32)))

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


def read_handles(ids: Strings) -> Handles:
    """Return the codes of n account ids; each is in 2 to `BUCKETS` - 1, or `SAYS_NOTHING`.

    >>> from detectors.strings import strings
    >>> handles = read_handles(strings(["maria_k_0001", "Maria_K_82", "julia_b_0007", "u123456"]))
    >>> [(codes(handles, kind)[:1] == codes(handles, kind)[1:]).tolist() for kind in (0, 1, 2)]
    [[True, False, False], [False, True, False], [False, True, False]]
    >>> codes(handles, 0)[3]
    np.int64(1)
    """
    handles = np.full(len(ids), _NOTHING)
    whole = ids.contiguous()
    begins = np.concatenate([_FIRST, whole.ends[:-1]])[: len(ids)]
    told = (begins < whole.ends).nonzero()[0]
    if len(told):
        data, starts = whole.data[: int(whole.ends[-1])], begins[told]
        kind = _CLASS[data]
        letters = np.add.reduceat(kind == _LETTER, starts, dtype=np.int64)
        stem, shape, pattern = _codes(data, kind, starts)
        packed = stem | shape << _BITS | pattern << (_BITS + _BITS)
        handles[told] = np.where(letters < _LEAST_LETTERS, _NOTHING, packed)
    return handles


def codes(handles: Handles, kind: int) -> Int64s:
    """Return the code of each handle of a kind, a number of `KINDS`: 0 where it is unread."""
    return (handles >> np.uint64(16 * kind) & _CODE).astype(np.int64)


def _codes(data: NDArray[np.uint8], kind: NDArray[np.uint8], starts: Int64s) -> tuple[Handles, Handles, Handles]:
    new = np.empty(len(data), np.bool_)
    np.not_equal(kind[1:], kind[:-1], out=new[1:])
    new[starts] = True
    kept, run = (new | (kind != _DIGIT)).nonzero()[0], new.nonzero()[0]
    length = np.minimum(lengths(run, len(data)), _MOST_LENGTH)
    of = kind[run].astype(np.int64)
    exact = of * (_MOST_LENGTH + 1) + length
    loose = np.where(of == _LETTER, _LETTER * (_MOST_LENGTH + 1), exact)
    first_kept, first_run = kept.searchsorted(starts), run.searchsorted(starts)
    by_place = _weights(first_run, len(run))
    return (
        _code(_BYTE_TOKEN[data[kept]] * _weights(first_kept, len(kept)), first_kept),
        _code(_RUN_TOKEN[exact] * by_place, first_run),
        _code(_RUN_TOKEN[loose] * by_place, first_run),
    )


def _weights(first: Int64s, end: int) -> Hashes:
    """Return what each token of the handles counts, by its place in its handle, of which `first` is the first."""
    place = np.arange(end) - np.repeat(first, lengths(first, end))
    weights: Hashes = _PLACE[place & (_MOST_LENGTH - 1)]
    return weights


def _code(hashes: Hashes, first: Int64s) -> Handles:
    code: Handles = np.maximum(np.add.reduceat(hashes, first) >> np.uint64(50), np.uint64(SAYS_NOTHING + 1))
    return code
