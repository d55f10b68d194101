"""The key of the hashes of ids: from its file, or the built-in one that everybody knows."""

from __future__ import annotations

from pathlib import Path

from config import ConfigError, Problem
from config.schema import Intake
from streams.decode import HASH_KEY_BYTES

BUILT_IN_KEY = b"pollwatch/hash/1"


def hash_key(intake: Intake) -> bytes:
    """Return the 16 bytes. Raises ConfigError when the file cannot be used."""
    key, problems = _read(intake.hash_key_file)
    if problems:
        raise ConfigError(problems)
    return key


def check_hash_key(intake: Intake) -> list[Problem]:
    """Return what is wrong with the key's file, for `check-config`."""
    return _read(intake.hash_key_file)[1]


def _read(path: str) -> tuple[bytes, list[Problem]]:
    if not path:
        return BUILT_IN_KEY, []
    try:
        key = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        return b"", [Problem("intake.hash_key_file", f"{path} cannot be read ({reason})", "name a readable file")]
    if len(key) == HASH_KEY_BYTES:
        return key, []
    todo = f"put {HASH_KEY_BYTES} random bytes in it: openssl rand -out FILE {HASH_KEY_BYTES}"
    return b"", [Problem("intake.hash_key_file", f"{path} has {len(key)} bytes", todo)]
