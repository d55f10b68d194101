"""The cluster as a picture: which reasons the named accounts share. Columns are sets of reasons, rows are the reasons (an UpSet plot).

A list of accounts does not show whether one sign hit all of them or several signs hit a few each; that is what tells a botnet (one
tall column of many dots) from a crowd that was caught by chance (many low columns of one dot).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from detectors.findings import Reason
from streams.report.markup import text
from streams.report.words import REASONS, counted, percent

MOST_COLUMNS = 7
MOST_ROWS = 10
_WIDTH, _LABELS, _COLUMN, _ROW = 420, 168, 26, 22
_TOP, _TALLEST = 18, 70
_DOT = 5


@dataclass(frozen=True, slots=True)
class Column:
    """Accounts that have exactly these reasons."""

    reasons: tuple[Reason, ...]
    accounts: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """What is drawn: the largest sets of reasons, and the reasons in them by how many accounts have each; `rest` are all others."""

    columns: list[Column]
    rows: list[tuple[Reason, int]]
    accounts: int
    rest: int


def matrix(sorts: Counter[tuple[Reason, ...]]) -> Matrix:
    """Return what to draw of accounts counted by their sets of reasons."""
    ranked = sorted(sorts.items(), key=lambda one: (-one[1], one[0]))[:MOST_COLUMNS]
    having: Counter[Reason] = Counter()
    for reasons, count in sorts.items():
        having.update(dict.fromkeys(reasons, count))
    shown = {reason for reasons, _ in ranked for reason in reasons}
    rows = sorted(((reason, having[reason]) for reason in shown), key=lambda row: (-row[1], row[0]))[:MOST_ROWS]
    total = sum(sorts.values())
    return Matrix([Column(*one) for one in ranked], rows, total, total - sum(count for _, count in ranked))


def reasons_drawing(of: Matrix) -> str:
    """Return the drawing as `<svg>`; at least one column."""
    top = _TOP + _TALLEST + 8
    height = top + _ROW * len(of.rows) + 4
    parts = [*_row_bands(of, top), *_columns(of, top), *_shares(of, top)]
    label = text(f"Reasons that the named accounts share. {described(of)}")
    return f'<svg viewBox="0 0 {_WIDTH} {height}" fill="none" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def described(of: Matrix) -> str:
    """Return in words what the drawing shows."""
    most = of.columns[0]
    named = ", ".join(REASONS.get(reason, reason) for reason in most.reasons)
    return f"{most.accounts:,} of {counted(of.accounts, 'account')} have exactly the same reasons: {named}."


def _row_bands(of: Matrix, top: int) -> list[str]:
    parts = []
    for number, (reason, _) in enumerate(of.rows):
        y = top + number * _ROW
        if number % 2 == 0:
            parts.append(f'<rect x="0" y="{y}" width="{_WIDTH}" height="{_ROW}" fill="var(--card)"></rect>')
        words = text(REASONS.get(reason, reason))
        parts.append(_text(_LABELS - 8, y + 15, words, "end", "var(--ink)"))
    return parts


def _columns(of: Matrix, top: int) -> list[str]:
    tallest = max(column.accounts for column in of.columns)
    parts = []
    for number, column in enumerate(of.columns):
        x = _LABELS + number * _COLUMN + _COLUMN // 2
        high = max(2, round(_TALLEST * column.accounts / tallest))
        base = _TOP + _TALLEST
        parts.append(f'<rect x="{x - 8}" y="{base - high}" width="16" height="{high}" fill="var(--suspect)"></rect>')
        parts.append(_text(x, base - high - 4, _short(column.accounts), "middle", "var(--ink)", 11))
        parts += _dots(of.rows, column.reasons, x, top)
    return parts


def _dots(rows: Sequence[tuple[Reason, int]], reasons: tuple[Reason, ...], x: int, top: int) -> list[str]:
    at = [(top + number * _ROW + _ROW // 2, reason in reasons) for number, (reason, _) in enumerate(rows)]
    held = [y for y, has in at if has]
    dots = [
        f'<circle cx="{x}" cy="{y}" r="{_DOT}" fill="{"var(--suspect)" if has else "var(--rule)"}"></circle>' for y, has in at
    ]
    if len(held) > 1:
        dots.insert(0, f'<rect x="{x - 1}" y="{held[0]}" width="2" height="{held[-1] - held[0]}" fill="var(--suspect)"></rect>')
    return dots


def _shares(of: Matrix, top: int) -> list[str]:
    """At the right: the share of all named accounts that have each reason."""
    left = _LABELS + MOST_COLUMNS * _COLUMN + 4
    room = _WIDTH - left
    parts = [_text(left, top - 6, "of all", "start", "var(--quiet)", 11)]
    for number, (_, count) in enumerate(of.rows):
        y = top + number * _ROW
        share = count / max(1, of.accounts)
        parts.append(
            f'<rect x="{left}" y="{y + _ROW - 4}" width="{max(1, round(room * share))}" height="3" fill="var(--suspect)"></rect>'
        )
        parts.append(_text(left, y + 15, percent(share), "start", "var(--ink)", 12))
    return parts


def _text(x: int, y: int, words: str, anchor: str, fill: str, size: int = 12) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}" fill="{fill}">{words}</text>'


def _short(count: int) -> str:
    """Return a count that fits above a bar.

    >>> _short(950), _short(11_990), _short(1_200_000)
    ('950', '12k', '1.2M')
    """
    if count < 1_000:
        return str(count)
    thousands = count / 1_000
    return f"{thousands:.2g}k" if thousands < 99.5 else f"{thousands:.0f}k" if thousands < 999.5 else f"{count / 1e6:.2g}M"
