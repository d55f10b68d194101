"""The one way text gets into a page: escaped for HTML, with what can't be seen written out. Knows no page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from streams.terminal import visible

_MOST = 2_000


def text(words: object) -> str:
    """Return words as they may stand in an element or a quoted attribute.

    >>> text('<b onclick="x">\\u202e')
    '&lt;b onclick=&quot;x&quot;&gt;\\\\u202e'
    """
    return escape(visible(str(words), _MOST), quote=True)


def cells(words: Sequence[object]) -> str:
    """Return table cells."""
    return "".join(f"<td>{text(word)}</td>" for word in words)


def rows(lines: Sequence[tuple[object, ...]]) -> str:
    """Return table rows; the first cell of each is its head."""
    return "".join(f'<tr><th scope="row">{text(first)}</th>{cells(rest)}</tr>' for first, *rest in lines)


def head(titles: Sequence[str]) -> str:
    """Return the first line of a table."""
    named = "".join(f'<th scope="col">{text(title)}</th>' for title in titles)
    return f"<thead><tr>{named}</tr></thead>"


def table(titles: Sequence[str], body: str, name: str = "") -> str:
    """Return a table whose rows are `body`; it scrolls by itself where it is too wide."""
    of = f' class="{text(name)}"' if name else ""
    return f'<div class="wide"><table{of}>{head(titles)}<tbody>{body}</tbody></table></div>'
