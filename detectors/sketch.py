"""Sketches of texts: how much two texts have in common is read from 64 small numbers. It knows nothing of who wrote them.

A text is words in a normal form (`detectors.letters`), without mentions, hashtags, addresses, digits and signs; where a
script has no spaces, each two neighbouring characters are a word. Its shingles are unordered pairs of words at most
`REACH` words apart: a swapped word costs as much as with neighbouring pairs, a changed order nearly nothing, and texts drawn from
one small vocabulary still share few. Of the shingles, MinHash (Broder 1997) by one permutation (Li, Owen and Zhang,
NIPS 2012): four hashes, each over 16 bins, the smallest value of each bin kept in 16 bits, 0 for an empty bin.
At most `MOST_CHARACTERS` characters and `MOST_WORDS` words of a text are looked at, so its cost is bounded.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Bools, Floats, Hashes, Int64s
from detectors.keyed_table import mix
from detectors.letters import CHARACTER, CLASS_SHIFT, JOINER, LETTER, SPACE, UNSPACED, Characters, Folding
from detectors.senders import SKETCH_WIDTH, Sketches

BINS = 2 * SKETCH_WIDTH
REACH = 16
MOST_CHARACTERS = 2_000
MOST_WORDS = 128
LEAST_WORDS = 6
"""Distinct words below which a text says nothing about who wrote it; two characters of an unspaced script count as one."""

_HASHES = 4
_BINS_OF_A_HASH = BINS // _HASHES
_TEXTS_AT_ONCE = 512
_EMPTY = np.uint32(0xFFFF_FFFF)
_FOLDING = Folding()


def sketch(texts: Sequence[str]) -> Sketches:
    """Return one row of `SKETCH_WIDTH` numbers for each text; zeros where it is too short to tell anything.

    >>> bool(sketch(["No.", "No."]).any())
    False
    >>> one, other = sketch(["the river goes to the north border today", "@you To the NORTH border the river goes!"])
    >>> float(resemblance(one, other)) > 0.4
    True
    """
    parts = [_sketched(texts[i : i + _TEXTS_AT_ONCE]) for i in range(0, len(texts), _TEXTS_AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros((0, SKETCH_WIDTH), np.uint32)


def resemblance(one: Sketches, other: Sketches) -> Floats:
    """Return the estimated Jaccard index of shingles along the last axis; standard error at most 0.07.

    Bins that are empty in both tell nothing (Li, Owen and Zhang 2012, equation 6).
    """
    a, b = bins(one), bins(other)
    told = np.count_nonzero((a != 0) | (b != 0), axis=-1)
    alike = np.count_nonzero((a == b) & (a != 0), axis=-1)
    return np.asarray(alike / np.maximum(told, 1), np.float64)


def bins(sketches: Sketches) -> NDArray[np.uint16]:
    """Return the `BINS` values of each sketch."""
    return np.ascontiguousarray(sketches).view(np.uint16)


def _sketched(texts: Sequence[str]) -> Sketches:
    text, word = _words(texts)
    keep = _first_words(text, len(texts))
    text, word = text[keep], word[keep]
    found = np.full(len(texts) * BINS, _EMPTY)
    for apart in range(1, min(REACH, len(word) - 1) + 1):
        near = np.flatnonzero(text[apart:] == text[:-apart])
        _take_smallest(found, text[near], _pairs(word[near], word[near + apart]))
    values = np.where(found == _EMPTY, 0, np.maximum(found & 0xFFFF, 1)).astype(np.uint16)
    return values.reshape(len(texts), BINS).view(np.uint32)


def _pairs(one: Hashes, other: Hashes) -> Hashes:
    return mix(np.minimum(one, other), 1) + mix(np.maximum(one, other), 2)


def _take_smallest(found: NDArray[np.uint32], text: Int64s, shingle: Hashes) -> None:
    """Lower each text's bins to the values of these shingles; 64 bits of hash serve two bins."""
    for half in range(0, _HASHES, 2):
        hashed = mix(shingle, half)
        for number, part in ((half, hashed >> np.uint64(32)), (half + 1, hashed & np.uint64(0xFFFF_FFFF))):
            place = (part >> np.uint64(28)).astype(np.int64) + (text * BINS + number * _BINS_OF_A_HASH)
            np.minimum.at(found, place, (part & np.uint64(0xFFF_FFFF)).astype(np.uint32))


def _first_words(text: Int64s, texts: int) -> Bools:
    """Tell which words are among the first `MOST_WORDS` of their text."""
    starts = np.searchsorted(text, np.arange(texts))
    keep: Bools = np.arange(len(text)) - starts[text] < MOST_WORDS
    return keep


