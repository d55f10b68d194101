from __future__ import annotations

import time
import unicodedata

import numpy as np
import pytest

from detectors.senders import SKETCH_WIDTH
from detectors.sketch import resemblance, sketch

COPIES = 0.42
UKRAINIAN = (
    "Наші лідери сьогодні кажуть правду про кордон, і завтра мир повернеться в кожне місто п'ятої області"
)
RUSSIAN = "Наши лидеры сегодня говорят правду о границе, и завтра мир вернётся в каждый город нашей страны"
FRENCH = (
    "Nos élus disent aujourd'hui la vérité sur la frontière et demain la paix reviendra dans chaque ville"
)
TURKISH = (
    "Işık İstanbul'da sönünce liderlerimiz sınır hakkında doğruyu söyledi, yarın barış her şehre dönecek"
)
JAPANESE = "今日の投票はとても大切なので、みんなで一緒に北の国境と平和について考えましょう。"
ENGLISH = "Our leaders tell the truth about the border today and tomorrow peace returns to every city of ours"
TEXTS = [UKRAINIAN, RUSSIAN, FRENCH, TURKISH, JAPANESE, ENGLISH]
LATIN_AS_CYRILLIC = str.maketrans("aeopcxyAEOPCTXHKMB", "аеорсхуАЕОРСТХНКМВ")
LATIN_AS_GREEK = str.maketrans("oavAEOTXKM", "οανΑΕΟΤΧΚΜ")


def like(one: str, other: str) -> float:
    a, b = sketch([one, other])
    assert a.any(), one
    assert b.any(), other
    return float(resemblance(a, b))


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "dressed",
    [
        "@kyiv_1 {}",
        "@one @two12 {} #poll #правда #投票",
        "{} 🔥🔥 🇺🇦 👏🏽 👨‍👩‍👧",
        "{} https://t.co/Ab3 www.example.org/x?y=1",
        "!!! «{}»… (1/2) 2026",
    ],
)
def test_mentions_tags_addresses_emoji_signs_and_digits_change_nothing(text: str, dressed: str) -> None:
    assert like(text, dressed.format(text)) == 1


@pytest.mark.parametrize("text", TEXTS)
def test_case_width_and_marks_change_nothing(text: str) -> None:
    assert like(text, text.upper()) == 1
    assert like(text, text.lower()) == 1
    assert like(text, unicodedata.normalize("NFD", text)) == 1
    assert like(text, "".join(c + "\u0301" if c.isalpha() else c for c in text)) == 1
    wide = str.maketrans({chr(c): chr(c + 0xFEE0) for c in range(ord("A"), ord("z") + 1) if chr(c).isalpha()})
    assert like(text, text.translate(wide)) == 1


def test_the_dotted_and_the_dotless_i_of_turkish_are_one_letter() -> None:
    assert like(TURKISH, TURKISH.replace("I", "i").replace("İ", "ı").replace("ı", "I")) == 1


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "hidden", ["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\ufe0f", "\u034f", "\u202e", "\U000e0061"]
)
def test_what_cannot_be_seen_changes_nothing(text: str, hidden: str) -> None:
    assert like(text, hidden.join(text)) == 1


@pytest.mark.parametrize("letters", [LATIN_AS_CYRILLIC, LATIN_AS_GREEK, {ord("l"): "I"}, {ord("i"): "ı"}])
def test_letters_that_look_alike_change_nothing(letters: dict[int, str]) -> None:
    assert ENGLISH.translate(letters) != ENGLISH
    assert like(ENGLISH, ENGLISH.translate(letters)) == 1


@pytest.mark.parametrize("text", [UKRAINIAN, RUSSIAN, FRENCH, TURKISH, ENGLISH])
def test_texts_remain_copies_when_one_word_is_swapped(text: str) -> None:
    words = text.split()
    for place in range(len(words)):
        assert like(text, " ".join([*words[:place], "nothing", *words[place + 1 :]])) > COPIES


def test_a_japanese_text_remains_a_copy_when_one_word_is_swapped() -> None:
    assert like(JAPANESE, JAPANESE.replace("北", "南")) > COPIES
    assert like(JAPANESE, JAPANESE.replace("平和", "戦争")) > COPIES


