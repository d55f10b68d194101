"""Pages from Jinja templates: every value is escaped, and what can't be seen in it is written out. Knows no page.

A template is a set of macros, one for each part of a page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from streams.console.named import mark
from streams.report.words import FLIPS, KINDS, REASONS, VERDICTS, clock, counted, interval, moment, percent
from streams.terminal import visible

_MOST_CHARS = 2_000
_FOLDER = Path(__file__).with_name("templates")


class Templates:
    """The macros of all templates."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_shown,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "clock": clock,
            "count": lambda number: f"{number:,}",
            "counted": counted,
            "interval": lambda pair: interval(*pair),
            "mark": mark,
            "moment": moment,
            "percent": percent,
            "reason": lambda reason: REASONS.get(reason, reason),
            "kind": lambda kind: KINDS.get(kind, kind),
        }
        self._environment.globals |= {"VERDICTS": VERDICTS, "FLIPS": FLIPS, "address": address}

    def part(self, template: str, macro: str, **values: Any) -> Markup:
        """Return what a macro makes of these values."""
        made = getattr(self._environment.get_template(f"{template}.html").module, macro)
        return Markup(made(**values))

    def page(self, **values: Any) -> str:
        """Return a whole page."""
        return self._environment.get_template("frame.html").render(**values)


def address(path: str, **query: object) -> str:
    """Return a path with the parts of a query that are not empty.

    >>> address("/poll", id="a&b", page="")
    '/poll?id=a%26b'
    """
    told = urlencode({name: value for name, value in query.items() if value not in ("", None)})
    return f"{path}?{told}" if told else path


def _shown(value: object) -> object:
    return value if isinstance(value, Markup) else visible(str(value), _MOST_CHARS)
