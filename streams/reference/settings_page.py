"""The page of all settings: from the sections' types, and from config/default.toml, where each stands with its unit and meaning."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from config import Settings
from config.assemble import Entry, assemble, section_types
from config.load import CONVENTIONAL, PREFIX
from config.secret import Secret
from config.values import hints_of
from streams.reference.markdown import WRITTEN, cell, code, table

_DEFAULT = Path(__file__).resolve().parent.parent.parent / "config" / "default.toml"
_UNUSABLE = -(10**12)
"""No setting takes this: what is said against it tells what is taken."""

_HEAD = f"""\
# Settings

{WRITTEN} It says the same as `config/default.toml`, which can be copied, and adds what each setting accepts.

A settings file (TOML) needs only the lines that differ. Each setting can also come from the environment as `{PREFIX}<SECTION>_<KEY>`:
`topics.partitions` is `{PREFIX}TOPICS_PARTITIONS`. The order, the last one winning: the default, the file, `KAFKA_*`, `{PREFIX}*`.
`pollwatch check-config FILE` reports every mistake at once. All times are UTC. How a change plays out is in the
[how-to pages](../README.md).
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """What default.toml says of one setting: its value as written, its unit, its meaning, and the remark above it."""

    value: str
    unit: str
    meaning: str
    remark: str


def settings_page() -> str:
    """Return the page as Markdown."""
    written = default_settings()
    return _HEAD + "".join(_section(name, kind, written) for name, kind in section_types().items()) + _passwords()


def default_settings() -> dict[str, Written]:
    """Return what config/default.toml says of each setting, by `section.key`."""
    return written_settings(_DEFAULT.read_text(encoding="utf-8"))


def written_settings(text: str) -> dict[str, Written]:
    """Return what each setting of a file like default.toml says of itself, by `section.key`."""
    found: dict[str, Written] = {}
    section, comment = "", ""
    remark: list[str] = []
    for line in text.splitlines():
        if head := re.fullmatch(r"\[(\w+)\]", line):
            section, remark = head[1], []
        elif re.match(r"# \[", line):
            comment = line[2:]
        elif line.startswith("#"):
            remark.append(line[2:])
        elif setting := re.fullmatch(r"(\w+) = (.+)", line):
            unit, meaning = re.fullmatch(r"\[(.+?)\] (.+)", comment).groups()  # type: ignore[union-attr]
            found[f"{section}.{setting[1]}"] = Written(setting[2], unit, meaning, " ".join(remark))
            remark = []
    return found


def accepted(section: str, key: str) -> str:
    """Return what a setting must be, in the words that a mistake is answered with.

    >>> accepted("rate", "calm_ms"), accepted("worker", "http_port")
    ('1 or more', 'a whole number from 0 to 65535')
    """
    problems = assemble([Entry(section, key, _UNUSABLE, "")], lambda *_: "", Settings()).problems
    said = next((match for one in problems if (match := re.search(r"must be (.+?)(?:, not -\d|; change it|$)", str(one)))), None)
    return said[1] if said else ""


def _section(name: str, kind: type, written: dict[str, Written]) -> str:
    keys = [key for key, hint in hints_of(kind).items() if hint is not Secret]
    remarks = [written[f"{name}.{key}"].remark for key in keys if written[f"{name}.{key}"].remark]
    head = ["setting", "default", "unit", "accepts", "meaning"]
    return "\n".join([f"\n## [{name}]\n", *(f"{remark}\n" for remark in remarks), table(head, _rows(name, keys, written))])


def _rows(name: str, keys: list[str], written: dict[str, Written]) -> Iterator[list[str]]:
    for key in keys:
        of = written[f"{name}.{key}"]
        # what is one of several names says so as its unit already
        unit, accepts = ("", of.unit) if of.unit.startswith("one of") else (of.unit, accepted(name, key))
        yield [code(f"{name}.{key}"), code(of.value), cell(unit), cell(accepts), cell(of.meaning)]


def _passwords() -> str:
    names = [name for name, key in CONVENTIONAL.items() if hints_of(section_types()["kafka"])[key] is Secret]
    listed = " and ".join(map(code, names))
    return f"\n## Passwords\n\nThey never stand in the file: {listed} in the environment, or a file named in the settings that end in `password_file`.\n"