def _words(texts: Sequence[str]) -> tuple[Int64s, Hashes]:
    """Return the words of texts long enough: the text's number and the word's hash, in order."""
    text, characters, ascii_only = _characters(texts)
    kind: Characters = characters >> np.uint32(CLASS_SHIFT)
    plain: Characters = characters & np.uint32(CHARACTER)
    in_name = kind >= JOINER
    name_begins = in_name & ~_before(in_name)
    kept = (kind >= LETTER) & ~_addressed(plain, kind, name_begins) & ~_linked(plain, kind, ascii_only)
    word_begins = kept & (name_begins | (kind != np.concatenate((kind[:1], kind[:-1]))))
    places, word, weight = _spelled(plain, kind == UNSPACED, np.flatnonzero(kept), word_begins)
    enough = _weighed(text[places], word, weight, len(texts)) >= LEAST_WORDS
    places, word = places[enough[text[places]]], word[enough[text[places]]]
    return text[places], word


def _characters(texts: Sequence[str]) -> tuple[Int64s, Characters, Bools]:
    """Return the folded characters of all texts, each text with a space after it, and which of them came as ASCII."""
    cut = [text[:MOST_CHARACTERS] for text in texts]
    raw = np.frombuffer("".join([text + " " for text in cut]).encode("utf-32-le", "surrogatepass"), np.uint32)
    characters, lengths = _FOLDING.fold(raw)
    text = np.repeat(np.arange(len(cut)), [len(text) + 1 for text in cut])
    return np.repeat(text, lengths), characters, np.repeat(raw < 128, lengths)


def _addressed(plain: Characters, kind: Characters, name_begins: Bools) -> Bools:
    """Tell which characters of names are a mention (up to an unspaced script) or a hashtag."""
    begin = np.flatnonzero(name_begins)
    if not len(begin):
        return name_begins
    number = np.maximum(np.cumsum(name_begins) - 1, 0)
    sign = np.where(begin > 0, plain[begin - 1], 0)
    unspaced = np.cumsum(kind == UNSPACED)
    before_unspaced = unspaced == (unspaced - (kind == UNSPACED))[begin][number]
    addressed: Bools = (sign == ord("#"))[number] | ((sign == ord("@"))[number] & before_unspaced)
    return addressed


def _linked(plain: Characters, kind: Characters, ascii_only: Bools) -> Bools:
    """Tell which characters belong to an address: ASCII without a space, with a dot between letters, or with "://"."""
    in_chunk = ascii_only & (kind != SPACE)
    chunk = np.cumsum(in_chunk & ~_before(in_chunk))
    letter = in_chunk & (kind == LETTER)
    dotted = (plain == ord(".")) & _before(letter) & _after(letter)
    slash = plain == ord("/")
    schemed = (plain == ord(":")) & _after(slash & _after(slash))
    linked = np.zeros(int(chunk[-1]) + 1, np.bool_)
    linked[chunk[in_chunk & (dotted | schemed)]] = True
    inside: Bools = linked[chunk] & in_chunk
    return inside


def _spelled(
    plain: Characters, unspaced: Bools, kept: Int64s, begins: Bools
) -> tuple[Int64s, Hashes, Floats]:
    """Return where each word begins, its hash and its weight: a sum over its letters, each mixed with its place."""
    begin = np.flatnonzero(begins[kept])
    if not len(begin):
        return begin, np.zeros(0, np.uint64), np.zeros(0)
    length = np.diff(begin, append=len(kept))
    place = np.arange(len(kept)) - np.repeat(begin, length)
    letters = plain[kept].astype(np.uint64)
    word = np.add.reduceat(mix(letters, place), begin)
    single = ~unspaced[kept[begin]] | (length == 1)
    first = np.flatnonzero(np.repeat(~single, length) & _after(place > 0))
    pair = mix(letters[first], 0) + mix(letters[np.minimum(first + 1, len(kept) - 1)], 1)
    places = np.concatenate((begin[single], first))
    order = np.argsort(places, kind="stable")
    weight = np.where(order < np.count_nonzero(single), 1.0, 0.5)
    return kept[places[order]], np.concatenate((word[single], pair))[order], weight


def _weighed(text: Int64s, word: Hashes, weight: Floats, texts: int) -> Floats:
    """Return the weight of each text's distinct words."""
    once = np.unique(mix(word, text), return_index=True)[1]
    return np.asarray(np.bincount(text[once], weights=weight[once], minlength=texts), np.float64)


def _before(flags: Bools) -> Bools:
    return np.concatenate((np.zeros(1, np.bool_), flags[:-1]))


def _after(flags: Bools) -> Bools:
    return np.concatenate((flags[1:], np.zeros(1, np.bool_)))
