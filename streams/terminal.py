"""Makes text from strangers safe to show in a terminal: what is invisible, or acts on the terminal, is written out."""

from __future__ import annotations

import unicodedata

# what the standard calls controls, formats (bidirectional, zero-width, tags), surrogates, private, unassigned, separators
_WRITTEN_OUT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_MARKS = frozenset({"Mn", "Me"})
_MOST_MARKS = 2
"""Marks on one letter: as many as written languages need. More of them climb over the lines above and below."""
# letters and symbols that show nothing: Hangul fillers and the empty braille cell
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_INVISIBLE_MARKS = frozenset(map(chr, (0x034F, 0x17B4, 0x17B5, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10)))) | {
    chr(code) for code in range(0xE0100, 0xE01F0)
}


def visible(text: str, most: int = 0) -> str:
    """Return `text` with everything that can't be seen, or that a terminal obeys, as an escape of Python's.

    A backslash is doubled, so two texts that differ never look the same (letters that look alike remain). With `most`,
    what is longer than so many characters ends in "…".

    >>> visible("\\x1b[2J plan\\u202e")
    '\\\\x1b[2J plan\\\\u202e'
    >>> visible("Чи згодні ви? 🇺🇦")
    'Чи згодні ви? 🇺🇦'
    """
    plain = text.isascii() and text.isprintable() and "\\" not in text
    whole = text if plain else _written_out(text)
    return whole if not most or len(whole) <= most else whole[: most - 1] + "…"


def _written_out(text: str) -> str:
    shown: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in _MARKS else 0
        # a mark at the very beginning would land on what is printed before it
        hidden = _is_hidden(character) or marks > _MOST_MARKS or (marks > 0 and not shown)
        shown.append(_escape(character) if hidden else character)
    return "".join(shown)


def _is_hidden(character: str) -> bool:
    if character == " ":
        return False
    if character == "\\" or character in _BLANK or character in _INVISIBLE_MARKS:
        return True
    return unicodedata.category(character) in _WRITTEN_OUT


def _escape(character: str) -> str:
    if character == "\\":
        return "\\\\"
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
