"""Which of many replies to show: those that are most alike, by the words they share. Knows no account."""

from __future__ import annotations

from collections.abc import Sequence

from streams.report.sample import MOST_QUOTES, Quote


def alike(quotes: Sequence[Quote]) -> list[Quote]:
    """Return the reply that is most like the others, and those most like it, at most MOST_QUOTES, in order of time.

    With n replies that is n * n comparisons of word sets: give it dozens.
    """
    if not quotes:
        return []
    words = [frozenset(quote.text.casefold().split()) for quote in quotes]
    likeness = [[len(a & b) / max(1, len(a | b)) for b in words] for a in words]
    centre = max(range(len(quotes)), key=lambda row: sum(sorted(likeness[row])[-MOST_QUOTES:]))
    nearest = sorted(range(len(quotes)), key=lambda other: (-likeness[centre][other], quotes[other].at_ms))
    return sorted((quotes[number] for number in nearest[:MOST_QUOTES]), key=lambda quote: (quote.at_ms, quote.account_id))
