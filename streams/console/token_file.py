"""The token that lets people decide, from its file."""

from __future__ import annotations

from pathlib import Path

from config import ConfigError, Problem
from config.schema import Console

LEAST_CHARS = 16


def read_token(console: Console) -> str | None:
    """Return the token, None where no file is named. Raises ConfigError when the file cannot be used."""
    token, problems = _read(console.token_file)
    if problems:
        raise ConfigError(problems)
    return token


def check_token(console: Console) -> list[Problem]:
    """Return what is wrong with the token's file, for `check-config`."""
    return _read(console.token_file)[1]


def _read(path: str) -> tuple[str | None, list[Problem]]:
    if not path:
        return None, []
    try:
        token = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        return None, [Problem("console.token_file", f"{path} cannot be read ({reason})", "name a readable file")]
    if len(token) >= LEAST_CHARS:
        return token, []
    todo = f"put at least {LEAST_CHARS} random ones in it: openssl rand -hex 16 > FILE"
    return None, [Problem("console.token_file", f"{path} has {len(token)} characters", todo)]
