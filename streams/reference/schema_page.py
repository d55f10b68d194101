"""The page of what goes in and comes out: every field of the published structs, with its type and what the code says of it."""

from __future__ import annotations

import ast
import inspect
import re
import string
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect as types

from config import Settings, TopicRole
from detectors.alert import Alert, Integrity
from detectors.cases.decision import Decision, NotTaken
from detectors.cases.moderation import ModerationItem
from streams.decode_record import Refusal, Reply, Vote
from streams.reference.markdown import WRITTEN, cell, code, first_paragraph, table

ROOTS: tuple[tuple[TopicRole, type[msgspec.Struct]], ...] = (
    (TopicRole.VOTES, Vote),
    (TopicRole.REPLIES, Reply),
    (TopicRole.VERDICTS, Decision),
    (TopicRole.ALERTS, Alert),
    (TopicRole.MODERATION, ModerationItem),
    (TopicRole.INTEGRITY, Integrity),
)
"""What is published of each topic; the structs they are made of follow by themselves."""

_INPUTS = (Vote, Reply, Decision)

_HEAD = f"""\
# Schema

{WRITTEN} Records are JSON in UTF-8. Times are integer milliseconds since 1970, UTC, and end in `_ms`; the one exception is `ts`. Unknown fields of
inputs are passed over; null is the same as a field that is missing. Every field of an output is always there. Output fields are added freely; one that
changes or goes is in the CHANGELOG. JSON Schemas for validators: `deploy/schema/alert.v1.schema.json` and `deploy/schema/moderation.v1.schema.json`.
"""


def schema_page(settings: Settings) -> str:
    """Return the page as Markdown."""
    parts, told = [_HEAD], set[type]()
    for role, root in ROOTS:
        for depth, struct in _structs(root):
            if struct not in told:
                told.add(struct)
                where = f" On `{settings.topics.name(role)}`." if depth == 0 else ""
                parts.append(_section(struct, "##" if depth == 0 else "###", where))
    return "\n".join([*parts, _dead_letters(settings)])


def _structs(root: type[msgspec.Struct], depth: int = 0) -> Iterator[tuple[int, type[msgspec.Struct]]]:
    yield depth, root
    for field in _fields(root):
        for inner in _inner(field.type):
            yield from _structs(inner, depth + 1)


def _inner(of: types.Type) -> Iterator[type[msgspec.Struct]]:
    match of:
        case types.StructType():
            yield of.cls
        case types.Metadata():
            yield from _inner(of.type)
        case types.ListType():
            yield from _inner(of.item_type)
        case types.DictType():
            yield from _inner(of.value_type)
        case types.UnionType():
            for one in of.types:
                yield from _inner(one)


def _fields(struct: type[msgspec.Struct]) -> tuple[types.Field, ...]:
    described = types.type_info(struct)
    assert isinstance(described, types.StructType)
    return described.fields


def _section(struct: type[msgspec.Struct], level: str, where: str) -> str:
    rows = (_row(struct, field) for field in _fields(struct))
    return f"{level} {struct.__name__}\n\n{first_paragraph(struct.__doc__)}{where}\n\n{table(['field', 'type', 'meaning'], rows)}"


def _row(struct: type[msgspec.Struct], field: types.Field) -> list[str]:
    optional = "optional: " if struct in _INPUTS and not field.required else ""
    return [code(field.encode_name), optional + cell(words(field.type)), cell(field_meanings(struct).get(field.name, ""))]


def words(of: types.Type) -> str:
    """Return a type in words.

    >>> words(types.type_info(list[int] | None))
    'list of integers or null'
    """
    match of:
        case types.UnionType():
            return " or ".join(words(one) for one in of.types)
        case types.NoneType():
            return "null"
        case types.StructType():
            return f"[{of.cls.__name__}](#{of.cls.__name__.lower()})"
        case types.LiteralType():
            return _one_of(of.values)
        case types.ListType():
            return f"list of {_many(of.item_type)}{_bounds(of.min_length, of.max_length, ' of them')}"
        case types.DictType():
            return f"object: {words(of.value_type)} by name"
        case types.StrType():
            return "text" + (f" like `{of.pattern}`" if of.pattern else _bounds(of.min_length, of.max_length, " characters"))
        case types.IntType() | types.FloatType():
            return ("integer" if isinstance(of, types.IntType) else "number") + _bounds(of.ge, of.le, "")
        case types.Metadata():
            return words(of.type)
        case types.BoolType():
            return "true or false"
    raise TypeError(f"no words for {of}: add them here")


def _many(item: types.Type) -> str:
    plural = {types.IntType: "integers", types.FloatType: "numbers", types.StrType: "texts"}
    return plural.get(type(item)) or words(item)


def _bounds(low: Any, high: Any, of_what: str) -> str:
    if low is None and high is None:
        return ""
    if of_what and low == 1 and high is None:
        return ", not empty"
    low, high = _short(low), _short(high)
    if low is None or high is None:
        return f", {low if high is None else high}{of_what} or {'more' if high is None else 'less'}"
    return f", {low} to {high}{of_what}"


def _short(bound: Any) -> Any:
    return {2**53: "2^53", -(2**53): "-2^53"}.get(bound, bound)


def _one_of(values: tuple[str | int | None, ...]) -> str:
    """Return the choices; two letters stand for all pairs of them."""
    if len(values) == len(string.ascii_letters) ** 2:
        return "two letters"
    listed = ", ".join(code(str(value).lower() if isinstance(value, bool) else str(value)) for value in values)
    return listed if len(values) == 1 else f"one of {listed}"


@cache
def field_meanings(struct: type) -> dict[str, str]:
    """Return what stands below each field of a class in its source, fields it inherits too."""
    meanings: dict[str, str] = {}
    for kind in reversed(struct.__mro__):
        if kind.__module__.split(".")[0] in ("detectors", "streams"):
            meanings |= _written_below(kind)
    return meanings


def _written_below(kind: type) -> dict[str, str]:
    body = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for field, below in zip(body.body, body.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(meaning))):
                found[name] = " ".join(meaning.split())
    return found


def _dead_letters(settings: Settings) -> str:
    topic = settings.topics.name(TopicRole.DEAD_LETTER)
    reasons = [
        [code(reason.value), "any" if kind is Refusal else "decision", cell(remark)]
        for kind in (Refusal, NotTaken)
        for reason, remark in zip(kind, _remarks(kind), strict=True)
    ]
    return (
        f"## Dead letters\n\nA refused record is on `{topic}` with its own key and bytes, unchanged. Its headers `__connect.errors.topic`, `.partition`,\n"
        "`.offset`, `.stage`, `.exception.class.name` and `.exception.message` say where it came from and why; the class name is one of these reasons:\n\n"
        + table(["reason", "of", "when"], reasons)
    )


def _remarks(kind: type[StrEnum]) -> list[str]:
    """Return what is written behind each member in the source."""
    lines = [line.partition("  # ") for line in inspect.getsource(kind).splitlines() if re.match(r"    [A-Z_]+ = ", line)]
    return [remark.strip() for _, _, remark in lines]

