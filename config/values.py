"""One written value -> one typed value, or what it must be. Knows types and ranges, no setting by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any, get_type_hints

import msgspec
from msgspec import inspect

from config.secret import Secret


class Unacceptable(ValueError):
    """A value cannot be used; the text says what it must be."""


@cache
def hints_of(section: type) -> Mapping[str, Any]:
    """Type of each key of a section's dataclass, with its range."""
    return get_type_hints(section, include_extras=True)


def convert(value: object, hint: Any, *, from_text: bool) -> object:
    """Make `value` what `hint` asks for.

    `from_text` is for environment variables: numbers and true/false are read from text, lists are split at commas.
    Raises Unacceptable with a description of what is acceptable.
    """
    if hint is Secret:
        return Secret(str(value))
    if from_text and isinstance(value, str) and isinstance(inspect.type_info(hint), inspect.VarTupleType):
        value = [part.strip() for part in value.split(",") if part.strip()]
    try:
        converted: object = msgspec.convert(value, hint, strict=not from_text)
    except msgspec.ValidationError:
        raise Unacceptable(describe(hint)) from None
    for each in converted if isinstance(converted, tuple) else (converted,):
        # TOML can write nan, inf and integers of any length
        if isinstance(each, float) and not math.isfinite(each):
            raise Unacceptable("a finite number")
        if isinstance(each, int) and not -(2**63) <= each < 2**63:
            raise Unacceptable("a whole number that fits 64 bits")
    return converted


def describe(hint: Any) -> str:
    """What a value must be, as words that follow "must be".

    >>> from typing import Annotated
    >>> describe(Annotated[int, msgspec.Meta(ge=1, le=8)])
    'a whole number from 1 to 8'
    >>> describe(tuple[float, ...])
    'a list, each entry a number'
    """
    return _describe(inspect.type_info(hint))


def _describe(info: inspect.Type) -> str:
    match info:
        case inspect.Metadata(extra_json_schema={"description": str(words)}):
            return words
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return "a whole number" + _range(info)
        case inspect.FloatType():
            return "a number" + _range(info)
        case inspect.EnumType():
            return "one of " + ", ".join(str(choice.value) for choice in info.cls)
        case inspect.StrType():
            return "text in quotes" + _length(info)
        case inspect.VarTupleType():
            return "a list, each entry " + _describe(info.item_type)
    raise TypeError(
        f"settings of type {info} are not supported; use int, float, bool, str, an enum or a tuple of one"
    )


def _range(info: inspect.IntType | inspect.FloatType) -> str:
    """Bounds as words, each with its own comparison."""
    low = info.ge if info.ge is not None else info.gt
    high = info.le if info.le is not None else info.lt
    if info.ge is not None and info.le is not None:
        return f" from {low} to {high}"
    above = "" if low is None else f" of at least {low}" if info.ge is not None else f" above {low}"
    below = "" if high is None else f" of at most {high}" if info.le is not None else f" below {high}"
    return above + (" and" if above and below else "") + below


def _length(info: inspect.StrType) -> str:
    low, high = info.min_length, info.max_length
    if low is None and high is None:
        return ""
    return f" of {low or 0} to {high} characters" if high is not None else f" of at least {low} characters"
