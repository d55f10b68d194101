"""Which page an address means. Everything that is read is found here, for a browser's first look and for its events."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from streams.console.case_page import case_page, missing_case
from streams.console.list_page import list_page
from streams.console.page import Asked, Desk, Shown
from streams.console.poll_page import poll_page, polls_page
from streams.console.undo_page import undo_page

MOST_ADDRESS_CHARS = 2_000
_CASES = "/cases/"


async def page_of(desk: Desk, asked: Asked) -> Shown | None:
    """Return the page, None where no page has this path."""
    match asked.path:
        case "/":
            return list_page(desk, asked)
        case "/polls":
            return polls_page(desk, asked)
        case "/poll":
            return await poll_page(desk, asked)
        case "/undo":
            return undo_page(desk, asked)
    case_id = case_of(asked.path)
    if case_id is None:
        return None
    found = desk.board.cases.get(case_id)
    if found is None or found.latest is None:
        return missing_case(desk, asked)
    return await case_page(desk, asked, found)


def case_of(path: str) -> str | None:
    """Return the case that a path is about, None where it is about none.

    >>> case_of("/cases/00ff00ff00ff00ff"), case_of("/cases/x")
    ('00ff00ff00ff00ff', None)
    """
    case_id = path.removeprefix(_CASES)
    is_id = len(case_id) == 16 and not set(case_id) - set("0123456789abcdef")
    return case_id if is_id and path.startswith(_CASES) else None


def split(address: str) -> tuple[str, dict[str, str]]:
    """Return path and query of an address within the console; of several values of a name the last.

    >>> split("/poll?id=a%26b")
    ('/poll', {'id': 'a&b'})
    """
    parts = urlsplit(address[:MOST_ADDRESS_CHARS])
    return parts.path, dict(parse_qsl(parts.query, keep_blank_values=True, max_num_fields=20))