@pytest.mark.parametrize("text", [UKRAINIAN, RUSSIAN, FRENCH, TURKISH, ENGLISH])
def test_the_order_of_words_hardly_matters(text: str) -> None:
    words = text.split()
    assert like(text, " ".join(words[7:] + words[:7])) > 0.9
    assert like(text, " ".join(sorted(words))) > 0.9


def test_the_order_of_sentences_hardly_matters_in_japanese() -> None:
    first, second = JAPANESE.split("、")
    assert like(JAPANESE, second + first) > COPIES


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [60, 200])
def test_independent_texts_from_a_small_vocabulary_stay_apart(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    words = np.array([chr(97 + i % 26) * 2 + chr(97 + i // 26) * 3 for i in range(size)])
    said = sketch([" ".join(rng.choice(words, rng.integers(5, 23))) for _ in range(4_000)])
    alike = resemblance(said[rng.integers(0, 4_000, 200_000)], said[rng.integers(0, 4_000, 200_000)])
    near = np.count_nonzero((alike > COPIES) & (alike < 1))
    assert near <= 2, f"seed {seed}: {near} of 200,000 pairs"


def test_texts_of_different_languages_have_nothing_in_common() -> None:
    said = sketch(TEXTS)
    for i in range(len(TEXTS)):
        for j in range(i):
            assert float(resemblance(said[i], said[j])) < 0.1


TOO_SHORT = (
    "", " ", "No.", "No " * 500, "🇺🇦" * 200, "Slava Ukraini!", "four more years", "いいえ", "賛成です",
    "@a @b @c #d #e #f #g", "1 2 3 4 5 6 7 8 9 10", "https://a.bc/d e.fg/h", "\x00\x01\u200b", "\ud800\udfff",
    "ha ha ha ha ha ha ha ha",
)  # fmt: skip


@pytest.mark.parametrize("text", TOO_SHORT)
def test_texts_too_short_to_tell_anything_have_zeros(text: str) -> None:
    assert not sketch([text]).any()


def test_a_sketch_does_not_depend_on_the_texts_beside_it() -> None:
    alone = np.concatenate([sketch([text]) for text in TEXTS])
    together = sketch([*TEXTS, "No.", "", "\ufdfa" * 50] * 300)
    assert together.shape == (2_700, SKETCH_WIDTH)
    assert together.dtype == np.uint32
    assert (together.reshape(300, 9, SKETCH_WIDTH)[:, :6] == alone).all()


def test_no_texts_have_no_sketches() -> None:
    assert sketch([]).shape == (0, SKETCH_WIDTH)


def test_the_estimate_is_the_share_of_pairs_in_common() -> None:
    """Of 12 words 66 pairs; of 8 in common 28; so 28 of 66 + 66 - 28."""
    rng = np.random.default_rng(1)
    estimates = []
    for _ in range(300):
        words = ["".join(rng.choice(list("abcdefgh"), 12)) for _ in range(16)]
        estimates.append(like(" ".join(words[:12]), " ".join(words[:8] + words[12:])))
    assert np.mean(estimates) == pytest.approx(28 / 104, abs=0.02)
    assert np.std(estimates) < 0.075


HOSTILE = {
    "one letter": "a" * 10_000,
    "letters apart": "a " * 5_000,
    "words": " ".join(
        f"{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676)}" for i in range(2_500)
    ),
    "marks": "a" + "\u0301\u0316" * 5_000,
    "invisible": "\u200b" * 10_000,
    "expanding": "\ufdfa" * 10_000,
    "unspaced": "".join(chr(0x4E00 + i) for i in range(10_000)),
    "all sorts": "".join(chr(0x20 + 7 * i) for i in range(10_000) if not 0xD800 <= 0x20 + 7 * i < 0xE000),
    "mentions": "@a" * 5_000,
    "addresses": "a.b/" * 2_500,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_texts_cost_little(text: str) -> None:
    sketch([text])
    begin = time.process_time()
    sketch([text] * 200)
    assert time.process_time() - begin < 200 * 0.005
