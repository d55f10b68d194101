"""The files that targets name: addresses, secrets and certificates, read once. Connects to nothing."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config import ConfigError, Problem, Secret
from config.secret import UNSET
from config.target import Target
from config.targets import bad_address

SHORTEST_SECRET = 32
"""Characters: 128 bits, where they are hexadecimal digits."""
_MOST_BYTES = 65_536
_HEADER = re.compile(r"[!-~]+( [!-~]+)*")


@dataclass(frozen=True, slots=True)
class Access:
    """What proves who we are and who the receiver is. Nothing of it but `tls` shows its content when printed."""

    url: Secret
    secrets: tuple[Secret, ...]
    authorization: Secret
    api_key: Secret
    tls: ssl.SSLContext


def read_access(where: str, targets: Mapping[str, Target]) -> dict[str, Access]:
    """Return what the files of all targets hold, by name; `where` names the targets file. Raises ConfigError with every problem."""
    found, problems = _read(where, targets)
    if problems:
        raise ConfigError(problems)
    return found


def check_access(where: str, targets: Mapping[str, Target]) -> list[Problem]:
    """Return every problem of the files that targets name, for `check-config`."""
    return _read(where, targets)[1]


def _read(where: str, targets: Mapping[str, Target]) -> tuple[dict[str, Access], list[Problem]]:
    found: dict[str, Access] = {}
    problems: list[Problem] = []
    for name, target in targets.items():
        reader = _Reader(f"{where}:{name}")
        found[name] = reader.access(target)
        problems += reader.problems
    return found, problems


class _Reader:
    """Reads the files of one target and collects what is wrong with them."""

    def __init__(self, where: str) -> None:
        self._where = where
        self.problems: list[Problem] = []

    def access(self, target: Target) -> Access:
        return Access(
            url=self._url(target),
            secrets=self._secrets(target.secret_file),
            authorization=self._header("authorization_file", target.authorization_file),
            api_key=self._header("api_key_file", target.api_key_file),
            tls=self._tls(target.ca_file),
        )

    def _complain(self, key: str, what: str, todo: str) -> None:
        self.problems.append(Problem(f"{self._where}.{key}", what, todo))

    def _lines(self, key: str, path: str) -> list[str]:
        try:
            with Path(path).open("rb") as file:
                text = file.read(_MOST_BYTES).decode()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            self._complain(key, f"{path} cannot be read ({reason})", "name a readable file")
            return []
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if not lines:
            self._complain(key, f"{path} is empty", "put the secret in it")
        return lines

    def _one_line(self, key: str, path: str) -> str:
        lines = self._lines(key, path) if path else []
        if len(lines) > 1:
            self._complain(key, f"{path} has {len(lines)} lines", "keep one")
        return lines[0] if lines else ""

    def _url(self, target: Target) -> Secret:
        if not target.url_file:
            return Secret(target.url)
        url = self._one_line("url_file", target.url_file)
        complaint = bad_address(url, target.allow_http) if url else None
        if complaint:
            self._complain("url_file", f"what {target.url_file} holds {complaint[0]}", complaint[1])
        return Secret(url)

    def _secrets(self, path: str) -> tuple[Secret, ...]:
        lines = self._lines("secret_file", path) if path else []
        if any(len(line) < SHORTEST_SECRET for line in lines):
            todo = "make it anew: openssl rand -hex 32"
            self._complain("secret_file", f"{path} holds a secret of fewer than {SHORTEST_SECRET} characters", todo)
        return tuple(map(Secret, lines))

    def _header(self, key: str, path: str) -> Secret:
        value = self._one_line(key, path)
        if value and not _HEADER.fullmatch(value):
            self._complain(key, f"{path} holds what can't stand in a header", "keep to ASCII letters, digits and signs")
        return Secret(value) if value else UNSET

    def _tls(self, path: str) -> ssl.SSLContext:
        """Certificate and host name are always verified, against the system's authorities without a file."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if path else ssl.create_default_context()
        try:
            if path:
                context.load_verify_locations(cafile=path)
        except (OSError, ValueError) as error:
            reason = error.reason if isinstance(error, ssl.SSLError) else getattr(error, "strerror", error)
            self._complain("ca_file", f"{path} cannot be used ({reason or 'not PEM'})", "name a PEM file of certificates")
        return context
