"""What each character becomes before texts are compared; it knows nothing of words.

Compatibility decomposition (NFKD, Unicode Standard Annex 15) without its marks, one case, look-alikes of Latin letters
folded onto them (after Unicode Technical Standard 39, section 4), and what can't be seen dropped. Since marks are dropped,
a character's outcome doesn't depend on its neighbours: it is looked up in a table that is filled as characters come.
The table holds 6 MB, and 4 bytes for each character that came so far and what it became.
"""

from __future__ import annotations

import unicodedata
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Characters: TypeAlias = NDArray[np.uint32]

CLASS_SHIFT = 24
CHARACTER = (1 << CLASS_SHIFT) - 1

SPACE = 0
SIGN = 1
"""Punctuation, symbols, emoji."""
JOINER = 2
"""Digits and the underscore: part of a name, but of no word."""
LETTER = 3
UNSPACED = 4
"""Of a script that is written without spaces between words."""

_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0'’‘ʼʻ`´＇ʹ′")
# after one case: the letters of Cyrillic, Greek and others that a reader takes for Latin ones; I and l look alike too
_LOOK_ALIKES = str.maketrans(
    "аеорсухіјѕһԁԛԝкмтвнгӏьαορνικτχυεηωγβμϲϳɑɡɩʋıl",
    "aeopcyxijshdqwkmtbhribaopviktxuenwybucjagiuii",
)
_UNSPACED_NAMES = (
    "CJK", "HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "BOPOMOFO", "TIBETAN",
    "IDEOGRAPHIC ITERATION",
)  # fmt: skip
_UNKNOWN = -1
# some ligatures stand for whole sentences: a text of them must not cost more than another
_MOST_OUTCOMES = 4


def folded(character: str) -> list[int]:
    """Return what becomes of one character: code points, each with its class in the bits from `CLASS_SHIFT` on.

    >>> [chr(c & CHARACTER) for c in folded("Й")], folded("\\u200b"), folded("7")[0] >> CLASS_SHIFT == JOINER
    (['и'], [], True)
    """
    outcome = []
    for part in unicodedata.normalize("NFKD", character):
        for plain in "" if _kind(part) is None else _plain(part).casefold().translate(_LOOK_ALIKES):
            kind = _kind(plain)
            if kind is not None:
                outcome.append(ord(plain) | kind << CLASS_SHIFT)
    return outcome[:_MOST_OUTCOMES]


def _plain(part: str) -> str:
    """Return the Latin letter that `part` is a variant of without Unicode saying so by decomposition: ø, ᴀ, 🅰."""
    words = unicodedata.name(part, "").split(" WITH ")[0].split()
    if "LATIN" in words and len(words[-1]) == 1 and words[-2] in ("LETTER", "CAPITAL"):
        return words[-1]
    return part


def _kind(plain: str) -> int | None:
    """Return the class of a folded character, None where nothing is to be seen of it."""
    category = unicodedata.category(plain)
    if plain in _INVISIBLE or category[0] == "M" or category in ("Cf", "Cs", "Cn", "Co"):
        return None
    if category[0] in "ZC":
        return SPACE
    if category[0] == "N" or plain == "_":
        return JOINER
    if category[0] == "L":
        return UNSPACED if unicodedata.name(plain, "").startswith(_UNSPACED_NAMES) else LETTER
    return SIGN


class Folding:
    """The table of outcomes, filled as characters come: a cache of `folded`, which alone decides."""

    def __init__(self) -> None:
        self._length = np.full(0x110000, _UNKNOWN, np.int8)
        self._start = np.zeros(0x110000, np.int32)
        self._outcomes = np.zeros(1024, np.uint32)
        self._used = 0

    def fold(self, characters: Characters) -> tuple[Characters, NDArray[np.int8]]:
        """Return all outcomes one after the other, and how many each character has."""
        lengths = self._length[characters]
        if (lengths == _UNKNOWN).any():
            self._learn(np.unique(characters[lengths == _UNKNOWN]))
            lengths = self._length[characters]
        starts = self._start[characters]
        if (lengths == 1).all():
            return self._outcomes[starts], lengths
        ends = np.cumsum(lengths, dtype=np.int64)
        places = np.repeat(starts - (ends - lengths), lengths) + np.arange(ends[-1])
        return self._outcomes[places], lengths

    def _learn(self, characters: Characters) -> None:
        for character in characters.tolist():
            outcome = folded(chr(character))
            if self._used + len(outcome) > len(self._outcomes):
                self._outcomes = np.concatenate((self._outcomes, np.zeros_like(self._outcomes)))
            self._outcomes[self._used : self._used + len(outcome)] = outcome
            self._start[character] = self._used
            self._length[character] = len(outcome)
            self._used += len(outcome)
