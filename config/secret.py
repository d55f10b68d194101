"""A text that must never be shown. Owns the hiding; knows nothing about where secrets come from."""

from __future__ import annotations


class Secret:
    """Holds a secret text; printing, formatting, logging and `dataclasses.asdict` show only whether it is set.

    >>> print(Secret("hunter2"), Secret(""))
    <set> <unset>
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "<set>" if self._text else "<unset>"

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def reveal(self) -> str:
        """The text itself, for the one call that needs it."""
        return self._text


UNSET = Secret("")
"""No secret was given."""
