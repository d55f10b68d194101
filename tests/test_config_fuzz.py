"""Settings from anywhere: whatever a file or the environment holds, it is settings or a list of problems."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config import ConfigError, Settings, check, load, with_overrides
from config.load import CONVENTIONAL, environment_names
from streams.cautions import cautions
from streams.console.token_file import check_token
from streams.hash_key import check_hash_key
from streams.kafka_client import check_files
from streams.pseudonyms import check_key

SECTIONS = {section: list(values) for section, values in Settings().dump().items()}
KEYS = sorted({key for keys in SECTIONS.values() for key in keys} | {"sasl_password", "ssl_password", "", "x"})
TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["", "0", "-1", "nan", "inf", "1e999", "9" * 400, "0x10", "1_000", "true", "\x1b[2J", "\u202e", "\0", "a" * 300, "SASL_SSL", "a:1"]),
)
NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([2**63, -(2**63) - 1, 10**400, -0.0]), st.booleans())
SIMPLE = st.one_of(TEXTS, NUMBERS)
VALUES = st.one_of(SIMPLE, st.lists(SIMPLE, max_size=3), st.dictionaries(TEXTS, SIMPLE, max_size=2))


def toml(value: object) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(key))} = {toml(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value).replace("\x7f", "\\u007f")
    return repr(value)


def document(sections: Mapping[str, Mapping[str, object]]) -> bytes:
    """Return a settings file."""
    lines: list[str] = []
    for section, values in sections.items():
        lines.append(f"[{toml(section)}]")
        lines += [f"{toml(key)} = {toml(value)}" for key, value in values.items()]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


DOCUMENTS = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.dictionaries(
        st.one_of(st.sampled_from(sorted(SECTIONS)), TEXTS),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), TEXTS), VALUES, max_size=5),
        max_size=4,
    ).map(document),
)
NAMES = st.one_of(st.sampled_from([*environment_names(), *CONVENTIONAL, "POLLWATCH_", "POLLWATCH_X", "KAFKA_X"]), st.text(max_size=20))
ENVIRONMENTS = st.dictionaries(NAMES, TEXTS, max_size=6)


def read(text: bytes, environ: Mapping[str, str]) -> Settings | ConfigError:
    """Return what becomes of a file and an environment; anything but settings or an error that lists problems fails."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "settings.toml"
        file.write_bytes(text)
        problems = check(file, environ)
        try:
            found: Settings | ConfigError = load(file, environ)
        except ConfigError as error:
            found = error
    assert problems == (list(found.problems) if isinstance(found, ConfigError) else [])
    assert all(problem.where and problem.what and problem.todo for problem in problems)
    return found


@given(DOCUMENTS, ENVIRONMENTS)
@example(b"[rate]\nwindow_ms = 1" + b"0" * 5_000, {})
@example(b"x = " + b"[" * 5_000, {})
@example(b"[kafka]\nbootstrap_servers = 'h:\xd9\xa1'", {})
def test_whatever_stands_there_it_is_settings_or_problems(text: bytes, environ: Mapping[str, str]) -> None:
    read(text, environ)


@given(st.sampled_from(sorted(SECTIONS)), st.data())
def test_every_setting_takes_or_refuses_every_value(section: str, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(SECTIONS[section]))
    value = data.draw(VALUES)
    found = read(document({section: {key: value}}), {})
    if isinstance(found, Settings):
        # the files that settings name are looked at as `check-config` does, whatever their names
        assert all(map(str, [*check_files(found.kafka), *check_hash_key(found.intake), *check_key(found.privacy), *cautions(found)]))
        assert isinstance(found.dump()[section][key], type(Settings().dump()[section][key]))
        assert len(found.digest()) == 12


@given(st.dictionaries(st.sampled_from([*environment_names(), *CONVENTIONAL]), TEXTS, max_size=8))
def test_every_variable_takes_or_refuses_every_text(environ: Mapping[str, str]) -> None:
    try:
        load(None, environ)
    except ConfigError as error:
        shown = str(error)
        for name in ("KAFKA_SASL_PASSWORD", "KAFKA_SSL_PASSWORD"):
            password, others = environ.get(name, ""), [text for other, text in environ.items() if other != name]
            # what is short, or was given as another setting too, may be shown
            assert len(password) <= 8 or password not in shown or any(password in text for text in others)


FILES = [(section, key) for section, keys in SECTIONS.items() for key in keys if key.endswith(("file", "cafile"))]


def naming(section: str, key: str, path: str) -> Settings:
    """Return settings that name this file, and what has to stand beside it."""
    beside: dict[str, dict[str, object]] = {
        "kafka": {"security_protocol": "SASL_SSL", "sasl_username": "watch", "sasl_password_file": "/none"}
    }
    if "ssl" in key:
        beside["kafka"]["ssl_certfile"] = path
    beside.setdefault(section, {})[key] = path
    return with_overrides(Settings(), **beside)


@pytest.mark.parametrize(("section", "key"), FILES)
@pytest.mark.parametrize("path", ["/", "a" * 300, "\udcff", "/dev/null"])
def test_a_file_that_cannot_be_one_is_a_problem(section: str, key: str, path: str) -> None:
    found = naming(section, key, path)
    problems = [*check_files(found.kafka), *check_hash_key(found.intake), *check_key(found.privacy), *check_token(found.console)]
    assert f"{section}.{key}" in {problem.where for problem in problems}
    assert all(map(str, cautions(found)))


@pytest.mark.parametrize(("section", "key"), FILES)
@pytest.mark.parametrize("path", ["\0", "none\x1b[2J", "two\nlines"])
def test_a_path_with_control_characters_is_refused(section: str, key: str, path: str) -> None:
    with pytest.raises(ConfigError, match="must be a path without control characters"):
        naming(section, key, path)
