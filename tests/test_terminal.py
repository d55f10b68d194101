"""Hostile text in a terminal: nothing it prints acts, hides, or looks like another text."""

import random
import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from streams.terminal import visible


def test_plain_words_of_any_script_stay_as_they_are() -> None:
    for words in ("peace-plan", "Чи згодні ви?", "平和計画", "שלום", "हिन्दी", "Đặng é ö", "🇺🇦 🤖", "a < b & c"):
        assert visible(words) == words


def test_what_a_terminal_obeys_is_written_out() -> None:
    assert visible("\x1b[2J\x1b]0;title\x07") == "\\x1b[2J\\x1b]0;title\\x07"
    assert visible("a\r\nb\tc\x00\x7f\x9b31m") == "a\\x0d\\x0ab\\x09c\\x00\\x7f\\x9b31m"
    assert visible("line\u2028para\u2029") == "line\\u2028para\\u2029"


def test_what_turns_the_direction_or_has_no_width_is_written_out() -> None:
    for code in (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x61C, 0xFEFF, 0xAD, 0x180E):
        assert visible(f"a{chr(code)}b") == f"a\\{'x' if code < 0x100 else 'u'}{code:0{2 if code < 0x100 else 4}x}b"
    for code in (0x3164, 0x115F, 0x1160, 0xFFA0, 0x2800, 0xA0, 0x3000, 0x34F, 0xFE0F):
        assert chr(code) not in visible(f"a{chr(code)}b")
    assert visible("\U000e0041") == "\\U000e0041"
    assert visible("\ud800") == "\\ud800"


def test_marks_cannot_climb_over_other_lines_or_land_on_what_stands_before() -> None:
    assert visible("a" + "\u0301" * 5) == "a\u0301\u0301" + "\\u0301" * 3
    assert visible("\u0301a") == "\\u0301a"


def test_too_long_a_text_ends_in_an_ellipsis() -> None:
    assert visible("x" * 100, 10) == "x" * 9 + "…"
    assert visible("x" * 10, 10) == "x" * 10
    assert len(visible("\x00" * 100, 10)) == 10


@given(st.text())
def test_nothing_invisible_is_left(text: str) -> None:
    for character in visible(text):
        assert character == " " or unicodedata.category(character) not in {
            "Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"
        }, hex(ord(character))  # fmt: skip


@given(st.text(), st.text())
def test_two_texts_that_differ_never_look_the_same(one: str, other: str) -> None:
    assert (visible(one) == visible(other)) == (one == other)


def test_two_texts_made_of_backslashes_and_escapes_never_look_the_same() -> None:
    seed = random.randrange(sys.maxsize)
    draw = random.Random(seed)
    seen: dict[str, str] = {}
    for _ in range(20_000):
        text = "".join(draw.choices(["\\", "x1b", "\x1b", "u202e", "\u202e", "n", "\u0301"], k=draw.randint(0, 6)))
        assert seen.setdefault(visible(text), text) == text, f"seed {seed}"
