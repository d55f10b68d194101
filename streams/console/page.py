"""What a page of the console is made of. Pure data."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from markupsafe import Markup

from streams.console.board import Board
from streams.console.drawings import Drawings
from streams.console.templates import Templates


@dataclass(frozen=True, slots=True)
class Part:
    """A section of a page; a live one is sent again when it changed, to all who look at it: nothing in it is one person's."""

    name: str
    html: Markup
    live: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: a path, its query, whether whoever asks may decide, and the secret of his forms ("" on events)."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    may_decide: bool = False
    can_sign_in: bool = False
    csrf: str = ""

    @property
    def key(self) -> Hashable:
        """Equal for those who see the same live parts."""
        return self.path, tuple(sorted(self.query.items())), self.may_decide

    def number(self, name: str) -> int:
        """Return a page number of the query, 1 where there is no sensible one."""
        words = self.query.get(name, "")
        return max(1, int(words)) if words.isascii() and words.isdigit() and len(words) < 7 else 1


@dataclass(frozen=True, slots=True)
class Shown:
    """A page: its title, the place in the navigation, its parts in order, and one line of news for those who listen to it.

    `news` is keyed by what it is about: what was not among it before is read out. `status` is HTTP's.
    """

    title: str
    place: str
    parts: list[Part]
    news: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Desk:
    """What pages are made from."""

    board: Board
    templates: Templates
    drawings: Drawings
