"""Written values -> Settings, or every problem among them. Knows no file format and no environment."""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from config.consistency import conflicts
from config.problems import ConfigError, Problem
from config.schema import Settings
from config.secret import Secret
from config.values import Unacceptable, convert, hints_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

ALL = "*"
"""Stands for a key where a whole section is meant."""

Where: TypeAlias = Callable[[str, str], str]
"""Names the place of a section's key in a problem."""

Section = TypeVar("Section", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Entry:
    """One value as somebody wrote it. `where` is the place to name in a problem."""

    section: str
    key: str
    value: object
    where: str
    from_text: bool = False

    @property
    def name(self) -> str:
        """Section and key in one."""
        return f"{self.section}.{self.key}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Settings as far as they could be made, and what was wrong. Usable only without problems."""

    settings: Settings
    problems: tuple[Problem, ...]

    def unwrap(self) -> Settings:
        """The settings, or ConfigError with every problem."""
        if self.problems:
            raise ConfigError(self.problems)
        return self.settings


def section_types() -> Mapping[str, type]:
    """The dataclass of each section, in the order of the file."""
    hints = hints_of(Settings)
    return {section.name: hints[section.name] for section in dataclasses.fields(Settings)}


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` is probably a misspelling of."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """What to do about an unknown name: the nearest known one, or all of them."""
    choices = list(known)
    near = nearest(name, choices)
    return f"did you mean {near}?" if near else "known are " + ", ".join(choices)


def assemble(entries: Sequence[Entry], where_default: Where, base: Settings) -> Outcome:
    """Put `entries` over `base`, the later entry of one key winning.

    `where_default(section, key)` names the place where a setting that nobody wrote would have to be written.
    """
    where = {entry.name: entry.where for entry in entries}

    def complaint(name: str, what: str, todo: str) -> tuple[str, Problem]:
        return name, Problem(where.get(name) or where_default(*name.split(".")), what, todo)

    values, wrong = _converted(entries)
    sections = {}
    for section, given in values.items():
        sections[section], refused = _replace(getattr(base, section), given)
        wrong += [complaint(f"{section}.{key}", reason, "change it") for key, reason in refused]
    settings = dataclasses.replace(base, **sections)
    # what could not be used is at its default here, and must not be blamed for not fitting the others
    broken = {name for name, _ in wrong}
    wrong += [
        complaint(each.keys[0], each.what, each.todo)
        for each in conflicts(settings)
        if broken.isdisjoint(each.keys)
    ]
    return Outcome(settings, tuple(problem for _, problem in wrong))


def _converted(entries: Iterable[Entry]) -> tuple[dict[str, dict[str, object]], list[tuple[str, Problem]]]:
    """Typed values by section and key, and what could not be used by its name."""
    values: dict[str, dict[str, object]] = {name: {} for name in section_types()}
    wrong = []
    for entry in entries:
        try:
            values[entry.section][entry.key] = _value(entry)
        except Unacceptable as error:
            wrong.append((entry.name, Problem(entry.where, shown(entry.value), f"must be {error}")))
    return values, wrong


def _value(entry: Entry) -> object:
    return convert(
        entry.value, hints_of(section_types()[entry.section])[entry.key], from_text=entry.from_text
    )


def shown(value: object) -> str:
    """That a value can't be used, in the words of the file format, cut where it gets long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return f"{text if len(text) <= 60 else text[:57] + '...'} cannot be used"


def _replace(section: Section, given: Mapping[str, Any]) -> tuple[Section, list[tuple[str, str]]]:
    """`section` with the values it accepts, and (key, reason) of those it does not.

    Detectors check their own parameters and raise ValueError at the first mistake, naming the parameter. Leaving that one out
    and trying again finds the next, so that all are reported at once.
    """
    left = dict(given)
    refused: list[tuple[str, str]] = []
    while True:
        try:
            return dataclasses.replace(section, **left), refused
        except ValueError as error:
            culprit = _named(section, str(error))
            refused.append((culprit, str(error)))
            if culprit not in left:
                return section, refused
            del left[culprit]


def _named(section: DataclassInstance, message: str) -> str:
    """The first setting of the section that the message names, ALL if there is none."""
    keys = {each.name for each in dataclasses.fields(section)}
    return next((word for word in re.findall(r"\w+", message) if word in keys), ALL)


def with_overrides(settings: Settings, **sections: Mapping[str, object]) -> Settings:
    """Settings with some values replaced and everything checked again; for command-line flags and tests.

    >>> with_overrides(Settings(), topics={"partitions": 2}).topics.partitions
    2

    Raises ConfigError with every problem, unknown sections and keys included.
    """
    entries, problems = known_entries(sections, _in_override)
    outcome = assemble(entries, _in_override, settings)
    return Outcome(outcome.settings, (*problems, *outcome.problems)).unwrap()


def _in_override(section: str, key: str) -> str:
    return f"override:{section if key == ALL else f'{section}.{key}'}"


def known_entries(sections: Mapping[str, object], where: Where) -> tuple[list[Entry], list[Problem]]:
    """Split a nested mapping into entries of known keys and problems of unknown ones."""
    entries: list[Entry] = []
    problems: list[Problem] = []
    for section, values in sections.items():
        if section in section_types() and isinstance(values, Mapping):
            for key, value in values.items():
                problem = _objection(section, key, where)
                problems += [problem] if problem else []
                entries += [] if problem else [Entry(section, key, value, where(section, key))]
        else:
            problems.append(_no_section(section, values, where))
    return entries, problems


def _no_section(name: str, value: object, where: Where) -> Problem:
    if isinstance(value, Mapping):
        return Problem(where(name, ALL), "unknown section", did_you_mean(name, section_types()))
    if name in section_types():
        return Problem(
            where(name, ALL), "is a section, not a setting", f"write [{name}] and its settings below"
        )
    home = _home_of(name)
    todo = f"put it below [{home}]" if home else "put it below its section, or remove it"
    return Problem(where(name, ALL), "stands outside of every section", todo)


def _objection(section: str, key: str, where: Where) -> Problem | None:
    hints = hints_of(section_types()[section])
    if hints.get(key) is Secret:
        todo = f"put it in a file and name that in {section}.{key}_file, or set KAFKA_{key.upper()}"
        return Problem(where(section, key), "a password must not stand here", todo)
    if key in hints:
        return None
    home = _home_of(key)
    plain = [each for each, hint in hints.items() if hint is not Secret]
    todo = f"did you mean {home}.{key}?" if home else did_you_mean(key, plain)
    return Problem(where(section, key), "unknown setting", todo)


def _home_of(key: str) -> str | None:
    """The section that has a setting of this name."""
    return next((name for name, kind in section_types().items() if key in hints_of(kind)), None)
