"""Tables and cells in Markdown, alike on all pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

WRITTEN = "Written from the code by `make docs`; a test compares."
NOTHING = "–"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; an empty cell shows a dash.

    >>> print(table(["a", "b"], [["1", ""]]), end="")
    | a | b |
    |---|---|
    | 1 | – |
    """
    lines = [_line(head), "|" + "---|" * len(head), *map(_line, rows)]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell or NOTHING for cell in cells) + " |"


def cell(text: str) -> str:
    """Return text that may stand in a cell: on one line, with no bar that would end it.

    >>> cell("a | b")
    'a \\\\| b'
    """
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Return text as code that may stand in a cell; nothing for nothing."""
    return f"`{cell(text)}`" if text else ""


def first_paragraph(text: str | None) -> str:
    """Return the first paragraph of a docstring as one line.

    >>> first_paragraph("Says\\n    this.\\n\\n    And that.")
    'Says this.'
    """
    return " ".join((text or "").strip().split("\n\n")[0].split())
