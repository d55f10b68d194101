"""Written values -> Settings, or every problem among them. Knows no file format and no environment."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.consistency import conflicts
from config.problems import ConfigError, Problem
from config.schema import Settings
from config.secret import Secret
from config.values import Unacceptable, convert, hints_of


@dataclass(frozen=True, slots=True)
class Entry:
    """One value as somebody wrote it. `where` is the place to name in a problem."""

    section: str
    key: str
    value: object
    where: str
    from_text: bool = False


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


def assemble(entries: Sequence[Entry], where_default: Callable[[str, str], str], base: Settings) -> Outcome:
    """Put `entries` over `base`, the later entry of one key winning.

    `where_default(section, key)` names the place where a setting that nobody wrote would have to be written.
    """
    problems: list[Problem] = []
    values: dict[str, dict[str, object]] = {name: {} for name in section_types()}
    where: dict[str, str] = {}
    broken: set[str] = set()
    for entry in entries:
        where[f"{entry.section}.{entry.key}"] = entry.where
        try:
            values[entry.section][entry.key] = _value(entry)
        except Unacceptable as error:
            problems.append(Problem(entry.where, _shown(entry), f"must be {error}"))
            broken.add(f"{entry.section}.{entry.key}")
    settings = _build(base, values, where_default, problems)
    for conflict in conflicts(settings):
        if broken.isdisjoint(conflict.keys):
            first = conflict.keys[0]
            problems.append(
                Problem(where.get(first) or where_default(*first.split(".")), conflict.what, conflict.todo)
            )
    return Outcome(settings, tuple(problems))


def _value(entry: Entry) -> object:
    return convert(
        entry.value, hints_of(section_types()[entry.section])[entry.key], from_text=entry.from_text
    )


def _shown(entry: Entry) -> str:
    text = repr(entry.value) if len(repr(entry.value)) <= 60 else repr(entry.value)[:57] + "..."
    return f"{text} cannot be used"


def _build(
    base: Settings,
    values: Mapping[str, Mapping[str, Any]],
    where_default: Callable[[str, str], str],
    problems: list[Problem],
) -> Settings:
    """Replace section by section; a section that refuses its own values (ValueError) stays as it was."""
    sections = {}
    for name, given in values.items():
        try:
            sections[name] = dataclasses.replace(getattr(base, name), **given)
        except ValueError as error:
            problems.append(Problem(where_default(name, "*"), str(error), f"change the values of [{name}]"))
    return dataclasses.replace(base, **sections)


def with_overrides(settings: Settings, **sections: Mapping[str, object]) -> Settings:
    """Settings with some values replaced and everything checked again; for command-line flags and tests.

    >>> with_overrides(Settings(), topics={"partitions": 2}).topics.partitions
    2

    Raises ConfigError with every problem, unknown sections and keys included.
    """
    entries, problems = known_entries(sections, lambda section, key: f"override:{section}.{key}")
    outcome = assemble(entries, lambda section, key: f"override:{section}.{key}", settings)
    return Outcome(outcome.settings, (*problems, *outcome.problems)).unwrap()


def known_entries(
    sections: Mapping[str, object], where: Callable[[str, str], str]
) -> tuple[list[Entry], list[Problem]]:
    """Split a nested mapping into entries of known keys and problems of unknown ones."""
    entries: list[Entry] = []
    problems: list[Problem] = []
    for section, values in sections.items():
        kind = section_types().get(section)
        if kind is None:
            problems.append(
                Problem(where(section, "*"), "unknown section", did_you_mean(section, section_types()))
            )
        elif not isinstance(values, Mapping):
            problems.append(Problem(where(section, "*"), "is a value", f"write it as a section: [{section}]"))
        else:
            for key, value in values.items():
                _sort(Entry(section, key, value, where(section, key)), kind, entries, problems)
    return entries, problems


def _sort(entry: Entry, kind: type, entries: list[Entry], problems: list[Problem]) -> None:
    keys = hints_of(kind)
    if keys.get(entry.key) is Secret:
        todo = f"put it in a file and name that in {entry.section}.{entry.key}_file, or set KAFKA_{entry.key.upper()}"
        problems.append(Problem(entry.where, "a password must not stand here", todo))
    elif entry.key not in keys:
        plain = [key for key, hint in keys.items() if hint is not Secret]
        problems.append(Problem(entry.where, "unknown setting", did_you_mean(entry.key, plain)))
    else:
        entries.append(entry)
