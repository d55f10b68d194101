"""File + environment -> Settings, or one error that lists every problem. Owns the reading; knows no meaning."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from config.assemble import ALL, Entry, Outcome, assemble, known_entries, nearest, section_types
from config.problems import Problem
from config.schema import Settings
from config.secret import Secret
from config.toml_file import read_toml
from config.values import hints_of

PREFIX = "POLLWATCH_"
CONVENTIONAL = {
    "KAFKA_BOOTSTRAP_SERVERS": "bootstrap_servers",
    "KAFKA_SECURITY_PROTOCOL": "security_protocol",
    "KAFKA_SASL_MECHANISM": "sasl_mechanism",
    "KAFKA_SASL_USERNAME": "sasl_username",
    "KAFKA_SASL_PASSWORD": "sasl_password",
    "KAFKA_SSL_CAFILE": "ssl_cafile",
    "KAFKA_SSL_CERTFILE": "ssl_certfile",
    "KAFKA_SSL_KEYFILE": "ssl_keyfile",
    "KAFKA_SSL_PASSWORD": "ssl_password",
}
"""Names other Kafka tools use too. Weaker than POLLWATCH_*, stronger than the file; empty counts as not set."""


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Settings from a TOML file (None: no file) and the environment, which wins. Raises ConfigError with every problem."""
    return _read(path, environ).unwrap()


def check(path: Path | None, environ: Mapping[str, str]) -> list[Problem]:
    """Every problem that `load` would raise, in the order of file, environment, combinations."""
    return list(_read(path, environ).problems)


def _read(path: Path | None, environ: Mapping[str, str]) -> Outcome:
    def home(section: str, key: str) -> str:
        if path is None:
            return f"environment:{PREFIX}{section.upper()}_{key.upper()}"
        return f"{path}:{section if key == ALL else f'{section}.{key}'}"

    written, unreadable = read_toml(path) if path is not None else ({}, [])
    from_file, unknown = known_entries(written, home)
    from_environ, strange = _environment(environ)
    outcome = assemble([*from_file, *from_environ], home, Settings())
    return Outcome(outcome.settings, (*unreadable, *unknown, *strange, *outcome.problems))


def _environment(environ: Mapping[str, str]) -> tuple[list[Entry], list[Problem]]:
    entries = [
        Entry("kafka", key, environ[name], f"environment:{name}", from_text=True)
        for name, key in CONVENTIONAL.items()
        if environ.get(name)
    ]
    problems = []
    known = environment_names()
    for name in sorted(name for name in environ if name.startswith(PREFIX)):
        if name in known:
            section, key = known[name]
            entries.append(Entry(section, key, environ[name], f"environment:{name}", from_text=True))
        else:
            problems.append(Problem(f"environment:{name}", "unknown setting", _advice(name, known)))
    return entries, problems


def environment_names() -> dict[str, tuple[str, str]]:
    """Section and key behind each `POLLWATCH_<SECTION>_<KEY>`; passwords have only their conventional names."""
    return {
        f"{PREFIX}{section}_{key}".upper(): (section, key)
        for section, kind in section_types().items()
        for key, hint in hints_of(kind).items()
        if hint is not Secret
    }


def _advice(name: str, known: Mapping[str, tuple[str, str]]) -> str:
    """The nearest name, or the form of all names: listing every one would bury the other problems."""
    # without the shared prefix, which alone would make every name look near
    near = nearest(name.removeprefix(PREFIX), (each.removeprefix(PREFIX) for each in known))
    return f"did you mean {PREFIX}{near}?" if near else f"names are {PREFIX}<SECTION>_<KEY>"
