"""What people of the worlds reply: short words that thousands write alike, and sentences that are each their own."""

from __future__ import annotations

import numpy as np

from lab.people import Names, pick

_SHORT = {
    "No.": 0.2,
    "no": 0.12,
    "NO!!!": 0.05,
    "Ні.": 0.13,
    "ні": 0.08,
    "Nie.": 0.07,
    "Nein.": 0.04,
    "🇺🇦": 0.16,
    "🇺🇦🇺🇦🇺🇦": 0.06,
    "Never.": 0.03,
    "いいえ": 0.02,
    "lol no": 0.04,
}
_WHO = "we|they|the people there|my neighbours|people like my aunt|those who fled|nobody I know|voters|soldiers|all of us"
_DO = "will never accept|did not ask for|see through|pay the price of|can't be bought with|laugh about|have a right to refuse"
_WHAT = "a plan drawn on a napkin|this kind of peace|a poll about other people's homes|such a deal|borders made online"
_END = ".|, sorry.|, full stop.|. Ask them first!|... and you know it|, whatever the numbers say.|. Voted."


def replies(rng: np.random.Generator, count: int) -> Names:
    """Return so many replies, two thirds of them short."""
    parts = [
        rng.choice(np.array(words.split("|"), dtype=object), count) for words in (_WHO, _DO, _WHAT, _END)
    ]
    sentences = parts[0] + " " + parts[1] + " " + parts[2] + parts[3]
    return np.where(rng.random(count) < 2 / 3, pick(rng, _SHORT, count), sentences)
