"""The one way text gets into a page: escaped for HTML, with what can't be seen written out. Knows no page."""

from __future__ import annotations

from html import escape

from streams.terminal import visible

_MOST = 2_000


def text(words: object) -> str:
    """Return words as they may stand in an element or a quoted attribute.

    >>> text('<b onclick="x">\\u202e')
    '&lt;b onclick=&quot;x&quot;&gt;\\\\u202e'
    """
    return escape(visible(str(words), _MOST), quote=True)


def rows(cells: list[tuple[object, ...]]) -> str:
    """Return table rows; the first cell of each is its head."""
    return "".join(
        f'<tr><th scope="row">{text(first)}</th>{"".join(f"<td>{text(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in cells
    )
