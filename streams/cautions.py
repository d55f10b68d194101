"""What works and is not safe: one line each, with what to do; `check-config` shows them, and who runs logs them at its start."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from config import Settings
from config.target import Target


def cautions(settings: Settings) -> list[str]:
    """Return what an operator should know of these settings."""
    return [*_hash_key(settings), *console_cautions(settings)]


def console_cautions(settings: Settings) -> list[str]:
    """Return those of them that matter to the console."""
    return [*_open_console(settings), *_open_files(_secret_files(settings))]


def _open_console(settings: Settings) -> Iterator[str]:
    host = settings.console.host
    if host not in ("localhost", "::1") and not host.startswith("127."):
        yield (
            f"console.host is {host}, and whoever reaches the console reads the names of accused accounts without a password: "
            "put something in front of it that asks for one, and encrypts"
        )


def target_cautions(where: str, targets: Mapping[str, Target]) -> list[str]:
    """Return what an operator should know of whom is posted to; `where` names the targets file."""
    secrets = [
        (f"{where}:{name}.{key}", path)
        for name, target in targets.items()
        for key in ("url_file", "secret_file", "authorization_file", "api_key_file")
        if (path := getattr(target, key))
    ]
    in_the_open = [
        f"{where}:{name}.url: is http, so whoever is on the way can read what is sent, and the keys beside it: use https"
        for name, target in targets.items()
        if target.url.startswith("http:") and target.allow_http
    ]
    return [*_open_files(secrets), *in_the_open]


def _hash_key(settings: Settings) -> Iterator[str]:
    if not settings.intake.hash_key_file:
        yield (
            "intake.hash_key_file is empty, so ids are hashed with a key known to all and strangers can craft ids that collide: "
            "put 16 random bytes in a file (openssl rand -out FILE 16) and name it, the same for all workers"
        )


def _open_files(secrets: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, path in secrets:
        try:
            mode = Path(path).stat().st_mode
        except (OSError, ValueError):
            continue  # what needs the file says so
        if mode & stat.S_IROTH:
            yield f"{name}: {path} holds a secret and everybody on this machine can read it: chmod o-rwx {path}"


def _secret_files(settings: Settings) -> Iterator[tuple[str, str]]:
    for section, values in settings.dump().items():
        for key, value in values.items():
            if value and key.endswith("_file"):
                yield f"{section}.{key}", str(value)
    kafka = settings.kafka
    holds_key = "ssl_keyfile" if kafka.ssl_keyfile else "ssl_certfile"
    if path := getattr(kafka, holds_key):
        yield f"kafka.{holds_key}", path
